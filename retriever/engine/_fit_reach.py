"""How far lists must be probed and estimates be doubted, found by looking where the best rows of many queries lie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import bitmap_of
from retriever.engine._layout import BLOCK
from retriever.engine._query import Query
from retriever.engine._shard import Shard

DEPTHS = (10, 100, 1_000, 10_000)
"""Best rows of the archive for which the reach is fitted: k hits of a filter that passes a share p are about the k / p
best rows of the archive."""

AT_ONCE = 1_000
"""Deepest depth that all queries are asked for; the depths before it come with it."""

TYPICAL = {"picture": 0.25, "text": 0.1}
"""Quantile of a kind's scores from which on a query is surely of that kind; the others lie between."""

THINNED = 16
"""One query of so many is asked for more: each gives thousands of rows."""

FOUND = 0.9975
"""Share of the best rows that must lie in the lists that are probed: the rest of the .995 is the codes'."""

BELIEVED = 0.9995
"""Share of the best rows that must hope for as much as the last of them scores."""

DOUBTED = (10, 100)
"""Best rows for which that is asked."""


def fit_reach(queries: Mapping[str, list[Query]], shard: Shard) -> dict[str, float]:
    """Return doubt, and reach, score and probes at every depth the shard is large enough for; see ``_costs.py``.

    Args:
        queries: By kind.
        shard: Where to look.
    """
    depths = [depth for depth in DEPTHS if depth <= shard.rows // 20] or [DEPTHS[0]]
    shallow = [depth for depth in depths if depth <= AT_ONCE] or depths[:1]
    deep = [depth for depth in depths if depth not in shallow]
    fitted: dict[str, float] = {"doubt": 1.0}
    for name, some in queries.items():
        kind = _Kind(some, shard, shallow)
        fitted |= _fitted(name, kind)
        fitted["doubt"] = max(fitted["doubt"], float(np.quantile(np.concatenate(kind.doubts), BELIEVED)))
        if deep:
            fitted |= _fitted(name, _Kind(some[::THINNED], shard, deep))
    return fitted


class _Kind:
    """For queries of a kind: the last score of the best rows, and how far below it lists lie, all and those of rows."""

    def __init__(self, queries: list[Query], shard: Shard, depths: list[int]) -> None:
        from retriever.engine._kernels import best_of_matrix  # imports numba

        self.lists: dict[int, list[NDArray[np.float32]]] = {depth: [] for depth in depths}
        self.holders: dict[int, list[NDArray[np.float32]]] = {depth: [] for depth in depths}
        self.scores: dict[int, list[float]] = {depth: [] for depth in depths}
        self.doubts: list[NDArray[np.float32]] = []
        every = best_of_matrix(np.stack([query.vector for query in queries]), shard, None, keep=max(depths))
        for query, (rows, scores) in zip(queries, every, strict=True):
            for depth in depths:
                last = float(scores[:depth][-1])
                below = last - query.prepared.hopes
                self.scores[depth].append(last)
                self.lists[depth].append(below)
                self.holders[depth].append(below[shard.list_of[rows[:depth]]])
                if depth in DOUBTED:
                    self.doubts.append(_doubts(query, shard, rows[:depth], last))


def _doubts(query: Query, shard: Shard, rows: NDArray[np.int32], last: float) -> NDArray[np.float32]:
    """How many standard deviations rows must hope for beyond their estimates to hope for the score ``last``."""
    from retriever.engine._kernels import scan_blocks

    words, blocks = bitmap_of(rows, -(-shard.rows // BLOCK) * BLOCK), np.unique(rows // BLOCK).astype(np.int32)
    found, estimates = scan_blocks(query.prepared, shard, words, blocks, len(rows))
    numbers = query.prepared.numbers
    doubts = shard.factors[found] * np.minimum(query.prepared.doubts[shard.list_of[found]], numbers[5])
    short = last - numbers[4] - estimates
    needed: NDArray[np.float32] = np.divide(short, doubts, out=np.zeros_like(short), where=doubts > 0)
    return needed * query.doubt


def _fitted(name: str, kind: _Kind) -> dict[str, float]:
    fitted: dict[str, float] = {}
    for depth, lists in kind.lists.items():
        reach = float(np.quantile(np.concatenate(kind.holders[depth]), FOUND))
        probes = float(np.mean([np.count_nonzero(below <= reach) for below in lists]))
        score = float(np.quantile(kind.scores[depth], TYPICAL[name]))
        fitted |= {f"{name}.reach@{depth}": reach, f"{name}.score@{depth}": score, f"{name}.probes@{depth}": probes}
    return fitted
