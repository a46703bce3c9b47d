"""The rows of a shard that pass a filter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import WORD, are_in
from retriever.engine._layout import BLOCK
from retriever.engine._shard import Shard
from retriever.engine._sieve._kept import KEPT
from retriever.engine._sieve._model import Passing, Sieve

Words = NDArray[np.uint64]
_ALL = np.uint64(2**64 - 1)


def passing(sieve: Sieve, shard: Shard, *, exact: bool, alive: Words | None) -> Passing:
    """Return the rows of a shard that pass a filter; the last ones asked for are remembered.

    Args:
        sieve: The filter.
        shard: Where to look.
        exact: Whether the rows must be exactly those that pass; else some may be among them that do not.
        alive: Bitmap of the rows that are still there, as ``Passing.words``; None for all of them. It is never changed.
    """
    found = KEPT.get(shard, sieve.where, alive)
    if found is None or (exact and not found.sure):
        found = _passing(sieve, shard, exact=exact, alive=alive)
        KEPT.put(shard, sieve.where, alive, found)
    return found


def _passing(sieve: Sieve, shard: Shard, *, exact: bool, alive: Words | None) -> Passing:
    from retriever.engine._sieve._sift import sift, summary  # imports numba

    words = every_row(shard) if alive is None else alive.copy()
    sure = sift(sieve, shard, words, exact=exact)
    blocks, count = summary(words)
    return Passing(words=words, blocks=blocks, count=count, sure=sure)


def every_row(shard: Shard) -> Words:
    """Return the bitmap of all rows of a shard."""
    words = np.full(len(shard.zone_located) * (BLOCK // WORD), _ALL)
    whole, rest = divmod(shard.rows, WORD)
    words[whole:] = 0
    if rest:
        words[whole] = (1 << rest) - 1
    return words


def holds(sieve: Sieve, shard: Shard, rows: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return (n,) whether each of these rows passes, exactly; whether it is still there has no say."""
    from retriever.engine._kernels._sieve import mark
    from retriever.engine._sieve._sift import sift

    words = np.zeros(len(shard.zone_located) * (BLOCK // WORD), dtype=np.uint64)
    mark(np.ascontiguousarray(rows), words)
    sift(sieve, shard, words, exact=True)
    return are_in(words, rows)
