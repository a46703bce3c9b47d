"""The rows of a shard that pass a filter."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retriever._evaluate import matching
from retriever._expression import Expression, columns_of
from retriever.engine._bitmap import bitmap_of, count_in
from retriever.engine._layout import BLOCK
from retriever.engine._shard import Shard
from retriever.engine._sieve._model import Passing, Sieve


def passing(sieve: Sieve, shard: Shard, *, exact: bool, alive: NDArray[np.uint64] | None) -> Passing:
    """Return the rows of a shard that pass a filter.

    Args:
        sieve: The filter.
        shard: Where to look.
        exact: Whether the rows must be exactly those that pass; else some may be among them that do not.
        alive: Bitmap of the rows that are still there, as ``Passing.words``; None for all of them.
    """
    rows = np.flatnonzero(holds(sieve, shard, np.arange(shard.rows, dtype=np.int32)))
    words = bitmap_of(rows, -(-shard.rows // BLOCK) * BLOCK)
    words = words if alive is None else words & alive
    blocks = np.flatnonzero(words.reshape(-1, BLOCK // 64).any(axis=1)).astype(np.int32)
    return Passing(words=words, blocks=blocks, count=count_in(words), sure=True)


def holds(sieve: Sieve, shard: Shard, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return (n,) whether each of these rows passes, exactly; whether it is still there has no say."""
    kept = np.full(len(rows), not sieve.never)
    if sieve.where is not None and not sieve.never:
        kept[:] = False
        kept[matching(sieve.where, scalars_of(sieve.where, shard, rows))] = True
    return kept


def scalars_of(condition: Expression, shard: Shard, rows: NDArray[np.int32]) -> pa.RecordBatch:
    """Return the columns that a condition reads, of some rows."""
    names = list(columns_of(condition)) or ["tile_id"]
    taken = shard.scalars.select(names).take(pa.array(rows)).combine_chunks()
    batches = taken.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=taken.schema)
