"""What a question can be read against: the index's sensors, collections and dates, and the places that are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, runtime_checkable

from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, kw_only=True)
class KnownPlace:
    """A name in a text that something here knows."""

    name: str
    """As the entry writes it."""
    geometry: BaseGeometry
    """Point or area in lon, lat, cut at the antimeridian."""
    passage_id: str | None
    """Entry of the knowledge table; None for a name of the index."""
    start: int
    """Offset of its first character in the text."""
    end: int
    """Offset behind its last one."""


@runtime_checkable
class KnowsPlaces(Protocol):
    """Finds the names of places in a text."""

    def places_in(self, text: str) -> tuple[KnownPlace, ...]:
        """Return the places a text names, none overlapping another; the longest name first."""
        ...


class _Nowhere:
    """Knows no place."""

    def places_in(self, text: str) -> tuple[KnownPlace, ...]:
        """Return nothing."""
        return ()


NO_PLACES: KnowsPlaces = _Nowhere()
"""Knows no place."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What a question is read against."""

    sensors: tuple[str, ...]
    """Sensor names of the index."""
    collections: tuple[str, ...]
    """Collections of the index."""
    first: datetime | None
    """Oldest date of the index; None where it is empty or undated."""
    last: datetime | None
    """Newest one."""
    today: date
    """What "last year" is counted from."""
    places: KnowsPlaces
    """Knows names of places."""
