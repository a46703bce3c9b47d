"""A STAC search, checked: what `api.stac._requests` let in, as a request to the retriever."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stac_fastapi.types.rfc3339 import str_to_interval

from api.stac._names import renamed, sort_order
from api.stac._requests import SearchPost
from core import BBox, FilterError, Interval, QueryError, parse_bbox, parse_geometry, parse_interval
from retriever import NEWEST_FIRST, Order, SearchRequest

_CRS84 = (
    "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    "https://www.opengis.net/def/crs/OGC/1.3/CRS84",
    "http://www.opengis.net/def/crs/OGC/0/CRS84",
)
"""Names of lon, lat in degrees: the only order that filters are read in."""


@dataclass(frozen=True, kw_only=True)
class ItemQuery:
    """Which items are wanted, in which order."""

    text: str | None = None
    """What to rank by, in words."""
    like: str | None = None
    """Item to rank by likeness to."""
    bbox: BBox | None = None
    """See SearchRequest."""
    datetime: Interval | None = None
    """See SearchRequest."""
    conditions: tuple[Mapping[str, Any], ...] = ()
    """CQL2 JSON over columns, all of which must hold."""
    area: Mapping[str, Any] | None = None
    """GeoJSON Polygon or MultiPolygon that footprints meet."""
    order: Order = NEWEST_FIRST
    """Of items without text and like."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """The request as it came, without page and fields."""

    @property
    def ranked(self) -> bool:
        """Whether items are ranked by relevance."""
        return self.text is not None or self.like is not None

    @property
    def digest(self) -> str:
        """Short name of what was asked, so that a page token is not used for another question."""
        text = json.dumps(self.asked, sort_keys=True, default=str)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def filters(self) -> dict[str, Any]:
        """Return the keyword arguments of ``SearchRequest`` that filter."""
        area = None if self.area is None else parse_geometry(self.area)
        conditions = {"op": "and", "args": list(self.conditions)} if self.conditions else None
        return {"bbox": self.bbox, "datetime": self.datetime, "within": area, "filter": conditions}

    def request(self, k: int) -> SearchRequest:
        """Return the search for the k best.

        Raises:
            QueryError: Neither or both of text and like, or a filter is wrong.
        """
        given = self.filters() | {"datetime": self.asked.get("datetime")}
        return SearchRequest.build(text=self.text, like=self.like, k=k, **given)


def read_query(given: SearchPost, *, texts: Sequence[str], like: str | None, vertices: int) -> ItemQuery:
    """Return the checked query.

    Args:
        given: What came.
        texts: What to look for, in words: of the body, the address or the root; none, one or several.
        like: Item to look like.
        vertices: Most vertices of an area.

    Raises:
        QueryError: The request contradicts itself or cannot be read; the message says what would work.
    """
    if given.bbox is not None and given.intersects is not None:
        raise QueryError("bbox and intersects exclude each other; give one of them")
    if given.sortby and (texts or like):
        raise QueryError("sortby does not go with q or like: items are sorted by relevance; leave one of them out")
    interval = None if given.datetime is None else _interval(given.datetime)
    area, shapes = _area(given.intersects, vertices)
    asked = given.model_dump(exclude={"token", "limit", "fields"}, exclude_none=True) | {"q": list(texts), "like": like}
    return ItemQuery(
        text=", ".join(texts) or None,
        like=like,
        bbox=None if given.bbox is None else _bbox(given.bbox),
        datetime=interval,
        conditions=(*_names(given), *shapes, *_filter(given)),
        area=area,
        order=sort_order([(each.field, each.direction == "desc") for each in given.sortby or ()]) or NEWEST_FIRST,
        asked=asked,
    )


def _interval(text: str) -> Interval:
    str_to_interval(text)  # stricter than ours: a bare day is no RFC 3339 date-time, and STAC clients expect a refusal
    return parse_interval(text)


def _bbox(numbers: Sequence[float]) -> BBox:
    """A box with heights is used without them: tiles have none."""
    if len(numbers) not in (4, 6) or not all(math.isfinite(number) for number in numbers):
        raise QueryError(f"bbox must have 4 or 6 finite numbers, got {list(numbers)!r}")
    if len(numbers) == 4:
        return parse_bbox(numbers)
    west, south, low, east, north, high = numbers
    if low > high:
        raise QueryError(f"bbox {list(numbers)!r} has its lowest height above its highest")
    return parse_bbox((west, south, east, north))


def _names(given: SearchPost) -> list[Mapping[str, Any]]:
    chosen = {"tile_id": given.ids, "collection": given.collections}
    return [_one_of(name, values) for name, values in chosen.items() if values]


def _one_of(name: str, values: Sequence[str]) -> Mapping[str, Any]:
    return {"op": "in", "args": [{"property": name}, list(values)]}


def _area(
    geometry: Mapping[str, Any] | None, vertices: int
) -> tuple[Mapping[str, Any] | None, list[Mapping[str, Any]]]:
    """The area as a search area where it is one, else as conditions of which one must hold."""
    if geometry is None:
        return None, []
    _check_size(geometry, vertices)
    if geometry.get("type") in ("Polygon", "MultiPolygon"):
        return geometry, []
    members = _members(geometry)
    meets = [{"op": "s_intersects", "args": [{"property": "geometry"}, member]} for member in members]
    if not meets:
        raise QueryError("intersects is an empty GeometryCollection; expected a GeoJSON geometry in lon, lat")
    return None, [{"op": "or", "args": meets} if len(meets) > 1 else meets[0]]


def _members(geometry: Mapping[str, Any], level: int = 0) -> list[Mapping[str, Any]]:
    if geometry.get("type") != "GeometryCollection":
        return [geometry]
    parts = geometry.get("geometries")
    if level > 10 or not isinstance(parts, list) or not all(isinstance(part, Mapping) for part in parts):
        raise QueryError("intersects is a GeometryCollection whose geometries cannot be read")
    return [member for part in parts for member in _members(part, level + 1)]


def _check_size(geometry: Mapping[str, Any], vertices: int) -> None:
    """Refuse large areas before any geometry is made of them."""
    waiting: list[Any] = [geometry]
    found = 0
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            waiting += [node[key] for key in ("coordinates", "geometries") if key in node]
        elif isinstance(node, list):
            found += bool(node) and isinstance(node[0], int | float)
            waiting += [each for each in node if isinstance(each, list | Mapping)]
            if any(isinstance(each, float) and not math.isfinite(each) for each in node):
                raise QueryError("intersects holds NaN or infinity; expected lon, lat in degrees")
        if found > vertices:
            raise QueryError(f"intersects has more than {vertices:,} vertices; simplify the geometry")


def _filter(given: SearchPost) -> list[Mapping[str, Any]]:
    if given.filter_crs not in (None, *_CRS84):
        raise QueryError(f"filter-crs {given.filter_crs!r} is not known; coordinates are lon, lat: {_CRS84[0]}")
    if given.filter_expr is None:
        return []
    written = "cql2-json" if isinstance(given.filter_expr, Mapping) else given.filter_lang or "cql2-text"
    if given.filter_lang not in (None, written):
        raise FilterError(f"the filter is JSON and filter-lang says {given.filter_lang}; make them agree")
    if isinstance(given.filter_expr, str) and (written == "cql2-json") != given.filter_expr.lstrip().startswith("{"):
        raise FilterError(f"filter-lang says {written}, and the filter is not written so; make them agree")
    return [renamed(given.filter_expr)]


def read_geometry(text: str) -> Mapping[str, Any]:
    """Return the geometry of a GET parameter.

    Raises:
        QueryError: Not a JSON object.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"intersects is not JSON: {error}; expected a GeoJSON geometry") from None
    if not isinstance(found, dict):
        raise QueryError(f"intersects holds a {type(found).__name__}; expected a GeoJSON geometry")
    return found
