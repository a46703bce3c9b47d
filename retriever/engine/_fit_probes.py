"""How many lists must be probed and estimates be doubted, found by looking where the best rows of many queries lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import bitmap_of, rows_in
from retriever.engine._layout import BLOCK
from retriever.engine._query import Query
from retriever.engine._shard import Shard

DEPTHS = (10, 100, 1_000, 10_000)
"""Best rows of the archive for which it is fitted: k hits of a filter that passes a share p are about the k / p best
rows of the archive."""

AT_ONCE = 1_000
"""Deepest depth that all queries are asked for; the depths before it come with it."""

THINNED = 16
"""One query of so many is asked for more: each gives thousands of rows."""

FOUND = 0.998
"""Share of the best rows that must lie in the lists that are probed: the rest of the .995 is the codes'."""

CAUTION = 0.15
"""Part of what is worth a probe for these queries that is for others: real texts are harder than made-up ones. Texts of
the benchmark's archive, 1 M x 384, no filter, recall@10: .992 at a worth of 2.8e-4, .999 at 2e-6."""

LEAST = 1e-5
"""Least share that is worth a probe. Where .998 of the best rows lie in 18 lists, .999 may take 73, for odd rows."""

BELIEVED = 0.9995
"""Share of the best rows that must hope for as much as the last of them scores."""

DOUBTED = (10, 100)
"""Best rows for which that is asked."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Asking:
    """Queries of one kind."""

    queries: Sequence[Query]
    """What is asked."""
    alive: NDArray[np.uint64] | None
    """Bitmap of the rows among which the best are looked for; None for all."""


def fit_probes(kinds: Sequence[Asking], shard: Shard) -> dict[str, float]:
    """Return doubt, and worth and probes at every depth the shard is large enough for; see ``_costs.py``.

    Of the kinds of queries the one that needs most lists decides.

    Args:
        kinds: Of queries.
        shard: Where to look.
    """
    depths = [depth for depth in DEPTHS if depth <= shard.rows // 20] or [DEPTHS[0]]
    shallow = [depth for depth in depths if depth <= AT_ONCE] or depths[:1]
    deep = [depth for depth in depths if depth not in shallow]
    fitted: dict[str, float] = {"doubt": 1.0}
    looks = dict(_looks(kinds, shard, shallow, deep))
    for look in looks[shallow[0]]:
        fitted["doubt"] = max(fitted["doubt"], float(np.quantile(np.concatenate(look.doubts), BELIEVED)))
    found = [min(_found(look, depth) for look in looked) for depth, looked in looks.items()]
    for depth, least in zip(looks, _smoothed(found), strict=True):
        worth = max(LEAST, CAUTION * least)
        every = [shares for look in looks[depth] for shares in look.lists[depth]]
        probes = float(np.mean([np.count_nonzero(shares > worth) for shares in every]))
        fitted |= {f"worth@{depth}": worth, f"probes@{depth}": probes}
    return fitted


def _looks(
    kinds: Sequence[Asking], shard: Shard, shallow: list[int], deep: list[int]
) -> Iterator[tuple[int, list[_Look]]]:
    """Each depth, and what queries of each kind see there."""
    looked = [_Look(asking, shard, shallow) for asking in kinds]
    yield from ((depth, looked) for depth in shallow)
    thin = [Asking(queries=asking.queries[::THINNED], alive=asking.alive) for asking in kinds] if deep else []
    looked = [_Look(asking, shard, deep) for asking in thin]
    yield from ((depth, looked) for depth in deep)


def _found(look: _Look, depth: int) -> float:
    """The share that lists are thought to hold in which FOUND of the best rows lie."""
    return float(np.quantile(np.concatenate(look.holders[depth]), 1 - FOUND))


def _smoothed(values: Sequence[float]) -> list[float]:
    """The geometric mean of each and its neighbours: what the rarest rows say is known to within a few times."""
    logs = np.log(np.maximum(values, LEAST))
    return [float(np.exp(logs[max(0, at - 1) : at + 2].mean())) for at in range(len(logs))]


class _Look:
    """For queries of a kind: what share of the best rows each list is thought to hold, and those that do hold them."""

    def __init__(self, asking: Asking, shard: Shard, depths: list[int]) -> None:
        from retriever.engine._kernels import best_of_matrix  # imports numba

        self.lists: dict[int, list[NDArray[np.float32]]] = {depth: [] for depth in depths}
        self.holders: dict[int, list[NDArray[np.float32]]] = {depth: [] for depth in depths}
        self.doubts: list[NDArray[np.float32]] = []
        rows_there = None if asking.alive is None else rows_in(asking.alive)
        vectors = np.stack([query.vector for query in asking.queries])
        every = best_of_matrix(vectors, shard, rows_there, keep=max(depths))
        for query, (rows, scores) in zip(asking.queries, every, strict=True):
            for depth in depths:
                last = float(scores[:depth][-1])
                shares = _shares(query, shard, last)
                self.lists[depth].append(shares)
                self.holders[depth].append(shares[shard.list_of[rows[:depth]]])
                if depth in DOUBTED:
                    self.doubts.append(_doubts(query, shard, rows[:depth], last))


def _shares(query: Query, shard: Shard, floor: float) -> NDArray[np.float32]:
    """(lists,) share of the rows above ``floor`` that each list is thought to hold."""
    from retriever.engine._kernels import better_rows  # imports numba

    rows = better_rows(query.prepared, shard, floor)
    shares: NDArray[np.float32] = rows / max(float(rows.sum(dtype=np.float64)), float(np.finfo(np.float32).tiny))
    return shares


def _doubts(query: Query, shard: Shard, rows: NDArray[np.int32], last: float) -> NDArray[np.float32]:
    """How many standard deviations rows must hope for beyond their estimates to hope for the score ``last``."""
    from retriever.engine._kernels import scan_blocks

    words, blocks = bitmap_of(rows, -(-shard.rows // BLOCK) * BLOCK), np.unique(rows // BLOCK).astype(np.int32)
    found, estimates = scan_blocks(query.prepared, shard, words, blocks, len(rows))
    numbers = query.prepared.numbers
    doubts = shard.factors[found] * np.minimum(query.prepared.doubts[shard.list_of[found]], numbers[4])
    short = last - numbers[3] - estimates
    needed: NDArray[np.float32] = np.divide(short, doubts, out=np.zeros_like(short), where=doubts > 0)
    return needed * query.doubt
