"""Where the evidence must lie: coordinates, names that are known, and names that nothing here knows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shapely.geometry.base import BaseGeometry

from core import QueryError, rectangle
from retriever.rag._types import PlannedPlace
from retriever.rag.planning._plan_areas import circle, is_area, united, widened
from retriever.rag.planning._plan_coordinates import Found, find_coordinates
from retriever.rag.planning._plan_text import Canvas
from retriever.rag.planning._plan_words import is_thing
from retriever.rag.planning._plan_world import KnownPlace, World

MAX_NAME = 200
"""Most characters of a name."""

AT_KM = 1.0
"""Round coordinates that a question is "at": less than a tile, so that its own tile is found."""

SITE_KM = 5.0
"""Round a known place of which only a point is known: a town, a port."""

MAX_PLACES = 12
"""Most places of one question."""

NEAR_KM = 10.0
"""Round whatever a question is "near" without saying how near."""

_KM = {"kilo": 1.0, "km": 1.0, "naut": 1.852, "nm": 1.852, "mile": 1.609344, "met": 0.001, "mi": 1.609344, "m": 0.001}
"""Kilometres of a unit by its beginning; miles are international ones (https://www.nist.gov/pml/owm/si-units-length)."""

_LENGTH = (
    r"([0-9]{1,5}(?:[.,][0-9]{1,3})?)[ -]?"
    r"(kilomet(?:re|er)s?|km|nautical miles?|nmi?|miles?|mi|met(?:re|er)s?|m)\b"
)
_RADIUS_BEFORE = re.compile(
    r"(?:\b(?:within|in|less than|no more than|not more than|at most|up to|closer than|inside"
    r"|about|roughly|a|an|radius of"
    rf"|distance of|circle of|the)[ ]){{0,4}}{_LENGTH}(?: (?:radius|circle|distance|away))?"
    r"(?: (?:of|around|round|about|from|to|near|at))?(?: (?:the|point|coordinates?|location"
    r"|position|at|of|village|town|city|area)){0,3}[ (:]{0,2}$"
)
_RADIUS_AFTER = re.compile(
    rf"[,) (]{{0,3}}(?:(?:and |within |in |with |plus |\+/?- ?|± ?|up to |a |an |the |radius "
    rf"|radius of |radius: ?|surrounding )){{0,4}}{_LENGTH}"
    r"(?: (?:radius|around|round|buffer|away|of it))?\)?"
)
_NEAR = re.compile(
    r"\b(?:near(?:by)?(?: to)?|around|round|close to|next to|beside|not far from"
    r"|in the vicinity of|in the neighbou?rhood of"
    r"|in the surroundings? of|in the area (?:of|around)|surrounding|about|by|along)(?: the)?[ (]{0,2}$"
)
_SIDE = re.compile(
    r"\b(?:(?:just|to the|the|immediately) ){0,2}((?:north|south|east|west)(?:-?(?:east"
    r"|west))?(?:ern)?|upstream|downstream|inland) (?:part |side |bank )?(?:of"
    r"|from)(?: the)?[ (]{0,2}$"
)
_LEAD = re.compile(
    r"(?:(?:^|(?<=[ |(,]))(?:in|on|at|near|nearby|around|round|close|next|to|of|from|over|within"
    r"|inside|outside|by|beside|across|along|through|about"
    r"|off|for|the|this|vicinity|northern|southern|eastern|western|central|upper|lower"
    r"|surroundings?|neighbou?rhood|surrounding|not far|point"
    r"|coordinates?|position|located|lying|situated|and|between|above) "
    r"){1,6}[(]?$|\bpoint ?[(]$|[(]$"
)
_TAIL = re.compile(r"\)?(?:'s\b)?(?: (?:area|region|surroundings)\b)?")
_NEGATED = re.compile(
    r"\b(?:not|except|excluding|outside|without|away|far)(?: (?:in|near|at|around|from|of|for|the|to|close))*[ (]{0,2}$"
)

_PLACE_WORDS = re.compile(
    r"\b(?:in|near|around|at|from|over|off|on|along|across|within|inside|outside|close to|next to"
    r"|beside|of|between|to|for"
    r"|above|through|by|versus|vs|and|or|with|than|for|north of|south of|east of|west of) (?:the )?$"
)
_KINDS = (
    "city", "town", "village", "municipality", "province", "county", "district", "state", "country", "island", "region",
    "prefecture", "department", "canton",
)  # fmt: skip
_CALLED = re.compile(
    rf"\b(?:in|near|around|at|from|over) (?:the )?(?:{'|'.join(_KINDS)}) (?:of|called|named) ([a-z][\w'-]{{2,40}})"
)
_PROPER = re.compile(
    r"(?<![\w|'-])[^\W\d_a-z][\w'’-]{1,40}(?: (?:(?:de|la|le|el|al|of|the|del|da|do|di|du|des|van"
    r"|von|der|den|sur|upon|and) ){0,2}[^\W\d_a-z][\w'’-]{0,40}){0,4}"
)
"""One to five words that begin with a capital, small words in between."""


@dataclass(frozen=True, kw_only=True)
class PlaceRead:
    """What a question says about where."""

    place: PlannedPlace | None = None
    """See ``QueryPlan``."""
    unknown: str | None = None
    """See ``QueryPlan``."""
    names: tuple[str, ...] = ()
    """Of known places."""
    notes: tuple[str, ...] = ()
    """See ``QueryPlan``."""


@dataclass(frozen=True, kw_only=True)
class _Part:
    geometry: BaseGeometry
    name: str
    notes: tuple[str, ...]
    excluded: bool = False


def read_places(canvas: Canvas, world: World) -> PlaceRead:
    """Read and strike out where a question is about; coordinates win over names.

    Raises:
        QueryError: Coordinates that are nowhere, or a distance that is too large.
    """
    found = find_coordinates(canvas.free)
    if len(found) > MAX_PLACES:
        raise QueryError(f"the question names {len(found)} points; at most {MAX_PLACES} are read: draw an area instead")
    known = _trusted(canvas, world.places.places_in(canvas.text))
    parts = [_placed(canvas, each) for each in found]
    named = [_known(canvas, each, struck_only=bool(parts)) for each in known]
    if parts:
        return _read(parts, source="coordinates", names=known)
    if named:
        return _read(named, source="knowledge", names=known)
    return PlaceRead()


def _read(parts: Sequence[_Part], *, source: str, names: Sequence[KnownPlace]) -> PlaceRead:
    wanted, shunned = [part for part in parts if not part.excluded], [part for part in parts if part.excluded]
    several: tuple[str, ...] = (f"Evidence may lie in any of {len(wanted)} places.",) if len(wanted) > 1 else ()
    area = united([part.geometry for part in wanted]) if wanted else rectangle(-180, -90, 180, 90)
    if shunned:
        area = area.difference(united([part.geometry for part in shunned]))
        if area.is_empty or not is_area(area):
            raise QueryError("the question excludes the whole place that it asks for; name a larger one")
        several += ("Tiles that reach across the edge of what is excluded may show a part of it.",)
    ids = [each.passage_id for each in names if each.passage_id]
    place = PlannedPlace(
        name=" and ".join(f"outside {part.name}" if part.excluded else part.name for part in parts)[:MAX_NAME],
        geometry=area,
        source="coordinates" if source == "coordinates" else "knowledge" if ids else "index",
        passage_id=ids[0] if ids and source != "coordinates" else None,
    )
    notes = tuple(note for part in parts for note in part.notes)
    return PlaceRead(place=place, names=tuple(each.name for each in names), notes=(*notes, *several))


def _trusted(canvas: Canvas, known: Sequence[KnownPlace]) -> list[KnownPlace]:
    """Leave out what was read as something else, and names that are written like a common noun ("harbour")."""
    kept: list[KnownPlace] = []
    for place in known:
        written = canvas.text[place.start : place.end]
        common = written == written.lower() and is_thing(written)
        overlaps = any(place.start < other.end and other.start < place.end for other in kept)
        if not (common or overlaps or not canvas.is_free(place.start, place.end)):
            kept.append(place)
    return sorted(kept, key=lambda place: place.start)


def _placed(canvas: Canvas, found: Found) -> _Part:
    start, end, km = _radius(canvas, found.start, found.end)
    side, near = _SIDE.search(canvas.before(found.start)), bool(_NEAR.search(canvas.before(found.start)))
    excluded = bool(_NEGATED.search(canvas.before(start)))
    _strike(canvas, start, end)
    notes = [found.note] if found.note else []
    if found.point is None:
        assert found.area is not None  # noqa: S101  # a place has a point or an area
        return _Part(
            geometry=found.area if km is None else widened(found.area, km),
            name=found.name,
            notes=tuple(notes),
            excluded=excluded,
        )
    notes += _side_notes(side, found.name)
    if km is None:
        km = NEAR_KM if near or side else AT_KM
        notes.append(f'Tiles within {km:g} km of {found.name} count; say "within ... km of" for more or less.')
    return _Part(geometry=circle(*found.point, km), name=found.name, notes=tuple(notes), excluded=excluded)


def _known(canvas: Canvas, place: KnownPlace, *, struck_only: bool) -> _Part:
    start, end, km = _radius(canvas, place.start, place.end)
    before = canvas.before(place.start)
    side, near = _SIDE.search(before), bool(_NEAR.search(before))
    excluded = bool(_NEGATED.search(canvas.before(start)))
    _strike(canvas, start, end)
    if struck_only:
        return _Part(geometry=place.geometry, name=place.name, notes=())
    notes = _side_notes(side, place.name)
    if km is None and (near or side):
        km = NEAR_KM
    elif km is None and not is_area(place.geometry):
        km = SITE_KM
    if km is None:
        return _Part(geometry=place.geometry, name=place.name, notes=tuple(notes), excluded=excluded)
    notes.append(f"Tiles within {km:g} km of {place.name} count.")
    return _Part(geometry=widened(place.geometry, km), name=place.name, notes=tuple(notes), excluded=excluded)


def _side_notes(side: re.Match[str] | None, name: str) -> list[str]:
    if side is None:
        return []
    return [f'"{side[1]} of" a place is not measured: tiles on every side of {name} count.']


def _radius(canvas: Canvas, start: int, end: int) -> tuple[int, int, float | None]:
    """Return the span with the distance before or after it, and that distance in km."""
    before = canvas.back(start, _RADIUS_BEFORE)
    if before < start:
        found = _RADIUS_BEFORE.search(canvas.free, before, start)
        return before, end, _km(found) if found else None
    after = _RADIUS_AFTER.match(canvas.free, end)
    if after and re.search(r"within|radius|around|buffer|±|\+|surrounding|\(", after[0]):
        return start, after.end(), _km(after)
    return start, end, None


def _km(match: re.Match[str]) -> float:
    unit = match[2]
    scale = next(scale for beginning, scale in _KM.items() if unit.startswith(beginning))
    return float(match[1].replace(",", ".")) * scale


def _strike(canvas: Canvas, start: int, end: int) -> None:
    side = canvas.back(start, _SIDE)
    start = canvas.back(canvas.back(side, _LEAD), _NEGATED)
    tail = _TAIL.match(canvas.free, end)
    canvas.strike(start, tail.end() if tail else end)


def read_unknown(canvas: Canvas) -> tuple[str | None, tuple[str, ...]]:
    """Read and strike out names of places that nothing knows: capitals after words such as "in" or "near".

    Call it last, when everything else that is written with a capital has been struck out.
    """
    called = _CALLED.search(canvas.free)
    if called and not is_thing(called[1]):
        name = canvas.text[called.start(1) : called.end(1)]
        canvas.strike(canvas.back(called.start(1), _LEAD), called.end(1))
        return name, (_unknown_note(name),)
    names = []
    for start, end in _proper_names(canvas):
        names.append(canvas.text[start:end])
        canvas.strike(canvas.back(start, _LEAD), end)
    if not names:
        return None, ()
    name = " and ".join(list(dict.fromkeys(names))[:MAX_PLACES])[:MAX_NAME]
    return name, (_unknown_note(name),)


def _unknown_note(name: str) -> str:
    return f"Nothing here knows where {name!r} is; give coordinates, or add the place with swath knowledge add."


def _proper_names(canvas: Canvas) -> list[tuple[int, int]]:
    shown = "".join(char if canvas.free[at] != "|" else "|" for at, char in enumerate(canvas.text))
    words = re.findall(r"[^\W\d_]{2,}", shown)
    if sum(word[0].isupper() for word in words) > max(3, len(words) * 0.6):
        return []  # Everything is written with capitals, which then say nothing.
    spans = []
    for match in _PROPER.finditer(shown):
        told = bool(_PLACE_WORDS.search(canvas.before(match.start())))
        first = not shown[: match.start()].strip("|¿\"'( ") or shown[: match.start()].rstrip(" |\"'(")[-1:] in ".!?:"
        if (told or not first) and not _ordinary(match[0], told=told):
            spans.append(match.span())
    return spans


_MEASURED = frozenset(
    ("area", "areas", "size", "extent", "length", "width", "level", "number", "share", "change", "changes")
) | {"image", "images", "picture", "pictures", "map", "maps", "of", "the", "and"}
"""Words that make no name of a thing: "the Area of the Lake"."""


def _ordinary(name: str, *, told: bool) -> bool:
    """Whether a name is no place: an acronym, or a thing that has a name in the vocabulary."""
    acronym = name.isupper() and len(name) <= 5 and not told
    measured = " ".join(word for word in name.split() if word.lower() not in _MEASURED)
    return acronym or name in {"I", "I'd", "I'm"} or is_thing(name) or is_thing(measured)
