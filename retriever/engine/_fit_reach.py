"""How far lists must be probed, found by looking where the best rows of many queries lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._query import Query
from retriever.engine._routes import Chosen, blocks_route
from retriever.engine._shard import Shard
from retriever.engine._sieve import ListTest

DEPTHS = (10, 100, 1_000, 10_000)
"""Best rows of the archive for which the reach is fitted: k hits of a filter that passes a share p are about the k / p
best rows of the archive."""

FOUND = 0.9975
"""Share of the best rows that must lie in the lists that are probed: the rest of the .995 is the codes'."""


def fit_reach(queries: list[list[Query]], shard: Shard, test: ListTest) -> dict[str, float]:
    """Return ``reach@depth`` and ``probes@depth`` for every depth the shard is large enough for.

    Args:
        queries: Of each kind some; the kind that needs most decides.
        shard: Where to look.
        test: Of a filter that all rows pass.
    """
    every = Chosen(words=None, blocks=None, count=shard.rows, sure=True, lists=test)
    depths = [depth for depth in DEPTHS if depth <= shard.rows // 20] or [DEPTHS[0]]
    fitted: dict[str, float] = {}
    for depth in depths:
        some = 1 if depth < DEPTHS[-1] else 8
        ways = [[_ways(query, shard, every, depth) for query in kind[::some]] for kind in queries]
        reach = max(float(np.quantile(np.concatenate([way for _, way in kind]), FOUND)) for kind in ways)
        probes = max(float(np.mean([np.count_nonzero(lists <= reach) for lists, _ in kind])) for kind in ways)
        fitted |= {f"reach@{depth}": reach, f"probes@{depth}": probes}
    return fitted


def _ways(query: Query, shard: Shard, every: Chosen, depth: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far below the last of the ``depth`` best rows each list lies, and the lists of those rows."""
    found = blocks_route(query.wider(depth), shard, every).candidates
    below = found.scores.min() - query.hopes
    return below, below[shard.list_of[found.rows]]
