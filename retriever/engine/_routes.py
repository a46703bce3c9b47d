"""The ways to the best rows of one shard; each returns candidates and says what work it was."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import are_in, rows_in
from retriever.engine._costs import Costs, Work
from retriever.engine._layout import BLOCK
from retriever.engine._query import Query
from retriever.engine._shard import Shard
from retriever.engine._shortlist import Candidates, near_best
from retriever.engine._sieve import ListTest, holds

Words = NDArray[np.uint64]

SPARSE = 64
"""Passing rows of a block below which all rows are listed first, so that each vector can be asked of memory before it
is needed: 40 ns a row instead of 190 where one of a hundred passes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """The rows of a shard that a route looks at."""

    words: Words | None
    """Bitmap of the rows that pass; None for all that pass the tests of ``lists``."""
    blocks: NDArray[np.int32] | None
    """Numbers of the blocks that hold them; None for all."""
    count: int
    """Rows that pass, or are thought to."""
    sure: bool
    """Whether exactly these pass; else some among them may not."""
    lists: ListTest
    """What may be tested in inverted lists before the bitmap is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reached:
    """What a route found in one shard."""

    candidates: Candidates
    """Rows that pass and may be among the best."""
    work: Work
    """What was done for it."""


def exact_route(query: Query, shard: Shard, chosen: Chosen) -> Reached:
    """Score every passing row; none is missed that ties with the k-th best."""
    from retriever.engine._kernels import score_all  # imports numba

    if chosen.words is not None and chosen.blocks is not None and chosen.count < SPARSE * len(chosen.blocks):
        return slice_route(query, shard, rows_in(chosen.words))
    rows, scores = score_all(
        query.prepared, shard, chosen.words, chosen.blocks, keep=query.k, margin=2 * query.margin
    )  # fmt: skip
    return _reached(shard, rows, scores, Work(rows=chosen.count))


def slice_rows(
    query: Query, shard: Shard, test: ListTest, part: tuple[int, int], alive: Words | None
) -> NDArray[np.int32]:
    """Return the rows of a slice of time that pass the whole filter."""
    rows = shard.by_time[part[0] : part[1]]
    if test.sensors is not None:
        rows = rows[test.sensors[shard.sensor[rows]] != 0]
    if alive is not None:
        rows = rows[are_in(alive, rows)]
    if not test.exact and len(rows):
        rows = rows[holds(query.sieve, shard, rows)]
    return rows


def slice_route(query: Query, shard: Shard, rows: NDArray[np.int32]) -> Reached:
    """Score the rows that pass, each of which is known."""
    from retriever.engine._kernels import score

    scores = score(query.prepared, shard, rows)
    near = near_best(scores, query.k, query.margin)
    return _reached(shard, rows[near], scores[near], Work(rows=len(rows)))


def blocks_route(query: Query, shard: Shard, chosen: Chosen) -> Reached:
    """Compare the codes of blocks in geographic order, and score the most promising rows."""
    from retriever.engine._kernels import best_of_blocks, room_for

    rows, scores, scored = best_of_blocks(
        query.prepared, shard, chosen.words, chosen.blocks, room=room_for(query.k), keep=query.k
    )
    return _reached(shard, rows, scores, Work(codes=codes_of_blocks(shard, chosen), kept=scored))


def codes_of_blocks(shard: Shard, chosen: Chosen) -> float:
    """Return how many codes a scan of blocks compares: whole groups of 32 that hold a passing row."""
    blocks = -(-shard.rows // BLOCK) if chosen.blocks is None else len(chosen.blocks)
    if not blocks or chosen.words is None:
        return float(blocks * BLOCK)
    return blocks * BLOCK * (1.0 - (1.0 - min(chosen.count / (blocks * BLOCK), 1.0)) ** 32)


def lists_route(query: Query, shard: Shard, chosen: Chosen, costs: Costs) -> Reached:
    """Probe the most promising lists; then, knowing the k-th best score, all that are worth it.

    Where fewer than k rows were found, twice as many lists are probed, down to the last.
    """
    depth = query.k * shard.rows / max(chosen.count, 1)
    return probe(query, shard, chosen, first_probes(costs, depth), costs.worth(depth))


def first_probes(costs: Costs, depth: float) -> int:
    """Return how many lists to probe before asking how many more: a quarter of the usual number, at least 8."""
    return max(8, costs.probes(depth) // 4)


def probe(query: Query, shard: Shard, chosen: Chosen, lists: int, worth: float) -> Reached:
    """Return the best rows of the most promising lists: of so many at first, then as ``best_of_lists`` says."""
    from retriever.engine._kernels import best_of_lists, room_for

    test = chosen.lists
    rows, scores, looked = best_of_lists(
        query.prepared,
        shard,
        probes=lists,
        worth=worth,
        seconds=(test.first, test.last),
        sensors=test.sensors,
        words=chosen.words,
        room=room_for(query.k),
        keep=query.k,
        passing=chosen.count,
        floor=query.floor,
    )
    return _reached(shard, rows, scores, Work(lists=looked.lists, codes=looked.examined, kept=looked.scored))


def _reached(shard: Shard, rows: NDArray[np.int32], scores: NDArray[np.float32], work: Work) -> Reached:
    return Reached(candidates=Candidates(shard=shard, rows=rows, scores=scores), work=work)
