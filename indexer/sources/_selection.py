"""Which STAC items are wanted, by place and time."""

from __future__ import annotations

from datetime import datetime

import pystac
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from core import BBox, Interval, bbox_geometry, parse_interval
from indexer.sources._dates import as_utc


class Selection:
    """Which items are wanted, by place and time.

    Args:
        bbox: Items whose geometry intersects it; None for all.
        datetime: Items within this RFC 3339 instant or interval; None for all.

    Raises:
        QueryError: ``datetime`` cannot be read.
    """

    def __init__(self, *, bbox: BBox | None, datetime: str | None) -> None:
        self.bbox = bbox
        self._area: BaseGeometry | None = bbox_geometry(bbox) if bbox else None
        self._interval: Interval = parse_interval(datetime) if datetime else (None, None)

    @property
    def asked_datetime(self) -> Interval | None:
        """First and last instant to ask an API for; None for all."""
        return self._interval if any(self._interval) else None

    def wants(self, item: pystac.Item) -> bool:
        """Return whether an item is within the area and the interval; one without geometry or date never is."""
        if self._area is not None and not (item.geometry and shape(item.geometry).intersects(self._area)):
            return False
        first, last = self._interval
        if first is None and last is None:
            return True
        begin, end = _span(item)
        return begin is not None and (first is None or (end or begin) >= first) and (last is None or begin <= last)


def item_date(item: pystac.Item) -> datetime | None:
    """Return ``datetime``, or else ``start_datetime``, in UTC; None where there is neither."""
    return _utc(item.datetime or item.common_metadata.start_datetime)


def _span(item: pystac.Item) -> tuple[datetime | None, datetime | None]:
    begin, end = item.common_metadata.start_datetime, item.common_metadata.end_datetime
    return _utc(begin or item.datetime), _utc(end or item.datetime)


def _utc(instant: datetime | None) -> datetime | None:
    """STAC demands a time zone; without one an instant is in UTC."""
    return None if instant is None else as_utc(instant)
