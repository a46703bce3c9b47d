"""An archive to put questions to: five sensors, three collections, 1985 to 2022, five places by name."""

from datetime import UTC, date, datetime

from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry

from core import Interval, parse_interval
from retriever.rag import KnownPlace, World

_PLACES: dict[str, BaseGeometry] = {
    "Rotterdam": Point(4.48, 51.92),
    "Ucayali River": box(-75, -9, -74, -8),
    "Lake Garda": box(10.5, 45.4, 10.9, 45.9),
    "Port of Hamburg": Point(9.9, 53.5),
    "Uluru": Point(131.03, -25.34),
}


class _Gazetteer:
    def places_in(self, text: str) -> tuple[KnownPlace, ...]:
        """Find each name once, whatever the case."""
        at = {name: text.lower().find(name.lower()) for name in _PLACES}
        return tuple(
            KnownPlace(name=name, geometry=_PLACES[name], passage_id=f"p:{name}", start=start, end=start + len(name))
            for name, start in sorted(at.items(), key=lambda pair: -len(pair[0]))
            if start >= 0
        )


WORLD = World(
    sensors=("landsat-c2-l2", "landsat-c2-l2-tm", "naip", "sentinel-1-rtc", "sentinel-2-l2a"),
    collections=("landsat-c2-l2", "naip", "storm-2019"),
    first=datetime(1985, 3, 1, tzinfo=UTC),
    last=datetime(2022, 3, 1, tzinfo=UTC),
    today=date(2024, 5, 17),
    places=_Gazetteer(),
)


def spans(*texts: str) -> tuple[Interval, ...]:
    """Return the periods of ``2015-01-01/2015-12-31`` and the like."""
    return tuple(map(parse_interval, texts))
