"""Single tiles by their id."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from core import Record, TileNotFoundError
from indexer import RECORD_COLUMNS, record_from_row
from retriever._evaluate import matching
from retriever._expression import compare
from retriever._pushdown import pushed_down
from retriever._vector_index import Rows


def find_tile(rows: Rows, tile_id: str) -> Record:
    """Return one tile's record.

    Raises:
        TileNotFoundError: No such tile.
    """
    return record_from_row(row_of(tile_id, rows, RECORD_COLUMNS).to_pylist()[0])


def row_of(tile_id: str, rows: Rows, columns: Sequence[str]) -> pa.Table:
    """Return columns of one tile, as a table of one row.

    Raises:
        TileNotFoundError: No such tile.
    """
    same = compare("tile_id", "text", "=", tile_id)
    for batch in rows.scan(["tile_id"], pushed_down(same)):
        found = matching(same, batch)
        if len(found):
            return rows.take(batch["_rowid"].to_numpy()[found[:1]], columns)
    raise TileNotFoundError(f"no tile {tile_id!r} in the index; the hits of a search name their tile ids")
