"""Coordinates as people write them: points, boxes and bands of latitude or longitude."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from shapely.geometry.base import BaseGeometry

from core import BBox, QueryError, bbox_geometry, parse_bbox

_NUM = r"[-+]?[0-9]{1,3}(?:\.[0-9]{1,12})?"
_SIDE = r"(?:north|south|east|west|[nsew])\b"
_DEG = r" ?(?:°|deg(?:rees?)?\b)"
_PART = r"[0-9]{1,2}(?:\.[0-9]{1,8})?"
_SUB = rf"(?: ?({_PART}) ?(?:'|min(?:utes)?\b))?(?: ?({_PART}) ?(?:\"|sec(?:onds)?\b))?"

_ANGLE = re.compile(rf"(?<![0-9.,-])({_NUM})(?:{_DEG}{_SUB}| ({_PART})(?: ({_PART}))?)? ?({_SIDE})")
"""48.85N, 48° 51' 24" N, 48 51 24 N, 8.4 degrees south."""
_SIDE_FIRST = re.compile(rf"\b([nsew]) ?({_NUM})(?:{_DEG}{_SUB})?(?![0-9a-z])")
"""N48.85, N 48°51'."""
_RANGE = re.compile(
    rf"(?:\b(?:between|from) )?(?<![0-9.,])({_NUM})(?:{_DEG})? ?({_SIDE})?(?: and | to |\.\."
    rf"| ?- ?)({_NUM})(?:{_DEG})? ?({_SIDE})"
)
"""between 10 and 12 E, 45-46°N."""
_AXIS_RANGE = re.compile(
    r"\b(lat|lon|lng|long)(?:itudes?|s)?\.?(?: (?:between|from"
    rf"|of))?[ :=]{{0,2}}({_NUM})(?:{_DEG})?(?: and | to |\.\.| ?- ?)({_NUM})"
    rf"(?:{_DEG})?(?![0-9.])"
)
"""latitudes 45 to 46."""
_AXIS = re.compile(rf"\b(lat|lon|lng|long)(?:itude)?\.?[ :=]{{0,2}}({_NUM})(?![0-9.])(?:{_DEG})?")
"""lat 48.85, longitude=2.35."""
_PAIR = re.compile(rf"(?<![0-9a-z.,-])({_NUM})(?:{_DEG})?(, ?|; ?| )({_NUM})(?:{_DEG})?(?![0-9.%°a-z-]|,[0-9]|/[0-9])")
_BOX = re.compile(
    r"\b(?:bounding )?(?:bbox|box|extent"
    rf"|rectangle)\b[ :=(\[]{{0,4}}({_NUM})[, ]{{1,2}}({_NUM})[, ]{{1,2}}({_NUM})[, ]{{1,2}}({_NUM})(?![0-9.])"
)
_FOUR = re.compile(rf"[(\[]({_NUM}), ?({_NUM}), ?({_NUM}), ?({_NUM})[)\]]")
_EDGES = re.compile(
    rf"\bwest[ :=]{{1,2}}({_NUM}),? south[ :=]{{1,2}}({_NUM}),? east[ :=]{{1,2}}({_NUM}),? north[ :=]{{1,2}}({_NUM})"
)
_HALF = re.compile(
    r"\b(north|south|east|west) of (?:latitude |longitude |the parallel "
    rf"|the meridian )?({_NUM})(?:{_DEG})? ?({_SIDE})?"
)
_EQUATOR = re.compile(r"\b(north|south) of the equator\b")
_TO = re.compile(r"[) ]{0,2}(?:to|and|-)[ (]{0,2}")
_CORNERS = re.compile(r"\b(?:box|rectangle|extent|corners?|bounds|from|between)\b[a-z ]{0,16}[ :(]{0,2}$")
_BETWEEN = re.compile(r"[ ,;/()]{0,3}(?:and |by |x )?")
_PLACED = re.compile(
    r"(?:\b(?:at|near|around|of|to|from|in|point|position|location|coordinates?|place|site|over"
    r"|centred on|centered on|geo)|[:(@\[])[ :(\[]{0,2}$"
)
_LON_FIRST = re.compile(r"\bpoint ?\($|\blon(?:gitude)?[ ,/]{1,2}(?:and )?lat(?:itude)?[ :=)(]{0,3}$")
_LON_LAT = re.compile(r"[) ]{0,2}[(\[]?lon(?:gitude)?[ ,/]{1,2}(?:and )?lat(?:itude)?\b")
"""Behind two numbers: which comes first."""
_UNITS = re.compile(r" ?(?:km|m|mi|miles|metres|meters|px|pixels|tiles|images|percent|days|years|months)\b")


_ROOM = 0.01
"""Degrees, about 1 km, on either side of a box without width or height."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A place written in numbers."""

    start: int
    """Offset of its first character."""
    end: int
    """Offset behind its last one."""
    point: tuple[float, float] | None = None
    """lat, lon; None for an area."""
    area: BaseGeometry | None = None
    """In lon, lat, cut at the antimeridian; None for a point."""
    name: str
    """As a plan shows it."""
    note: str | None = None
    """How it was read, where that is not plain."""


@dataclass(frozen=True, kw_only=True)
class _Axis:
    start: int
    end: int
    axis: Literal["lat", "lon"]
    first: float
    last: float


def find_coordinates(text: str) -> tuple[Found, ...]:
    """Return the places that are written in numbers; boxes win over points.

    Args:
        text: In lower case, on one line.

    Raises:
        QueryError: Latitudes beyond 90 degrees or longitudes beyond 180.
    """
    for readers in ((_boxes, _crossed), (_halves,)):
        found = [each for reader in readers for each in reader(text)]
        if found:
            return tuple(found[:1])
    points = sorted(_apart([*_lettered(text), *_named(text), *_plain(text)]), key=lambda each: each.start)
    return tuple(_cornered(text, points))


def _cornered(text: str, points: list[Found]) -> list[Found]:
    """Two points with "from ... to" between them are the corners of a box."""
    if len(points) != 2 or not _TO.fullmatch(text, points[0].end, points[1].start):
        return points
    start, end = points[0].start, points[1].end
    one, other = points[0].point, points[1].point
    if one is None or other is None or not _CORNERS.search(text, max(0, start - 40), start):
        return points
    south, north = sorted((one[0], other[0]))
    west, east = _eastward(one[1], other[1])
    return [_area(start, end, (west, south, east, north))]


def _boxes(text: str) -> Iterator[Found]:
    for pattern in (_BOX, _EDGES, _FOUR):
        for match in pattern.finditer(text):
            bbox = parse_bbox([float(number) for number in match.groups()])
            yield _area(match.start(), match.end(), bbox)


def _crossed(text: str) -> Iterator[Found]:
    """One range of latitude and one of longitude make a box; one alone makes a band round the globe."""
    ranges = list(_ranges(text))
    lat = next((each for each in ranges if each.axis == "lat"), None)
    lon = next((each for each in ranges if each.axis == "lon"), None)
    if lat is None and lon is None:
        return
    south, north = (-90.0, 90.0) if lat is None else sorted((lat.first, lat.last))
    west, east = (-180.0, 180.0) if lon is None else _eastward(lon.first, lon.last)
    there = [each for each in (lat, lon) if each is not None]
    start, end = min(each.start for each in there), max(each.end for each in there)
    if len(there) == 2 and not _BETWEEN.fullmatch(text, *_gap(there)):
        # Words between the two belong to the question; the second range is struck out with the first all the same.
        end = max(each.end for each in there)
    yield _area(start, end, parse_bbox((west, south, east, north)))


def _gap(there: list[_Axis]) -> tuple[int, int]:
    first, second = sorted(there, key=lambda each: each.start)
    return first.end, second.start


def _ranges(text: str) -> Iterator[_Axis]:
    for match in _RANGE.finditer(text):
        side, other = match[4], match[2] or match[4]
        if _axis_of(side) == _axis_of(other):
            yield _Axis(
                start=match.start(), end=match.end(), axis=_axis_of(side),
                first=_signed(float(match[1]), other), last=_signed(float(match[3]), side),
            )  # fmt: skip
    for match in _AXIS_RANGE.finditer(text):
        axis: Literal["lat", "lon"] = "lat" if match[1] == "lat" else "lon"
        yield _Axis(start=match.start(), end=match.end(), axis=axis, first=float(match[2]), last=float(match[3]))


def _eastward(one: float, other: float) -> tuple[float, float]:
    """The shorter way round."""
    return (one, other) if (other - one) % 360 <= 180 else (other, one)


def _halves(text: str) -> Iterator[Found]:
    for match in _EQUATOR.finditer(text):
        yield _half(match.start(), match.end(), match[1], 0.0)
    for match in _HALF.finditer(text):
        side = match[3]
        if side is None and _PAIR.match(text, match.start(2)):
            continue
        along = _axis_of(match[1])
        if side is None or _axis_of(side) == along:
            value = float(match[2]) if side is None else _signed(float(match[2]), side)
            yield _half(match.start(), match.end(), match[1], value)


def _half(start: int, end: int, side: str, value: float) -> Found:
    bounds = {
        "north": (-180.0, value, 180.0, 90.0), "south": (-180.0, -90.0, 180.0, value),
        "east": (value, -90.0, 180.0, 90.0), "west": (-180.0, -90.0, value, 90.0),
    }  # fmt: skip
    return _area(start, end, parse_bbox(bounds[side]))


def _area(start: int, end: int, bbox: tuple[float, float, float, float]) -> Found:
    bbox = _with_room(bbox)
    name = ", ".join(f"{number:.8g}" for number in bbox)
    return Found(start=start, end=end, area=bbox_geometry(bbox), name=f"bbox {name}")


def _with_room(bbox: BBox) -> BBox:
    """A line or a point is no area that footprints can be cut with."""
    west, south, east, north = bbox
    if west == east:
        west, east = max(west - _ROOM, -180.0), min(east + _ROOM, 180.0)
    if south == north:
        south, north = max(south - _ROOM, -90.0), min(north + _ROOM, 90.0)
    return west, south, east, north


def _lettered(text: str) -> Iterator[Found]:
    """Two angles with letters beside each other, one of each axis."""
    for pattern, read in ((_ANGLE, _angle), (_SIDE_FIRST, _side_first)):
        angles = [read(match) for match in pattern.finditer(text)]
        for one, other in pairwise(angles):
            if one.axis != other.axis and _BETWEEN.fullmatch(text, one.end, other.start):
                lat, lon = (one, other) if one.axis == "lat" else (other, one)
                yield _point(one.start, other.end, lat.first, lon.first)


def _angle(match: re.Match[str]) -> _Axis:
    minutes, seconds = match[2] or match[4], match[3] or match[5]
    value = _sexagesimal(match[1], minutes, seconds)
    return _one(match, match[6], value)


def _side_first(match: re.Match[str]) -> _Axis:
    return _one(match, match[1], _sexagesimal(match[2], match[3], match[4]))


def _one(match: re.Match[str], side: str, value: float) -> _Axis:
    signed = _signed(value, side)
    return _Axis(start=match.start(), end=match.end(), axis=_axis_of(side), first=signed, last=signed)


def _named(text: str) -> Iterator[Found]:
    """``lat 48.85 lon 2.35``, either way round."""
    angles = list(_AXIS.finditer(text))
    for one, other in pairwise(angles):
        lat, lon = (one, other) if one[1] == "lat" else (other, one)
        if lat[1] == "lat" and lon[1] != "lat" and _BETWEEN.fullmatch(text, one.end(), other.start()):
            yield _point(one.start(), other.end(), float(lat[2]), float(lon[2]))


def _plain(text: str) -> Iterator[Found]:
    """Two numbers: taken for a place where one has decimals, or where the words before say so."""
    for match in _PAIR.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        told = bool(_PLACED.search(before) or _LON_FIRST.search(before)) or "°" in match[0]
        both = "." in match[1] and "." in match[3]
        if _UNITS.match(text, match.end()) or not (both or (told and (match[2] != " " or "." in match[0]))):
            continue
        swapped = _LON_FIRST.search(before) or _LON_LAT.match(text, match.end())
        yield _ordered(match, swapped=bool(swapped))


def _ordered(match: re.Match[str], *, swapped: bool) -> Found:
    lat, lon = float(match[1]), float(match[3])
    if swapped:
        return _point(match.start(), match.end(), lon, lat)
    if abs(lat) > 90 >= abs(lon) and abs(lat) <= 180:
        note = f"{match[0]} was read as longitude, latitude: no latitude is {lat:g}."
        return _point(match.start(), match.end(), lon, lat, note)
    return _point(match.start(), match.end(), lat, lon)


def _point(start: int, end: int, lat: float, lon: float, note: str | None = None) -> Found:
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        raise QueryError(
            f"latitude {lat:g}, longitude {lon:g} is no place on Earth; latitude is -90 to 90, longitude -180 to 180,"
            " e.g. 48.85, 2.35 or 8.4°S 74.5°W"
        )
    return Found(start=start, end=end, point=(lat, lon), name=f"{lat:.8g}, {lon:.8g}", note=note)


def _apart(found: list[Found]) -> Iterator[Found]:
    """Leave out what overlaps an earlier one."""
    reached: list[Found] = []
    for each in found:
        if all(each.end <= other.start or each.start >= other.end for other in reached):
            reached.append(each)
            yield each


def _axis_of(side: str) -> Literal["lat", "lon"]:
    return "lat" if side[0] in "ns" else "lon"


def _signed(value: float, side: str) -> float:
    return -value if side[0] in "sw" else value


def _sexagesimal(degrees: str, minutes: str | None, seconds: str | None) -> float:
    small = float(minutes or 0) / 60 + float(seconds or 0) / 3600
    whole = float(degrees)
    return whole - small if degrees.startswith("-") else whole + small
