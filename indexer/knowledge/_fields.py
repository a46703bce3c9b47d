"""Columns, properties and ``key: value`` lines by their names: title, text, place, date, radius, aliases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import shapely
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from core import InputError, parse_instant
from indexer.knowledge._clean import cleaned, one_line
from indexer.knowledge._geometry import MAX_RADIUS_KM, checked_place
from indexer.knowledge._types import MAX_TITLE

TITLE = ("title", "name", "label", "heading", "place", "site")
TEXT = ("text", "description", "desc", "summary", "abstract", "body", "content", "notes", "note", "remarks", "comment")
LAT = ("lat", "latitude", "y")
LON = ("lon", "lng", "long", "longitude", "x")
WKT = ("wkt", "geometry", "geom", "footprint")
DATE = ("date", "datetime", "time", "day")
RADIUS = ("radius_km", "radius")
ALIASES = ("aliases", "alias", "also_known_as", "alternate_names")

_PLACE = (*LAT, *LON, *WKT, *RADIUS)
_KNOWN = frozenset((*TITLE, *TEXT, *_PLACE, *DATE, *ALIASES))
_PARTIAL = re.compile(r"\d{4}(-\d{2})?", re.ASCII)

MAX_ALIASES = 50
"""Most aliases of one entry."""

MAX_WKT = 1_000_000
"""Longest WKT read, in characters: ``MAX_VERTICES`` pairs of 17 digits each."""


def plain_key(name: object) -> str:
    """Return a column's name as it is looked up: ``Radius km`` is ``radius_km``."""
    return re.sub(r"[\s_-]+", "_", str(name).strip().lower())


def named_values(pairs: Iterable[tuple[object, Any]]) -> dict[str, Any]:
    """Return values by the names they are looked up by; of two alike the first counts, and one without name is lost."""
    row: dict[str, Any] = {}
    for name, value in pairs:
        if key := plain_key(name):
            row.setdefault(key, value)
    return row


def first_of(row: Mapping[str, Any], names: tuple[str, ...]) -> str:
    """Return the first value that is given under one of the names, as text; empty where there is none."""
    for name in names:
        value = row.get(name)
        if value is not None and (text := as_text(value).strip()):
            return text
    return ""


def as_text(value: object) -> str:
    """Return a value as text: numbers and lists as JSON writes them.

    Raises:
        InputError: It is nested too deeply.
    """
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return cleaned("; ".join(value))
    try:
        return cleaned(json.dumps(value, ensure_ascii=False))
    except RecursionError:
        raise InputError("a value is nested too deeply; give text or a number") from None


def title_of(row: Mapping[str, Any]) -> str:
    """Return the title; empty where there is none."""
    return one_line(first_of(row, TITLE), MAX_TITLE)


def text_of(row: Mapping[str, Any]) -> str:
    """Return the text: the columns meant for it, or else all that are not known otherwise, as ``name: value``."""
    parts = [value for name in TEXT if (value := as_text(row[name]).strip() if row.get(name) is not None else "")]
    if not parts:
        others = {key: as_text(value).strip() for key, value in row.items() if key not in _KNOWN and value is not None}
        parts = [" ".join(f"{key.replace('_', ' ')}: {value}." for key, value in others.items() if value)]
    return "\n\n".join(parts)


def aliases_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return other names, separated by ``;`` or ``|``."""
    parts = re.split(r"[;|]", first_of(row, ALIASES))
    return tuple(name for part in parts[:MAX_ALIASES] if (name := one_line(part, MAX_TITLE)))


def date_of(row: Mapping[str, Any]) -> datetime | None:
    """Return the date; a year or a month is its first instant.

    Raises:
        InputError: It cannot be read.
    """
    text = first_of(row, DATE)
    if not text:
        return None
    whole = f"{text}-01-01"[:10] if _PARTIAL.fullmatch(text) else text
    return parse_instant(whole)


def radius_of(row: Mapping[str, Any]) -> float | None:
    """Return the radius in km.

    Raises:
        InputError: It is no number above 0, or too large.
    """
    text = first_of(row, RADIUS)
    if not text:
        return None
    radius = _number("radius_km", text)
    if not 0 < radius <= MAX_RADIUS_KM:
        raise InputError(f"radius_km must be above 0 and at most {MAX_RADIUS_KM:,.0f}, got {text}")
    return radius


def place_of(row: Mapping[str, Any]) -> BaseGeometry | None:
    """Return the place of the columns lat and lon, or of WKT.

    Raises:
        InputError: Half of a pair, no number, out of range, or WKT that is no place.
    """
    lat, lon, wkt = (first_of(row, names) for names in (LAT, LON, WKT))
    if wkt:
        return _from_wkt(wkt)
    if not lat and not lon:
        return None
    if not lat or not lon:
        raise InputError(f"{'lat' if lat else 'lon'} {lat or lon} stands alone; give both lat and lon")
    point = Point(_number("lon", lon), _number("lat", lat))
    if abs(point.y) > 90:
        raise InputError(f"lat {lat} is outside -90..90; are lat and lon swapped?")
    return checked_place(point)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{name} {one_line(text, 40)!r} is not a number; write degrees such as 47.81") from None


def _from_wkt(text: str) -> BaseGeometry:
    try:
        found = shapely.from_wkt(text) if len(text) <= MAX_WKT else None
    except (shapely.errors.GEOSException, UnicodeDecodeError):  # the latter where GEOS quotes half a letter
        found = None
    if found is None:
        raise InputError(f"{one_line(text, 40)!r} is not WKT; write POINT (16.8 47.8) or POLYGON ((...)), lon first")
    return checked_place(found)
