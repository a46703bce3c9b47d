"""How a query was answered, all shards together."""

from __future__ import annotations

from collections.abc import Sequence

from retriever.engine._costs import Costs
from retriever.engine._layout import Layout
from retriever.engine._plan import EXACT_ROUTES, Plan, Route
from retriever.engine._shard_search import Told


def plan_of(answers: Sequence[Told], layout: Layout, costs: Costs, k: int, asked: Route | None = None) -> Plan:
    """Return how the best ``k`` rows were found; ``asked`` is the route that was asked for."""
    approximate = sorted({answer.route for answer in answers} - EXACT_ROUTES)
    return Plan(
        route=_main_route(answers, approximate) or asked or "exact",
        exact=not approximate,
        recall=_recall(approximate, costs, k),
        rows=layout.rows,
        estimated=sum(answer.estimated for answer in answers),
        passed=sum(answer.matched for answer in answers),
        scanned=round(sum(answer.work.codes for answer in answers)),
        scored=round(sum(answer.work.rows + answer.work.kept for answer in answers)),
        shards=len(answers),
        skipped=len(layout.shards) - len(answers),
        costs=_microseconds(answers),
    )


def plan_of_part(looked: int, layout: Layout) -> Plan:
    """Return how every row above a score was found in a part of a shard."""
    return Plan(
        route="exact",
        exact=True,
        recall=None,
        rows=layout.rows,
        estimated=looked,
        passed=looked,
        scanned=0,
        scored=looked,
        shards=1,
        skipped=0,
        costs={},
    )


def _main_route(answers: Sequence[Told], approximate: Sequence[Route]) -> Route | None:
    """The approximate route where there is one: it is what the user should know of."""
    if approximate:
        return approximate[0]
    return answers[0].route if answers else None


def _recall(routes: Sequence[Route], costs: Costs, k: int) -> float | None:
    """The least that was measured for these routes, at the nearest k."""
    found = [costs.recall(route, k) for route in routes]
    known = [share for share in found if share is not None]
    return min(known) if known and len(known) == len(found) else None


def _microseconds(answers: Sequence[Told]) -> dict[Route, float]:
    totals: dict[Route, float] = {}
    for answer in answers:
        for route, time in answer.times.items():
            totals[route] = totals.get(route, 0.0) + time / 1000
    return totals
