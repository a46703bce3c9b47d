"""Plans as JSON documents, both ways: what a user or a client sees, edits and sends back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from shapely.geometry import mapping

from core import Interval, QueryError, parse_geometry, parse_interval, rfc3339
from retriever.rag._types import PlannedBy, PlannedPlace, QueryPlan, Shape
from retriever.rag.planning._plan_periods import MAX_PERIODS
from retriever.rag.planning._plan_text import MAX_QUESTION

MAX_SAID = 300
"""Most characters of a phrase, a name or a note."""

MAX_LISTED = 24
"""Most phrases, sensors, collections, renderings or notes."""

_SOURCES = ("coordinates", "knowledge", "index", "user")
_EXAMPLE = '{"question": "flooded harbours", "sought": ["flooded harbours"], "periods": ["2019-03-01/2019-03-31"]}'


def plan_document(plan: QueryPlan) -> dict[str, Any]:
    """Return a plan as JSON values, every field under its own name; geometries are GeoJSON."""
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
    """Read what `plan_document` wrote, or a person edited. Whatever is left out takes its default.

    Raises:
        QueryError: A field is unknown or wrong; the message says which and what would work.
    """
    if not isinstance(document, Mapping):
        raise QueryError(f"a plan is a JSON object, got {_kind(document)}; e.g. {_EXAMPLE}")
    unknown = [str(key) for key in document if key not in QueryPlan.__dataclass_fields__]
    if unknown:
        known = ", ".join(QueryPlan.__dataclass_fields__)
        raise QueryError(f"a plan has no field {unknown[0][:MAX_SAID]!r}; it has {known}")
    return QueryPlan(
        question=_said(document, "question", limit=MAX_QUESTION),
        shape=_choice(document, "shape", get_args(Shape), "describe"),
        sought=_listed(document, "sought"),
        without=_listed(document, "without"),
        place=_place(document.get("place")),
        unknown_place=_maybe(document, "unknown_place"),
        periods=_periods(document),
        sensors=_listed(document, "sensors"),
        missing_sensors=_listed(document, "missing_sensors"),
        collections=_listed(document, "collections"),
        max_cloud=_percent(document.get("max_cloud")),
        renderings=_listed(document, "renderings"),
        among_earlier=_flag(document, "among_earlier", default=False),
        knowledge=_flag(document, "knowledge", default=True),
        made_by=_choice(document, "made_by", get_args(PlannedBy), "user"),
        notes=_listed(document, "notes", many=4 * MAX_LISTED),
    )


def _said(document: Mapping[str, Any], field: str, *, limit: int = MAX_SAID) -> str:
    value = document.get(field)
    if not isinstance(value, str) or not value.strip():
        raise QueryError(f"{field} of a plan is text, got {_kind(value)}; e.g. {_EXAMPLE}")
    if len(value) > limit:
        raise QueryError(f"{field} of a plan has {len(value):,} characters; at most {limit:,} are read")
    _check_unicode(field, value)
    return value


def _maybe(document: Mapping[str, Any], field: str) -> str | None:
    return None if document.get(field) is None else _said(document, field)


def _listed(document: Mapping[str, Any], field: str, *, many: int = MAX_LISTED) -> tuple[str, ...]:
    values = document.get(field, ())
    if not isinstance(values, list | tuple) or not all(isinstance(each, str) and each.strip() for each in values):
        raise QueryError(f"{field} of a plan is a list of texts, got {_kind(values)}; e.g. {_EXAMPLE}")
    if len(values) > many or any(len(each) > MAX_SAID for each in values):
        raise QueryError(f"{field} of a plan holds at most {many} texts of at most {MAX_SAID} characters")
    _check_unicode(field, *values)
    return tuple(values)


def _check_unicode(field: str, *texts: str) -> None:
    """JSON can escape half a character, which can be neither encoded nor sent back."""
    for text in texts:
        if any("\ud800" <= char <= "\udfff" for char in text):
            raise QueryError(f"{field} of a plan is not valid Unicode text, got {text[:80]!a}")


def _choice(document: Mapping[str, Any], field: str, known: tuple[Any, ...], default: str) -> Any:
    value = document.get(field, default)
    if value not in known:
        raise QueryError(f"{field} of a plan is one of {', '.join(known)}, got {_kind(value)}")
    return value


def _place(value: Any) -> PlannedPlace | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or set(value) - set(PlannedPlace.__dataclass_fields__):
        fields = ", ".join(PlannedPlace.__dataclass_fields__)
        raise QueryError(f"place of a plan is an object with {fields} or null, got {_kind(value)}")
    geometry = value.get("geometry")
    if not isinstance(geometry, Mapping):
        raise QueryError(f"geometry of a plan's place is a GeoJSON Polygon or MultiPolygon, got {_kind(geometry)}")
    return PlannedPlace(
        name=_said(value, "name"),
        geometry=parse_geometry(geometry),
        source=_choice(value, "source", _SOURCES, "user"),
        passage_id=_maybe(value, "passage_id"),
    )


def _periods(document: Mapping[str, Any]) -> tuple[Interval, ...]:
    values = _listed(document, "periods", many=MAX_PERIODS)
    return tuple(parse_interval(each) for each in values)


def _percent(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise QueryError(f"max_cloud of a plan is a percentage 0 to 100 or null, got {_kind(value)}")
    return float(value)


def _flag(document: Mapping[str, Any], field: str, *, default: bool) -> bool:
    value = document.get(field, default)
    if not isinstance(value, bool):
        raise QueryError(f"{field} of a plan is true or false, got {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    """Say what was received, shortly."""
    if value is None or isinstance(value, bool | int | float):
        return "nothing" if value is None else str(value).lower()[:40]
    if isinstance(value, str):
        return repr(value[:40])
    return {"dict": "an object", "list": "a list", "tuple": "a list"}.get(type(value).__name__, type(value).__name__)
