"""Every passing row above a score, a part of a shard at a time: memory stays at one part whatever comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import WORD, count_in, rows_in
from retriever.engine._query import Query
from retriever.engine._routes import Words
from retriever.engine._shard import Shard
from retriever.engine._shortlist import stored_scores
from retriever.engine._sieve import passing

PART_ROWS = 65_536
"""Rows looked at in one go: 50 MB of 384-d float16 vectors are read for it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """What was found in one part of a shard."""

    shard: Shard
    """Where."""
    rows: NDArray[np.int32]
    """(n,) places in geographic order, rising."""
    scores: NDArray[np.float32]
    """(n,) exact."""
    looked: int
    """Passing rows of the part."""


def parts_above(query: Query, shard: Shard, alive: Words | None, least: float) -> Iterator[Part]:
    """Yield the passing rows of a shard that score at least ``least``; parts in which no row passes are left out."""
    words = alive if query.sieve.everything else passing(query.sieve, shard, exact=True, alive=alive).words
    for start in range(0, shard.rows, PART_ROWS):
        end = min(start + PART_ROWS, shard.rows)
        if words is None:
            yield _above(query, shard, np.arange(start, end, dtype=np.int32), least)
        elif count_in(part := words[start // WORD : -(-end // WORD)]):
            yield _above(query, shard, rows_in(part) + np.int32(start), least)


def _above(query: Query, shard: Shard, rows: NDArray[np.int32], least: float) -> Part:
    """Single precision finds what may score enough, double precision decides."""
    from retriever.engine._kernels import score  # imports numba

    near = rows[score(query.prepared, shard, rows) >= least - query.margin]
    scores = stored_scores(shard, near, query.vector)
    kept = scores >= least
    return Part(shard=shard, rows=near[kept], scores=scores[kept], looked=len(rows))
