"""Plans against what a reader would have made of the question, field by field: see ``planned_questions.toml``."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations, product
from pathlib import Path
from typing import Any

from shapely import from_wkt
from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry

from core import Interval, parse_interval
from retriever.rag import KnownPlace, PlannedPlace, QueryPlan, World

SHEET: dict[str, Any] = tomllib.loads(Path(__file__).with_name("planned_questions.toml").read_text(encoding="utf-8"))

_KM_PER_DEGREE = 111.2  # of latitude
_DEGREES = 0.02  # how far a side of an area may be off: two decimals are what people type
_CENTRE_DEGREES = 0.1  # how far off centre: nobody said how large the area is
_LARGEST_DEGREES = 3.0  # a point's surroundings, no region
_SIZE = 0.25  # share by which a radius may be off: a box around a circle, a polygon of a point's

_DROPPED = {"a", "an", "the", "any", "some"}
_BRITISH = {"harbour": "harbor", "colour": "color", "grey": "gray", "centre": "center"}


class SheetPlaces:
    """The places that the sheet's world knows, found as written, whatever the case."""

    def places_in(self, text: str) -> tuple[KnownPlace, ...]:
        """Return those that a text names, the longest name first."""
        found = [
            KnownPlace(name=name, geometry=shape, passage_id=f"gazetteer-{name}", start=match.start(), end=match.end())
            for name, shape in PLACES.items()
            if (match := re.search(rf"\b{name}\b", text, re.IGNORECASE))
        ]
        return tuple(sorted(found, key=lambda place: place.start - place.end))


PLACES: dict[str, BaseGeometry] = {place["name"]: from_wkt(place["wkt"]) for place in SHEET["known_place"]}


def sheet_world() -> World:
    """Return the archive that the questions are put to."""
    return World(
        sensors=tuple(SHEET["sensors"]),
        collections=tuple(SHEET["collections"]),
        first=parse_interval(SHEET["first"])[0],
        last=parse_interval(SHEET["last"])[1],
        today=date.fromisoformat(SHEET["today"]),
        places=SheetPlaces(),
    )


def problems(expected: dict[str, Any], plan: QueryPlan) -> list[str]:
    """Return what is wrong with a plan, a line per field; empty where it is right."""
    slack = timedelta(days=expected.get("slack", 0))
    checks = {
        "shape": plan.shape in expected["shape"],
        "sought": any(same_things(each, plan.sought) for each in _readings(expected, "sought", [])),
        "without": any(same_things(each, plan.without) for each in _readings(expected, "without", [])),
        "place": same_place(expected.get("place"), plan.place),
        "unknown_place": same_name(expected.get("unknown"), plan.unknown_place),
        "periods": any(same_periods(each, plan.periods, slack) for each in _readings(expected, "periods", [])),
        "sensors": any(set(each) == set(plan.sensors) for each in _readings(expected, "sensors", [])),
        "collections": set(expected.get("collections", ())) == set(plan.collections),
        "max_cloud": same_cloud(expected.get("cloud"), plan.max_cloud),
        "renderings": "rendering" not in expected or plan.renderings[:1] in [(each,) for each in expected["rendering"]],
    }
    return [f"{name}: {_shown(plan, name)}" for name, right in checks.items() if not right]


def _readings(expected: dict[str, Any], name: str, default: Any) -> list[Any]:
    return [expected.get(name, default), *expected.get(f"{name}_or", [])]


def _shown(plan: QueryPlan, name: str) -> str:
    value = getattr(plan, name)
    if name == "place" and value is not None:
        return f"{value.name} {[round(side, 2) for side in value.geometry.bounds]} ({value.source})"
    if name == "periods":
        return str([tuple(f"{end:%Y-%m-%d}" if end else ".." for end in period) for period in value])
    return repr(value)


# --- things


def same_things(wanted: Sequence[str], phrases: Sequence[str]) -> bool:
    """Say whether each phrase is one of the wordings of another thing, in any order."""
    return len(wanted) == len(phrases) and any(
        all(same_thing(want, phrase) for want, phrase in zip(wanted, order, strict=True))
        for order in permutations(phrases)
    )


def same_thing(wanted: str, phrase: str) -> bool:
    """Say whether a phrase is one of the wordings of a thing."""
    return plain(phrase) in {words for wording in wanted.split("|") for words in _spelled(wording)}


def _spelled(wording: str) -> Iterator[tuple[str, ...]]:
    """Yield every way to say a wording: "/" is or, and a word in brackets may be missing."""
    choices = []
    for word in wording.split():
        optional = word.startswith("(")
        choices.append([*word.strip("()").split("/"), *([""] if optional else [])])
    for words in product(*choices):
        yield plain(" ".join(words))


def plain(phrase: str) -> tuple[str, ...]:
    """Return the words of a phrase: lower case, singular, American, without articles."""
    words = re.findall(r"[^\W_]+", phrase.lower())
    return tuple(_BRITISH.get(single, single) for word in words if (single := _singular(word)) not in _DROPPED)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word


# --- where


def same_place(wanted: dict[str, Any] | None, place: PlannedPlace | None) -> bool:
    """Say whether a place is the one that was meant."""
    if wanted is None or place is None:
        return wanted is None and place is None
    if "name" in wanted:
        known = PLACES[wanted["name"]]
        named = place.source == "knowledge" and place.passage_id == f"gazetteer-{wanted['name']}"
        return named and place.geometry.intersects(known) and _reaches(place.geometry, known, wanted.get("radius_km"))
    if place.source != "coordinates":
        return False
    if "bbox" in wanted:
        return _apart(place.geometry, box(*wanted["bbox"])) <= _DEGREES
    point = Point(wanted["lon"], wanted["lat"])
    if place.geometry.centroid.distance(point) > _CENTRE_DEGREES or place.geometry.distance(point) > _DEGREES:
        return False
    return _reaches(place.geometry, point, wanted.get("radius_km"))


def _reaches(area: BaseGeometry, core: BaseGeometry, radius_km: float | None) -> bool:
    """Say whether an area reaches about as far north beyond what it is around as was asked for."""
    grown = area.bounds[3] - core.bounds[3]
    if radius_km is None:
        return bool(grown <= _LARGEST_DEGREES / 2)
    return bool(abs(grown * _KM_PER_DEGREE - radius_km) <= _SIZE * radius_km)


def _apart(one: BaseGeometry, other: BaseGeometry) -> float:
    return max(abs(mine - theirs) for mine, theirs in zip(one.bounds, other.bounds, strict=True))


def same_name(wanted: str | None, name: str | None) -> bool:
    """Say whether an unknown place is the one that was meant."""
    return name is None if wanted is None else name is not None and same_thing(wanted, name)


# --- when, and how cloudy


def same_periods(wanted: Sequence[str], periods: Sequence[Interval], slack: timedelta) -> bool:
    """Say whether periods start and end on the same days, in any order; an end past today is an open one."""
    if len(wanted) != len(periods):
        return False
    intervals = [parse_interval(each) for each in wanted]
    return any(
        all(_same_period(want, each, slack) for want, each in zip(intervals, order, strict=True))
        for order in permutations(periods)
    )


_OPEN_START = datetime.combine(date.fromisoformat(SHEET["first"]), time(), UTC)
_OPEN_END = datetime.combine(date.fromisoformat(SHEET["today"]), time(), UTC)
_NEWEST = datetime.combine(date.fromisoformat(SHEET["last"]), time(), UTC)


def _same_period(wanted: Interval, period: Interval, slack: timedelta) -> bool:
    # Where an end is open, the last day of the archive says the same as today or no end at all.
    ends_open = wanted[1] is None and (period[1] is None or period[1] >= _NEWEST)
    starts = _day(wanted[0], _OPEN_START), _day(period[0], _OPEN_START)
    ends = _day(wanted[1], _OPEN_END), _day(period[1], _OPEN_END)
    return abs(starts[0] - starts[1]) <= slack and (ends_open or abs(ends[0] - ends[1]) <= slack)


def _day(instant: datetime | None, otherwise: datetime) -> timedelta:
    chosen = otherwise if instant is None else instant
    return timedelta(days=(min(max(chosen, _OPEN_START), _OPEN_END) - _OPEN_START).days)


def same_cloud(wanted: Sequence[float] | None, cloud: float | None) -> bool:
    """Say whether the most cloud is within what is accepted."""
    return cloud is None if wanted is None else cloud is not None and wanted[0] <= cloud <= wanted[1]
