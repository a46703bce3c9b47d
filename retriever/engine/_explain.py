"""A plan in words."""

from __future__ import annotations

from retriever.engine._plan import Plan, Route

WAYS: dict[Route, str] = {
    "exact": "every passing row was scored",
    "slice": "every row in the range of time was tested, and scored where it passed",
    "blocks": "codes of the area's blocks, then vectors of the most promising rows",
    "lists": "codes of the nearest inverted lists, then vectors of the most promising rows",
}


def explained(plan: Plan) -> str:
    """Return a plan as text of a few lines."""
    lines = [
        f"route     {plan.route}: {WAYS[plan.route]}",
        f"rows      {plan.passed:,} of {plan.rows:,} pass the filter, {plan.estimated:,} were expected",
        f"work      {plan.scanned:,} codes compared, {plan.scored:,} rows scored",
        f"shards    {plan.shards:,} searched, {plan.skipped:,} skipped unopened",
        f"promise   {_promise(plan)}",
    ]
    if plan.costs:
        times = ", ".join(
            f"{route} {time:,.0f}" for route, time in sorted(plan.costs.items(), key=lambda item: item[1])
        )
        lines.append(f"expected  {times} microseconds")
    return "\n".join(lines)


def _promise(plan: Plan) -> str:
    if plan.exact:
        return "exact: the rows a flat index finds"
    if plan.recall is None:
        return "approximate; its recall was not measured"
    return f"approximate; finds {plan.recall:.1%} of the true best by measurement"
