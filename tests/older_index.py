"""An index as Swath made it at schema version 1, before ledgers had check sums."""

import json
from pathlib import Path

import lancedb
import pyarrow as pa

from indexer.store import Store


def made_older(path: Path, *, version: int = 1, keep_sums: bool = False) -> Path:
    """Put the rows of an index into tables of the first layout, in its place."""
    store = Store.open(path)
    database = lancedb.connect(str(path))
    tiles, scenes = (database.open_table(name).to_arrow() for name in ("tiles", "scenes"))
    described = json.loads(store.schema.metadata[b"swath"]) | {"schema_version": version}
    schema = tiles.schema.with_metadata({b"swath": json.dumps(described).encode()})
    for name in ("tiles", "scenes"):
        database.drop_table(name)
    # As then: two commits, so that rows lie in two files.
    half = len(tiles) // 2
    table = database.create_table("tiles", schema=schema)
    for part in (tiles.slice(0, half), tiles.slice(half)):
        table.add(pa.table(part.columns, schema=schema))
    database.create_table("scenes", scenes if keep_sums else scenes.drop_columns(["digest"]))
    return path
