"""How far lists must be probed, found by looking where the best rows of many queries lie."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from retriever.engine._query import Query
from retriever.engine._routes import Chosen, blocks_route
from retriever.engine._shard import Shard
from retriever.engine._sieve import ListTest

DEPTHS = (10, 100, 1_000, 10_000)
"""Best rows of the archive for which the reach is fitted: k hits of a filter that passes a share p are about the k / p
best rows of the archive."""

AT_ONCE = 1_000
"""Deepest depth that all queries are asked for: 3 ms a million rows, and the depths before it come with it."""

TYPICAL = {"picture": 0.25, "text": 0.1}
"""Quantile of a kind's scores from which on a query is surely of that kind; the others lie between."""

THINNED = 16
"""One query of so many is asked for more: each gives thousands of rows."""

FOUND = 0.9975
"""Share of the best rows that must lie in the lists that are probed: the rest of the .995 is the codes'."""


def fit_reach(queries: Mapping[str, list[Query]], shard: Shard, test: ListTest) -> dict[str, float]:
    """Return reach, score and probes at every depth the shard is large enough for; see ``_costs.py``.

    Args:
        queries: By kind.
        shard: Where to look.
        test: Of a filter that all rows pass.
    """
    every = Chosen(words=None, blocks=None, count=shard.rows, sure=True, lists=test)
    depths = [depth for depth in DEPTHS if depth <= shard.rows // 20] or [DEPTHS[0]]
    shallow = [depth for depth in depths if depth <= AT_ONCE] or depths[:1]
    deep = [depth for depth in depths if depth not in shallow]
    fitted: dict[str, float] = {}
    for name, some in queries.items():
        fitted |= _fitted(name, _Kind(some, shard, every, shallow))
        if deep:
            fitted |= _fitted(name, _Kind(some[::THINNED], shard, every, deep))
    return fitted


class _Kind:
    """For queries of a kind: the last score of the best rows, and how far below it lists lie, all and those of rows."""

    def __init__(self, queries: list[Query], shard: Shard, every: Chosen, depths: list[int]) -> None:
        self.lists: dict[int, list[NDArray[np.float32]]] = {depth: [] for depth in depths}
        self.holders: dict[int, list[NDArray[np.float32]]] = {depth: [] for depth in depths}
        self.scores: dict[int, list[float]] = {depth: [] for depth in depths}
        for query in queries:
            found = blocks_route(query.wider(max(depths)), shard, every).candidates
            order = np.argsort(-found.scores)
            for depth in depths:
                best = order[:depth]
                below = found.scores[best[-1]] - query.hopes
                self.scores[depth].append(float(found.scores[best[-1]]))
                self.lists[depth].append(below)
                self.holders[depth].append(below[shard.list_of[found.rows[best]]])


def _fitted(name: str, kind: _Kind) -> dict[str, float]:
    fitted: dict[str, float] = {}
    for depth, lists in kind.lists.items():
        reach = float(np.quantile(np.concatenate(kind.holders[depth]), FOUND))
        probes = float(np.mean([np.count_nonzero(below <= reach) for below in lists]))
        score = float(np.quantile(kind.scores[depth], TYPICAL[name]))
        fitted |= {f"{name}.reach@{depth}": reach, f"{name}.score@{depth}": score, f"{name}.probes@{depth}": probes}
    return fitted
