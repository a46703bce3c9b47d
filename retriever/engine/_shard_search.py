"""One shard searched along the route that was chosen for it, until there are k rows or no more pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retriever.engine._bitmap import count_in
from retriever.engine._costs import Costs, Work
from retriever.engine._plan import Route
from retriever.engine._planner import Choice, Wish, choose
from retriever.engine._query import Query
from retriever.engine._routes import (
    Reached,
    Words,
    blocks_route,
    exact_route,
    lists_route,
    slice_route,
)
from retriever.engine._shard import Shard
from retriever.engine._shortlist import Candidates
from retriever.engine._sieve import Sieve, holds, list_test, passing
from retriever.engine._time_order import part_of_time

WIDENING = 4
"""How many times more candidates are taken where too few of them passed a test that came after."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Told:
    """How one shard was searched."""

    route: Route
    """How rows were found."""
    matched: int
    """Rows that pass."""
    counted: bool
    """Whether that is exact."""
    estimated: int
    """Rows thought to pass before any was looked at."""
    work: Work
    """What was done."""
    times: Mapping[Route, float]
    """Nanoseconds each possible route was thought to take."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What was found in one shard."""

    candidates: Candidates
    """Rows that pass and may be among the best."""
    told: Told
    """How."""


def search_shard(query: Query, shard: Shard, alive: Words | None, wish: Wish, costs: Costs) -> Answer:
    """Return what one shard holds for a query."""
    choice = choose(query, shard, alive, wish, costs)
    if choice.chosen.sure:
        reached, matched = _along(query, shard, choice, costs), choice.chosen.count
    else:
        reached, matched = _confirmed(query, shard, choice, costs)
    told = Told(
        route=choice.route,
        matched=matched,
        counted=choice.chosen.sure,
        estimated=choice.estimated,
        work=reached.work,
        times=choice.times,
    )
    return Answer(candidates=reached.candidates, told=told)


def count_shard(sieve: Sieve, shard: Shard, alive: Words | None) -> int:
    """Return how many rows of a shard pass, exactly."""
    if sieve.everything:
        return shard.rows if alive is None else count_in(alive)
    test = list_test(sieve, shard)
    if test.exact and test.sensors is None and alive is None:
        begin, end = part_of_time(shard, test.first, test.last)
        return end - begin
    return passing(sieve, shard, exact=True, alive=alive).count


def _along(query: Query, shard: Shard, choice: Choice, costs: Costs) -> Reached:
    """Take the route, unless nothing passes."""
    if not choice.chosen.count:
        return nothing(shard)
    if choice.rows is not None:
        return slice_route(query, shard, choice.rows)
    if choice.route == "exact":
        return exact_route(query, shard, choice.chosen)
    if choice.route == "blocks":
        return blocks_route(query, shard, choice.chosen)
    return lists_route(query, shard, choice.chosen, costs)


def _confirmed(query: Query, shard: Shard, choice: Choice, costs: Costs) -> tuple[Reached, int]:
    """Take the route among rows that may pass, test those found, and ask for more until k passed or none is left."""
    wanted, work = query.k, Work()
    while True:
        reached = _along(query.wider(wanted), shard, choice, costs)
        rows, work = reached.candidates.rows, work + reached.work
        passed = holds(query.sieve, shard, rows) if len(rows) else np.zeros(0, bool)
        if passed.sum() >= query.k or len(rows) < wanted or wanted >= choice.chosen.count:
            break
        wanted = min(wanted * WIDENING, choice.chosen.count)
    kept = Candidates(shard=shard, rows=rows[passed], scores=reached.candidates.scores[passed])
    matched = round(choice.chosen.count * float(passed.mean())) if len(rows) else 0
    return Reached(candidates=kept, work=work), max(matched, int(passed.sum()))


def nothing(shard: Shard) -> Reached:
    """Return what is found where no row passes."""
    none = Candidates(shard=shard, rows=np.empty(0, np.int32), scores=np.empty(0, np.float32))
    return Reached(candidates=none, work=Work())
