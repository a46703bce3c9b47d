"""Tiles that pass a filter, without a query: what a catalogue lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import Record
from indexer import RECORD_COLUMNS, record_from_row
from retriever._evaluate import matching
from retriever._expression import Expression, columns_of
from retriever._pushdown import pushed_down
from retriever._vector_index import Rows

Order = Sequence[tuple[str, bool]]
"""Columns of the tile table to sort by, first the most important, and whether they fall."""

NEWEST_FIRST: Order = (("datetime", True),)
"""What a catalogue shows first."""


def list_tiles(rows: Rows, where: Expression | None = None, order: Order = NEWEST_FIRST) -> NDArray[np.uint64]:
    """Return (n,) row ids of every tile that passes a filter, in order; unknown values last, ties by rising tile id.

    Args:
        rows: One version of the tile table.
        where: A filter; None lists every tile.
        order: What to sort by; texts by code point.
    """
    names = tuple(dict.fromkeys([*(name for name, _ in order), "tile_id"]))
    read = names if where is None else tuple(dict.fromkeys([*names, *columns_of(where)]))
    kept = [_kept(batch, where, names) for batch in rows.scan(read, pushed_down(where))]
    if not kept:
        return np.array([], dtype=np.uint64)
    found = pa.Table.from_batches(kept)
    keys = [(name, "descending" if falls else "ascending", "at_end") for name, falls in order]
    if "tile_id" not in {name for name, _ in order}:
        keys.append(("tile_id", "ascending", "at_end"))
    places = pc.sort_indices(found, sort_keys=keys)
    ids: NDArray[np.uint64] = found["_rowid"].take(places).to_numpy()
    return ids


def _kept(batch: pa.RecordBatch, where: Expression | None, names: Sequence[str]) -> pa.RecordBatch:
    columns = batch.select([*names, "_rowid"])
    return columns if where is None else columns.take(pa.array(matching(where, batch)))


def take_tiles(rows: Rows, row_ids: NDArray[np.uint64] | Iterable[int]) -> tuple[Record, ...]:
    """Return the records of these rows, in the order asked for."""
    wanted = np.asarray(row_ids if isinstance(row_ids, np.ndarray) else list(row_ids), dtype=np.uint64)
    return tuple(map(record_from_row, rows.take(wanted, RECORD_COLUMNS).to_pylist())) if len(wanted) else ()
