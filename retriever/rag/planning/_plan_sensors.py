"""Which sensors and collections a question asks for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core import Sensor, SwathError, builtin_sensors
from indexer import sensor_of
from retriever.rag.planning._plan_text import Canvas
from retriever.rag.planning._plan_world import World

_PICTURES = (
    r"(?: (?:satellite|remote sensing|radar|sar|level-?[12][abc]?|grd|rtc))?"
    r"(?: (?:images?|imagery|pictures?|photos?|photographs?|photography|scenes?|tiles?|data"
    r"|acquisitions?|passes|overpass(?:es)?|satellites?|sensors?"
    r"|instruments?|observations?|shots?|chips?|mosaics?|composites?|bands?|views?)\b)*"
)
_LEAD = re.compile(
    r"(?:(?:^|(?<=[ |(,]))(?:in|on|from|by|with|using|use|via|only|just|through|the|a|an|any|all"
    r"|some|taken|acquired|captured|seen|visible|based|according|of|to"
    r"|your|our|its|either|both|whether|not|no|without|except|excluding|but|other|than|drawn"
    r"|shown|rendered|as|images?|pictures?|imagery|tiles?|scenes?|data|restricted|limited) "
    r"){1,7}$"
)
_NEGATED = re.compile(
    r"\b(?:not|no|without|except|excluding|other than|ignor(?:e|ing)|leave out|apart from|never)"
    r"(?: (?:for|in|from|on|by|with|using|the|any|use|images?|of)){0,3} $"
)
_FEATURES = (
    r"(?! (?:station|dome|antenna|tower|site|dish|base|mast|fib|cable|telescope|survey marker|tram|ropeway|lift))"
)

Picks = Callable[[str, Sensor | None], bool]


def _title(part: str) -> Picks:
    return lambda name, sensor: sensor is not None and part in sensor.title.lower()


def _name(*parts: str) -> Picks:
    return lambda name, _: any(part in name for part in parts)


def _kind(kind: str) -> Picks:
    return lambda _, sensor: sensor is not None and sensor.kind == kind


def _both(one: Picks, other: Picks) -> Picks:
    return lambda name, sensor: one(name, sensor) and other(name, sensor)


def _never(_: str, __: Sensor | None) -> bool:
    return False


_S1, _S2 = _name("sentinel-1", "-s1", "s1-", "sentinel1"), _name("sentinel-2", "-s2", "s2-", "sentinel2")
_FAMILIES: tuple[tuple[str, str, Picks], ...] = (
    ("Sentinel-1 GRD", r"(?:sentinel[ -]?1[ab]?|s-?1)[ -]grd", _both(_S1, _name("grd"))),
    ("Sentinel-1 RTC", r"(?:sentinel[ -]?1[ab]?|s-?1)[ -]rtc", _both(_S1, _name("rtc"))),
    ("Sentinel-2 Level-1C", r"(?:sentinel[ -]?2[abc]?|s-?2)[ -](?:level[ -]?1c|l1c)", _both(_S2, _name("l1c"))),
    ("Sentinel-2 Level-2A", r"(?:sentinel[ -]?2[abc]?|s-?2)[ -](?:level[ -]?2a|l2a)", _both(_S2, _name("l2a"))),
    ("Sentinel-1", r"sentinel[ -]?1[abc]?|sentinel[ -]one|s-?1[abc]?(?![0-9.])", _S1),
    ("Sentinel-2", r"sentinel[ -]?2[abc]?|sentinel[ -]two|s-?2[abc]?(?![0-9.])", _S2),
    ("Sentinel-3", r"sentinel[ -]?[356]p?", _never),
    ("Sentinel", r"sentinels?(?! [a-z]{0,3}[3-9])", _name("sentinel")),
    ("Landsat 8-9", r"landsat[ -]?(?:[89]|8[-/]9|8 (?:and|or) 9|oli)|oli", _title("landsat 8")),
    ("Landsat 4-7", r"landsat[ -]?(?:[457]|4[-/][57]|5 (?:and|or) 7|tm|etm\+?)|thematic mapper", _title("landsat 4")),
    ("Landsat 1-3", r"landsat[ -]?[123](?![0-9])|landsat[ -]mss", _never),
    ("Landsat", r"landsats?", _name("landsat")),
    ("aerial",
        r"naip|aerial|orthophoto(?:graph)?s?|ortho-?imagery|airborne|air photos?|airplane"
        r"|aircraft(?= (?:images|photos|pictures))",
     lambda name, sensor: "naip" in name or _title("aerial")(name, sensor)),
    ("hyperspectral",
        r"enmap|hyper-?spectral",
        lambda name, sensor: "enmap" in name or _title("hyperspectral")(name, sensor)),
    ("panchromatic", r"panchromatic", _name("panchromatic")),
    ("radar", r"radar|sar|synthetic[- ]aperture(?: radar)?|microwave|c-band", _kind("sar")),
    ("optical", r"optical|multi-?spectral", _kind("optical")),
    ("MODIS", r"modis", _name("modis")), ("Planet", r"planetscope|skysat|rapideye", _name("planet")),
    ("WorldView", r"worldview(?:[ -][1-4])?|quickbird|ikonos|pl[eé]iades", _name("worldview")),
    ("VIIRS", r"viirs", _name("viirs")), ("lidar", r"lidar", _name("lidar")),
    ("drone", r"(?:drones?|uavs?)(?= (?:images?|imagery|photos?|pictures?|data))", _name("drone", "uav")),
    ("other radar satellites",
        r"radarsat(?:-[12])?|terrasar-?x|palsar|envisat|iceye|capella",
        _name("radarsat", "terrasar")),
)  # fmt: skip
"""What people call sensors, and which of the index that is; the first that fits is taken."""

_LOOSE = frozenset(("aerial",))
"""What people also call pictures that were not taken by it."""

_FAMILY = re.compile(
    "|".join(rf"(?P<f{at}>(?<![\w-])(?:{words})(?![\w]){_FEATURES})" for at, (_, words, _) in enumerate(_FAMILIES))
)


@dataclass(frozen=True, kw_only=True)
class SensorsRead:
    """What a question says about which tiles, beside where and when."""

    sensors: tuple[str, ...] = ()
    """See ``QueryPlan``."""
    missing: tuple[str, ...] = ()
    """See ``QueryPlan.missing_sensors``."""
    collections: tuple[str, ...] = ()
    """See ``QueryPlan``."""
    notes: tuple[str, ...] = ()
    """See ``QueryPlan``."""
    families: tuple[str, ...] = ()
    """What was named, each once."""


def read_sensors(canvas: Canvas, world: World) -> SensorsRead:
    """Read and strike out sensors and collections."""
    collections = tuple(_collections(canvas, world))
    picked: list[str] = []
    refused: list[str] = []
    missing: list[str] = []
    families: list[str] = []
    for family, names, negated in _named(canvas, world):
        (refused if negated else picked).extend(names)
        families.append(family)
        if not names and not negated:
            missing.append(family)
    lacking = () if picked else tuple(dict.fromkeys(family for family in missing if family not in _LOOSE))
    wanted = [name for name in world.sensors if name in picked] if picked else list(world.sensors)
    kept = [name for name in wanted if name not in refused]
    notes = [_missing_note(family, world) for family in dict.fromkeys(missing) if family not in lacking]
    if (picked or refused) and not kept:
        notes.append("The sensors that were named leave none of the index: all are searched.")
    chosen = tuple(kept) if picked or refused else ()
    return SensorsRead(
        sensors=chosen,
        missing=lacking,
        collections=collections,
        notes=tuple(notes),
        families=tuple(dict.fromkeys(families)),
    )


def _missing_note(family: str, world: World) -> str:
    there = ", ".join(world.sensors) or "no sensor"
    return f"The index has no {family} tiles, so the sensor was not used; it has {there}."


def _named(canvas: Canvas, world: World) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    known = {name: known_sensor(name) for name in world.sensors}
    exact = [name for name in sorted(known, key=len, reverse=True) if re.search(r"[0-9-]", name) or len(name) > 4]
    for name in exact:
        for match in re.finditer(rf"(?<![\w-]){re.escape(name.lower())}(?![\w-])", canvas.free):
            yield name, (name,), strike_sensor(canvas, match.start(), match.end())
    for match in list(_FAMILY.finditer(canvas.free)):
        if canvas.is_free(match.start(), match.end()):
            family, _, picks = _FAMILIES[int((match.lastgroup or "f0")[1:])]
            names = tuple(name for name, sensor in known.items() if picks(name.lower(), sensor))
            yield family, names, strike_sensor(canvas, match.start(), match.end())


def known_sensor(name: str) -> Sensor | None:
    """Return a built-in sensor or one of the operator's files; None where neither has the name."""
    if name in builtin_sensors():
        return builtin_sensors()[name]
    try:
        return sensor_of(name)
    except SwathError:
        return None


def strike_sensor(canvas: Canvas, start: int, end: int) -> bool:
    """Strike out a sensor, or how it is drawn, with the words round it; return whether it is negated."""
    negated = bool(_NEGATED.search(canvas.before(start)))
    tail = re.compile(_PICTURES).match(canvas.free, end)
    canvas.strike(canvas.back(start, _LEAD), tail.end() if tail else end)
    return negated


def _collections(canvas: Canvas, world: World) -> Iterator[str]:
    """A collection counts where the word stands beside it, or where its name can be nothing else."""
    taken = {name.lower() for name in world.sensors}
    for name in sorted(world.collections, key=len, reverse=True):
        plain = re.escape(name.lower())
        told = (
            rf"(?:collection|dataset|data set|archive) \"?{plain}(?![\w-])"
            rf"|(?<![\w-]){plain}\"? (?:collection|dataset|data set|archive)\b"
        )
        unique = bool(re.search(r"[0-9_-]", name)) and name.lower() not in taken
        pattern = rf"{told}|(?<![\w-]){plain}(?![\w-])" if unique else told
        match = re.search(pattern, canvas.free)
        if match:
            yield name
            strike_sensor(canvas, match.start(), match.end())
