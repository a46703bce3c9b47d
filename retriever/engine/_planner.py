"""Which rows of a shard pass, and the cheapest way to the best of them.

How many rows pass decides the route, and who asks wants to know it anyway. So a narrow range of time is counted in the
order of time, a filter on time alone by binary search, and any other by its bitmap, which takes a few tenths of a
millisecond a million rows and is kept for the next query with the same filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import count_in
from retriever.engine._costs import TRUSTED, Costs, Work
from retriever.engine._layout import LANES
from retriever.engine._plan import Route
from retriever.engine._query import Query
from retriever.engine._routes import Chosen, Words, codes_of_blocks, slice_rows
from retriever.engine._shard import Shard
from retriever.engine._sieve import ListTest, Sieve, estimate, list_test, passing
from retriever.engine._time_order import part_of_time

APPROXIMATE: frozenset[Route] = frozenset({"blocks", "lists"})
"""They may miss some of the best."""

BEARABLE = 50e6
"""Nanoseconds that an exact search may take where no other route finds TRUSTED of the best."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What may be done to answer."""

    exact: bool
    """Only routes that answer as a flat index does."""
    count: bool
    """Whether passing rows must be counted exactly."""
    route: Route | None
    """Only this one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Choice:
    """What is done in one shard."""

    route: Route
    """Which way."""
    chosen: Chosen
    """What it looks at."""
    rows: NDArray[np.int32] | None
    """The passing rows, where they are known one by one: the slice of time."""
    estimated: int
    """Rows thought to pass before any was looked at."""
    times: dict[Route, float]
    """Nanoseconds each possible route was thought to take."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sought:
    """A query in one shard, and what the filter says there before a row is looked at."""

    query: Query
    """What is asked."""
    shard: Shard
    """Where."""
    alive: Words | None
    """Bitmap of the rows that are still there; None for all of them."""
    test: ListTest
    """The filter's range of time and sensors."""
    part: tuple[int, int]
    """The part of ``Shard.by_time`` in that range."""
    likely: int
    """Rows thought to pass."""

    @property
    def share(self) -> float:
        """Part of the shard's rows that lies in the range of time."""
        return (self.part[1] - self.part[0]) / max(self.shard.rows, 1)

    @property
    def only_time(self) -> bool:
        """Whether every row of the slice of time passes, so that binary search counts them."""
        return self.test.exact and self.test.sensors is None and self.alive is None


@dataclass(frozen=True, kw_only=True, eq=False)
class Outlook:
    """What a filter says of a shard before a row is looked at; the same for every query, so it is kept."""

    test: ListTest
    """Its range of time and sensors."""
    part: tuple[int, int]
    """The part of ``Shard.by_time`` in that range."""
    likely: int
    """Rows thought to pass."""


def outlook(sieve: Sieve, shard: Shard) -> Outlook:
    """Return what a filter says of a shard."""
    test = list_test(sieve, shard)
    part = part_of_time(shard, test.first, test.last)
    return Outlook(test=test, part=part, likely=min(estimate(sieve, shard).likely, part[1] - part[0]))


def sought(query: Query, shard: Shard, alive: Words | None) -> Sought:
    """Return a query in one shard."""
    seen = query.outlook(query.sieve, shard)
    return Sought(query=query, shard=shard, alive=alive, test=seen.test, part=seen.part, likely=seen.likely)


def choose(query: Query, shard: Shard, alive: Words | None, wish: Wish, costs: Costs) -> Choice:
    """Return the way to the best rows of a shard."""
    seek = sought(query, shard, alive)
    if wish.route == "slice" or (wish.route is None and _narrow(seek, costs)):
        return _slice(seek)
    chosen = _chosen(seek, wish, costs)
    times = route_times(query, shard, chosen, seek.share, costs)
    route = wish.route or _cheapest(times, query, chosen, wish, costs)
    return Choice(route=route, chosen=chosen, rows=None, estimated=seek.likely, times=times)


def _narrow(seek: Sought, costs: Costs) -> bool:
    """Whether the rows of a slice of time are scored sooner than anything else is done."""
    rows, length = seek.shard.rows, seek.part[1] - seek.part[0]
    if length == rows:
        return False
    others = Chosen(words=None, blocks=None, count=seek.likely, sure=False, lists=seek.test)
    times = route_times(seek.query, seek.shard, others, seek.share, costs)
    sieving = costs.time("sieve", Work(rows=rows))
    free = {"lists"} if seek.only_time else set()
    best = min(time + (0.0 if route in free else sieving) for route, time in times.items())
    return costs.time("slice", Work(rows=length)) < best


def _slice(seek: Sought) -> Choice:
    rows = slice_rows(seek.query, seek.shard, seek.test, seek.part, seek.alive)
    chosen = Chosen(words=None, blocks=None, count=len(rows), sure=True, lists=seek.test)
    return Choice(route="slice", chosen=chosen, rows=rows, estimated=seek.likely, times={})


def _chosen(seek: Sought, wish: Wish, costs: Costs) -> Chosen:
    """The rows that pass, by the cheapest means that count them."""
    test, alive, sieve = seek.test, seek.alive, seek.query.sieve
    if sieve.everything:
        count = seek.shard.rows if alive is None else count_in(alive)
        return Chosen(words=alive, blocks=None, count=count, sure=True, lists=test)
    if seek.only_time and _by_lists(seek.query, wish, costs):
        return Chosen(words=None, blocks=None, count=seek.part[1] - seek.part[0], sure=True, lists=test)
    found = passing(sieve, seek.shard, exact=wish.count or wish.exact, alive=alive)
    return Chosen(words=found.words, blocks=found.blocks, count=found.count, sure=found.sure, lists=test)


def _by_lists(query: Query, wish: Wish, costs: Costs) -> bool:
    """Whether lists are looked into without asking what else there is: they test the time by themselves."""
    if not query.lists or wish.exact or wish.route is not None:
        return bool(query.lists) and wish.route == "lists"
    return (costs.recall("lists", query.k) or 1.0) >= TRUSTED


def route_times(query: Query, shard: Shard, chosen: Chosen, share: float, costs: Costs) -> dict[Route, float]:
    """Return what each route is thought to take, in nanoseconds.

    Args:
        query: What is asked.
        shard: Where to look.
        chosen: The rows that pass.
        share: Part of the shard's rows that lies in the filter's range of time.
        costs: Of the archive.
    """
    kept = min(float(_room_for(query.k)), chosen.count)
    times: dict[Route, float] = {"exact": costs.time("exact", Work(rows=chosen.count))}
    times["blocks"] = costs.time("blocks", Work(codes=codes_of_blocks(shard, chosen), kept=kept))
    if query.lists:
        probes = costs.probes(query.k * shard.rows / max(chosen.count, 1))
        codes = probes * (shard.rows / query.lists * share + LANES)
        times["lists"] = costs.time("lists", Work(lists=probes, codes=codes, kept=kept))
    return times


def _room_for(k: int) -> int:
    from retriever.engine._kernels import room_for  # imports numba

    return room_for(k)


def _cheapest(times: dict[Route, float], query: Query, chosen: Chosen, wish: Wish, costs: Costs) -> Route:
    """The route that takes least of those that can be trusted.

    An archive too small for lists is searched exactly, which takes 2 ms at most.
    """
    if wish.exact or not query.lists:
        return "exact"
    if chosen.words is None and not query.sieve.everything:
        return "lists"
    recall = {route: costs.recall(route, query.k) if route in APPROXIMATE else 1.0 for route in times}
    trusted = [route for route, found in recall.items() if found is None or found >= TRUSTED]
    best = min(trusted, key=lambda route: times[route])
    if best != "exact" or times["exact"] < BEARABLE or len(trusted) == len(times):
        return best
    return max(APPROXIMATE & times.keys(), key=lambda route: recall[route] or 0.0)
