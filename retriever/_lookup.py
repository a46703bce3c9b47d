"""Single tiles by their id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import Record, TileNotFoundError
from indexer import RECORD_COLUMNS, record_from_row
from retriever._evaluate import matching
from retriever._expression import compare
from retriever._pushdown import pushed_down
from retriever._vector_index import Rows


@runtime_checkable
class FindsTiles(Protocol):
    """Rows that know where a tile is."""

    def row_ids_of(self, tile_id: str) -> NDArray[np.uint64]:
        """Return the row id of a tile, (1,), or (0,) where there is none."""
        ...


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
    row_ids = _row_ids(tile_id, rows)
    if not len(row_ids):
        raise TileNotFoundError(f"no tile {tile_id!r} in the index; the hits of a search name their tile ids")
    return rows.take(row_ids, columns)


def _row_ids(tile_id: str, rows: Rows) -> NDArray[np.uint64]:
    if isinstance(rows, FindsTiles):
        return rows.row_ids_of(tile_id)
    same = compare("tile_id", "text", "=", tile_id)
    for batch in rows.scan(["tile_id"], pushed_down(same)):
        found = matching(same, batch)
        if len(found):
            return np.asarray(batch["_rowid"].to_numpy()[found[:1]], dtype=np.uint64)
    return np.empty(0, dtype=np.uint64)
