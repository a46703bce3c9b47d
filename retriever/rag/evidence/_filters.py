"""The filters of a plan and those that the user set, as one request for each period.

A tile must pass both. Where both speak of the same thing they are intersected: the common area, the common stretch of
time, the sensors that both name, the smaller share of cloud. Where nothing is common the user's own filter holds, and
a remark says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from core import Interval, QueryError
from retriever._cql2 import cql2_json
from retriever._expression import Expression, any_of
from retriever._facet_search import filters_only
from retriever._request import SearchRequest
from retriever._spatial import bbox_parts
from retriever.rag._types import QueryPlan
from retriever.rag.planning._plan_areas import MAX_RADIUS_KM, circle


@dataclass(frozen=True, kw_only=True, eq=False)
class Filtered:
    """The filters of one period."""

    period: int | None
    """0-based place in ``QueryPlan.periods``; None where there are none, or the user's dates replace them."""
    request: SearchRequest
    """Looks for nothing."""

    def covers(self, instant: datetime) -> bool:
        """Return whether an instant lies in the period."""
        start, end = self.request.datetime or (None, None)
        return (start is None or start <= instant) and (end is None or instant <= end)


@dataclass(frozen=True, kw_only=True, eq=False)
class Filters:
    """All filters of one question."""

    each: tuple[Filtered, ...]
    """At least one, in the order of the plan's periods."""
    remarks: tuple[str, ...] = ()
    """What of the plan gave way, a sentence each."""

    def where(self) -> Expression | None:
        """Return what a tile must pass in at least one period; None where every tile does."""
        parts = [filtered.request.where() for filtered in self.each]
        known = [part for part in parts if part is not None]
        return any_of(known) if len(known) == len(parts) else None

    @property
    def area(self) -> BaseGeometry | None:
        """Ground that footprints must meet, lon lat; None for everywhere. Cells and CQL2 are not followed."""
        return _area(self.each[0].request)


def filters_of(plan: QueryPlan, given: SearchRequest | None, *, inside: Sequence[str] = ()) -> Filters:
    """Return the filters that a plan and a user set together.

    Args:
        plan: Place, periods, sensors, collections and cloud are read.
        given: The user's own filters; what it looks for is not.
        inside: Ids of the only tiles that count; empty for all.

    Raises:
        QueryError: The plan's cloud is no percentage, or a filter of the user is wrong.
    """
    joined = _Joined(_bare(given))
    joined.place(plan)
    joined.names("sensor", plan.sensors)
    joined.names("collection", plan.collections)
    joined.cloud(plan.max_cloud)
    joined.only(inside)
    each = joined.periods(plan.periods)
    return Filters(each=each, remarks=tuple(joined.remarks))


def _area(request: SearchRequest) -> BaseGeometry | None:
    """Return what the areas of a request have in common; of every period they are the same."""
    near, bbox = request.near, request.bbox
    areas = [
        request.within,
        None if bbox is None else shapely.union_all(bbox_parts(bbox)),
        None if near is None or near.radius_km > MAX_RADIUS_KM else circle(near.lat, near.lon, near.radius_km),
    ]
    known = [area for area in areas if area is not None]
    return shapely.intersection_all(known) if known else None


def _bare(given: SearchRequest | None) -> SearchRequest:
    """Return the filters of a request without what it looks for."""
    if given is None:
        return filters_only()
    nothing: dict[str, Any] = {"text": None, "image": None, "like": None, "vector": None}
    return replace(given, **nothing, query=(), plus=(), minus=())


class _Joined:
    """Filters while they are joined."""

    def __init__(self, request: SearchRequest) -> None:
        self.request = request
        self.remarks: list[str] = []

    def place(self, plan: QueryPlan) -> None:
        if plan.place is None:
            return
        own = self.request.within
        shared = plan.place.geometry if own is None else own.intersection(plan.place.geometry)
        if shared.is_empty:
            self.remarks.append("The place of the question lies outside the area that was set; the area counts.")
            return
        self.request = replace(self.request, within=shared)

    def names(self, field: str, planned: tuple[str, ...]) -> None:
        if not planned:
            return
        own: tuple[str, ...] = getattr(self.request, field)
        shared = tuple(name for name in planned if not own or name in own)
        if not shared:
            self.remarks.append(
                f"The question asks for {' and '.join(planned)}, the filter is {field} {' and '.join(own)};"
                " the filter counts."
            )
            return
        changed: dict[str, Any] = {field: shared}
        self.request = replace(self.request, **changed)

    def cloud(self, planned: float | None) -> None:
        if planned is None:
            return
        if not 0 <= planned <= 100:
            raise QueryError(f"max_cloud of the plan must be between 0 and 100 percent, got {planned!r}")
        own = self.request.max_cloud
        self.request = replace(self.request, max_cloud=planned if own is None else min(own, planned))

    def only(self, tile_ids: Sequence[str]) -> None:
        """Let only these tiles pass."""
        if not tile_ids:
            return
        listed = {"op": "in", "args": [{"property": "tile_id"}, list(tile_ids)]}
        own = self.request.filter
        both = listed if own is None else {"op": "and", "args": [cql2_json(own), listed]}
        self.request = replace(self.request, filter=both)

    def periods(self, planned: tuple[Interval, ...]) -> tuple[Filtered, ...]:
        """Return the filters of every period that leaves some time."""
        if not planned:
            return (Filtered(period=None, request=self.request),)
        shared = [(place, _shared(period, self.request.datetime)) for place, period in enumerate(planned)]
        each = [
            Filtered(period=place, request=replace(self.request, datetime=time))
            for place, time in shared
            if time is not None
        ]
        if len(each) < len(planned):
            which = "None" if not each else f"Only {len(each)}"
            self.remarks.append(
                f"{which} of the question's {len(planned)} periods falls within the dates that were set;"
                " the dates that were set count."
            )
        return tuple(each) or (Filtered(period=None, request=self.request),)


def _shared(first: Interval, second: Interval | None) -> Interval | None:
    """Return the time that two intervals share; None where they share none."""
    if second is None:
        return first
    starts = [each for each in (first[0], second[0]) if each is not None]
    ends = [each for each in (first[1], second[1]) if each is not None]
    start, end = max(starts, default=None), min(ends, default=None)
    return None if start is not None and end is not None and start > end else (start, end)
