"""Ways in which an index comes to harm behind the back of its ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from indexer import Store
from indexer._lance import connect
from tests.unit.indexer.doubles import AXES, SPACE, rows, tile

TILES = 5
"""Of each scene."""


def three_scenes(path: Path) -> Store:
    """Return an index of the scenes s0, s1 and s2, in a data file each."""
    store = Store.create_or_open(path, space=SPACE)
    for name in ("s0", "s1", "s2"):
        made = [tile(scene_id=name, col=col) for col in range(TILES)]
        store.commit([rows(made, schema=store.schema, vectors=AXES[np.arange(TILES) % 4])])
    return store


def lance(store: Store, name: str = "tiles") -> Any:
    """Return a table as anybody may open it."""
    return connect(store.folder).open_table(name)


def stored(store: Store) -> pa.Table:
    """Return all tiles."""
    batches = store.snapshot().scan(store.schema.names)
    return pa.Table.from_batches([batch.select(store.schema.names) for batch in batches], store.schema)


def data_file(store: Store, name: str = "tiles", number: int = 0) -> Path:
    """Return a data file of the newest version."""
    from indexer._manifest import table_files

    table, version = store.folder / f"{name}.lance", lance(store, name).version
    return table / [file.path for file in table_files(table, version) if file.path.startswith("data")][number]


def flip(path: Path, pattern: bytes) -> None:
    """Flip a bit in the first place where a file holds a pattern."""
    data = bytearray(path.read_bytes())
    place = data.index(pattern)
    data[place] ^= 0x01
    path.write_bytes(bytes(data))
