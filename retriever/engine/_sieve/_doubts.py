"""Exact tests, by the table's own columns, of the rows that the snapshot's narrow ones leave in doubt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from retriever._distance import within_radius
from retriever._evaluate import matching
from retriever._expression import Area, Expression, Nearby, columns_of
from retriever._spatial import in_area
from retriever.engine._bitmap import WORD, count_in, rows_in
from retriever.engine._kernels import _sieve as kernels
from retriever.engine._shard import Shard

_AT_ONCE = 65_536
"""Rows evaluated at once: 10 MB of footprints."""

_DENSE = 8
"""A stretch of rows is tested whole where at least one in so many is to be tested: to pick a row costs about as much
as to test ten."""


def drop_failing(
    condition: Expression, shard: Shard, words: NDArray[np.uint64], doubts: NDArray[np.uint64] | None
) -> None:
    """Take rows out of a bitmap for which a condition is not true.

    Args:
        condition: The exact test.
        shard: Where the rows are.
        words: (n / 64,) bitmap, changed in place.
        doubts: (n / 64,) bitmap of the rows to be tested; None for all of them.
    """
    open_rows = words.copy() if doubts is None else words & doubts
    if not is_dear(condition):
        _drop_from_spans(condition, shard, words, open_rows)
    rows = rows_in(open_rows)
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        kept = matching(condition, scalars_of(condition, shard, part))
        if len(kept) < len(part):
            kernels.unmark(np.delete(part, kept), words)


def drop_apart(
    areas: Sequence[Area | Nearby], shard: Shard, words: NDArray[np.uint64], doubts: NDArray[np.uint64]
) -> None:
    """Take rows out of a bitmap whose footprints meet none of some areas.

    Args:
        areas: Areas of which one must be met.
        shard: Where the rows are; those in doubt have footprints.
        words: (n / 64,) bitmap, changed in place.
        doubts: (n / 64,) bitmap of the rows to be tested.
    """
    rows = rows_in(words & doubts)
    footprints = _whole(shard.scalars["footprint"])
    for start in range(0, len(rows), _AT_ONCE):
        part = rows[start : start + _AT_ONCE]
        shapes = shapely.from_wkb(footprints.take(pa.array(part)).to_numpy(zero_copy_only=False))
        each = [in_area(area, shapes) if isinstance(area, Area) else within_radius(area, shapes) for area in areas]
        kernels.unmark(part[~np.any(each, axis=0)], words)


def is_dear(condition: Expression) -> bool:
    """Return whether a condition reads footprints."""
    return "footprint" in columns_of(condition)


def _drop_from_spans(
    condition: Expression, shard: Shard, words: NDArray[np.uint64], open_rows: NDArray[np.uint64]
) -> None:
    """Test all rows of a stretch at once where many of them are to be tested, and take these out of ``open_rows``."""
    for start in range(0, shard.rows, _AT_ONCE):
        span = slice(start // WORD, (start + _AT_ONCE) // WORD)
        size = min(_AT_ONCE, shard.rows - start)
        if count_in(open_rows[span]) * _DENSE < size:
            continue
        rows = np.arange(start, start + size, dtype=np.int32)
        kept = matching(condition, scalars_of(condition, shard, rows))
        passed = np.zeros_like(words[span])
        kernels.mark(kept.astype(np.int32), passed)
        words[span] &= ~open_rows[span] | passed
        open_rows[span] = 0


def scalars_of(condition: Expression, shard: Shard, rows: NDArray[np.int32]) -> pa.RecordBatch:
    """Return the columns that a condition reads, of at least one row, rising."""
    names = columns_of(condition) or ("tile_id",)
    columns = [shard.scalars[name] for name in names]
    first, size = int(rows[0]), len(rows)
    if int(rows[-1]) - first + 1 == size:
        taken = [_whole(column.slice(first, size)) for column in columns]
    else:
        places = pa.array(rows)
        taken = [_whole(column).take(places) for column in columns]
    return pa.RecordBatch.from_arrays(taken, names=list(names))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
