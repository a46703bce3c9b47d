"""Why no tile passes the filters of a question: which of them would have to go, and what would then match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC

from retriever._request import SearchRequest
from retriever.rag._archive import Archive
from retriever.rag._types import QueryPlan
from retriever.rag._wording import listed, plural, shortened, span
from retriever.rag.evidence._filters import filters_of
from retriever.rag.evidence._seen import Seen, see
from retriever.rag.records._from_records_claims import quoted


def unknown_place(plan: QueryPlan, filters: SearchRequest | None) -> str | None:
    """Return why a question cannot be put to the archive: it names a place that nothing here knows.

    None where every place is known, or the user has said where.
    """
    if plan.unknown_place is None or plan.place is not None or (filters is not None and _located(filters)):
        return None
    return (
        f"The question names {quoted(plan.unknown_place)}, and nothing here knows where that is: give its coordinates,"
        " draw an area, or add it to the knowledge of the index (swath knowledge add)."
    )


def missing_sensor(plan: QueryPlan, archive: Archive, filters: SearchRequest | None) -> str | None:
    """Return why a question cannot be put to the archive: it asks for sensors of which there is none.

    None where it asks for others as well, or the user has said which.

    Raises:
        StoreError: The index cannot be read.
    """
    if not plan.missing_sensors or plan.sensors or (filters is not None and filters.sensor):
        return None
    everything, _ = see(archive, filters_of(QueryPlan(question=plan.question), None), (), ())
    there = shortened(sorted(everything.sensors), 5) or "no tiles"
    return f"The index has no {listed(plan.missing_sensors, 'or')} tiles; it has {there}."


def _located(filters: SearchRequest) -> bool:
    return bool(filters.h3) or any(each is not None for each in (filters.bbox, filters.within, filters.near))


def nothing_passes(plan: QueryPlan, archive: Archive, filters: SearchRequest | None) -> str:
    """Return why no tile passes, in a few words: what would match without each of the filters.

    Args:
        plan: The question.
        archive: What was searched.
        filters: The user's own filters.

    Raises:
        StoreError: The index cannot be read.
    """
    found = []
    for name, fewer, own in _without_one(plan, filters):
        seen, _ = see(archive, filters_of(fewer, own), (), ())
        if seen.tiles:
            found.append(f"without {name} {plural(seen.tiles, 'tile')} would{_when(seen, plan)}")
    if found:
        return f"No tile passes the filters of the question; {listed(found, 'or')}."
    everything, _ = see(archive, filters_of(QueryPlan(question=plan.question), None), (), ())
    if not everything.tiles:
        return "The index holds no tiles."
    return (
        f"No tile passes the filters of the question, and leaving out any one of them does not help; the index holds"
        f" {plural(everything.tiles, 'tile')}{_when(everything, plan)} of {shortened(sorted(everything.sensors), 5)}."
    )


def _without_one(
    plan: QueryPlan, filters: SearchRequest | None
) -> Iterator[tuple[str, QueryPlan, SearchRequest | None]]:
    """Yield the question without each of its filters, and what was left out."""
    if plan.periods:
        yield "its dates", replace(plan, periods=()), filters
    if plan.place is not None:
        yield f"the place {quoted(plan.place.name)}", replace(plan, place=None), filters
    if plan.sensors:
        yield f"the sensor {listed(plan.sensors, 'or')}", replace(plan, sensors=()), filters
    if plan.collections:
        yield f"the collection {listed(plan.collections, 'or')}", replace(plan, collections=()), filters
    if plan.max_cloud is not None:
        yield f"the limit of {plan.max_cloud:g} % cloud", replace(plan, max_cloud=None), filters
    if filters is not None and filters.where() is not None:
        yield "the filters that were set", plan, None


def _when(seen: Seen, plan: QueryPlan) -> str:
    """Say when there are tiles, where the question asks for a time."""
    if not plan.periods or seen.first is None or seen.last is None:
        return ""
    first, last = (moment[0].astimezone(UTC).date() for moment in (seen.first, seen.last))
    return f" ({span(first, last)})"
