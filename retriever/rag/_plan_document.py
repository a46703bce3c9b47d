"""Plans as JSON documents, both ways: what a user or a client sees, edits and sends back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shapely.geometry import mapping

from core import QueryError, parse_geometry, parse_interval, rfc3339
from retriever.rag._types import PlannedPlace, QueryPlan


def plan_document(plan: QueryPlan) -> dict[str, Any]:
    """Return a plan as JSON values, every field under its own name."""
    return {
        "question": plan.question,
        "shape": plan.shape,
        "sought": list(plan.sought),
        "without": list(plan.without),
        "place": _place_document(plan.place),
        "unknown_place": plan.unknown_place,
        "periods": ["/".join(".." if end is None else rfc3339(end) for end in each) for each in plan.periods],
        "sensors": list(plan.sensors),
        "missing_sensors": list(plan.missing_sensors),
        "collections": list(plan.collections),
        "max_cloud": plan.max_cloud,
        "renderings": list(plan.renderings),
        "among_earlier": plan.among_earlier,
        "knowledge": plan.knowledge,
        "made_by": plan.made_by,
        "notes": list(plan.notes),
    }


def _place_document(place: PlannedPlace | None) -> dict[str, Any] | None:
    if place is None:
        return None
    return {
        "name": place.name,
        "geometry": mapping(place.geometry),
        "source": place.source,
        "passage_id": place.passage_id,
    }


def parse_plan(document: Mapping[str, Any]) -> QueryPlan:
    """Read what `plan_document` wrote, or a person edited.

    Raises:
        QueryError: A field is unknown or wrong; the message says which and what would work.
    """
    if not isinstance(document, Mapping) or not isinstance(document.get("question"), str):
        raise QueryError('a plan is a JSON object with at least "question"')
    place = document.get("place")
    return QueryPlan(
        question=document["question"],
        shape=document.get("shape", "describe"),
        sought=tuple(document.get("sought", ())),
        without=tuple(document.get("without", ())),
        place=None
        if place is None
        else PlannedPlace(
            name=place["name"],
            geometry=parse_geometry(place["geometry"]),
            source=place.get("source", "user"),
            passage_id=place.get("passage_id"),
        ),
        unknown_place=document.get("unknown_place"),
        periods=tuple(parse_interval(each) for each in document.get("periods", ())),
        sensors=tuple(document.get("sensors", ())),
        missing_sensors=tuple(document.get("missing_sensors", ())),
        collections=tuple(document.get("collections", ())),
        max_cloud=document.get("max_cloud"),
        renderings=tuple(document.get("renderings", ())),
        among_earlier=document.get("among_earlier", False),
        knowledge=document.get("knowledge", True),
        made_by=document.get("made_by", "user"),
        notes=tuple(document.get("notes", ())),
    )
