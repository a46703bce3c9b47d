"""English sentences about a sample, every one true of what was painted."""

from __future__ import annotations

import numpy as np

from demo.worlds._canvas import Canvas, Thing
from demo.worlds._truth import Truth

_ARTICLE = frozenset(
    {
        "stony desert",
        "sandy desert with dunes",
        "salt flat",
        "lava field",
        "snowfield",
        "marsh",
        "mangrove forest",
        "peat bog",
        "densely built town",
        "residential suburb",
        "industrial area",
        "savanna",
        "built-up area",
    }
)
"""Settings that take ``a`` or ``an``."""

_GROUP = {
    "forest": ("forest",),
    "farmland": ("farmland",),
    "paddies": ("farmland",),
    "grassland": ("grassland",),
    "tundra": ("grassland", "wetland"),
    "savanna": ("grassland",),
    "shrubland": ("grassland",),
    "desert": ("bare ground",),
    "salt flat": ("bare ground",),
    "lava": ("bare ground",),
    "sand": ("bare ground",),
    "sea": ("water", "snow"),
    "marsh": ("wetland",),
    "bog": ("wetland",),
    "mudflats": ("wetland",),
    "snow": ("snow",),
    "town": ("built-up area",),
    "suburb": ("built-up area",),
    "industrial": ("built-up area",),
    "dry land": ("farmland",),
}
"""Part of a setting's name to the classes of which some must be left for it to be named."""

_LINES = frozenset({"river", "road", "motorway", "railway"})
_OPENINGS = ("", "", "", "a satellite image of ", "a satellite image showing ", "an aerial view of ", "view of ")
_BARE = ("hardly any vegetation", "barren ground without plants")
_VIGOUR = (
    (0.68, ("lush, vigorous vegetation", "dense, healthy green plants")),
    (0.5, ("green vegetation", "healthy vegetation")),
    (0.33, ("thin or drying vegetation", "moderate vegetation cover")),
    (-1.0, ("sparse, dry vegetation", "withered, stressed vegetation")),
)
"""Mean NDVI of the plants from which the words hold."""


def sentences(canvas: Canvas, truth: Truth, things: tuple[Thing, ...]) -> tuple[str, ...]:
    """Return three to five different sentences."""
    rng = canvas.rng
    place = _place(canvas, truth)
    events = [thing for thing in things if thing.name in ("burnt area", "flooded area", "snow")]
    parts = [thing for thing in things if thing not in events and thing.name not in place]
    main = _main(rng, place, parts)
    told = _happened(rng, place, parts, events, truth) or main
    season = f"{told} in {canvas.season}" if canvas.climate != "tropical" else main
    lines = [_opened(rng, told), _composition(rng, truth), _listed(truth, place, parts), _opened(rng, season)]
    remark = _remark(rng, truth)
    if remark:
        lines.append(_opened(rng, remark))
    return tuple(dict.fromkeys(line for line in lines if line))


def _place(canvas: Canvas, truth: Truth) -> str:
    """Return the setting if some of it is left, else the dominant class."""
    setting = canvas.setting
    if setting in ("mountains", "snow-covered mountains"):
        return setting
    for part, words in _GROUP.items():
        if part in setting and sum(truth.shares[word] for word in words) >= 0.1:
            return f"{_a(setting)} {setting}" if setting in _ARTICLE else setting
    land = max(_LAND, key=lambda word: truth.shares[word])
    word = land if truth.shares[land] >= 0.1 else truth.dominant
    return _BARE_WORDS.get(word, word)


_LAND = ("forest", "grassland", "wetland", "farmland", "bare ground", "built-up area")
_BARE_WORDS = {"built-up area": "a built-up area", "flooded area": "flooded land", "burnt area": "burnt land"}


def _a(words: str) -> str:
    return "an" if words[0] in "aeiou" else "a"


def _main(rng: np.random.Generator, place: str, parts: list[Thing]) -> str:
    if not parts:
        return place
    chosen = [parts[index] for index in rng.permutation(len(parts))[:2]]
    first = _related(rng, chosen[0], place)
    if len(chosen) == 1 or rng.random() < 0.3:
        return first
    return f"{first}, with {chosen[1].phrase}" if rng.random() < 0.5 else f"{place} with {_and(chosen)}"


def _related(rng: np.random.Generator, thing: Thing, place: str) -> str:
    if thing.name in _LINES:
        return f"{thing.phrase} {rng.choice(['through', 'crossing', 'running through', 'in'])} {place}"
    if thing.name in ("sea", "beach", "harbour"):
        return str(rng.choice([f"{place} by the sea", f"the coast, with {place}", f"{thing.phrase} beside {place}"]))
    if thing.name in ("lake", "town", "industrial area", "island"):
        return f"{thing.phrase} {rng.choice(['surrounded by', 'amid', 'beside', 'in'])} {place}"
    if thing.name == "ships":
        return f"{thing.phrase}" if "sea" in place else f"{thing.phrase} by {place}"
    return f"{thing.phrase} {rng.choice(['in', 'amid', 'near'])} {place}"


def _and(things: list[Thing]) -> str:
    return " and ".join(thing.phrase for thing in things)


def _happened(
    rng: np.random.Generator, place: str, parts: list[Thing], events: list[Thing], truth: Truth
) -> str | None:
    """Return a sentence about fire, flood or snow, if there was any."""
    if not events:
        return None
    extra = f", with {parts[int(rng.integers(len(parts)))].phrase}" if parts and rng.random() < 0.6 else ""
    bare = place.removeprefix("a ").removeprefix("an ")
    match events[-1].name:
        case "burnt area":
            return _burnt(rng, bare, truth.burnt) + extra
        case "flooded area":
            return _flooded(rng, bare, truth.flooded) + extra
        case _ if "snow" in bare:
            return place + extra
        case _:
            return _snowy(rng, bare, truth.snow) + extra


def _burnt(rng: np.random.Generator, bare: str, share: float) -> str:
    if bare == "burnt land":
        return str(rng.choice(["a large burnt area after a wildfire", "burnt land with little left unburnt"]))
    if share > 0.6:
        return _filled("{} almost entirely burnt by a wildfire", bare)
    if share > 0.25:
        return _filled(str(rng.choice(["burnt {} with an unburnt edge", "{} partly burnt by a wildfire"])), bare)
    return _filled(str(rng.choice(["a burn scar in {}", "{} with a burnt area"])), bare)


def _flooded(rng: np.random.Generator, bare: str, share: float) -> str:
    if bare == "flooded land":
        return str(rng.choice(["a wide flood covering the land", "flooded land", "land under flood water"]))
    if share > 0.3:
        return _filled(str(rng.choice(["flooded {}", "{} inundated by a flood", "flood water covering {}"])), bare)
    return _filled(str(rng.choice(["{} with flood water", "partly flooded {}"])), bare)


def _snowy(rng: np.random.Generator, bare: str, share: float) -> str:
    few, many = ("{} with patches of snow", "snow on {}"), ("snow-covered {}", "{} under snow")
    return _filled(str(rng.choice(many if share > 0.4 else few)), bare)


def _filled(template: str, bare: str) -> str:
    """Return the template about a place, with the article where it belongs."""
    if bare not in _ARTICLE:
        return template.format(bare)
    if template.startswith(("a ", "flood water", "snow on")):
        return template.format(f"{_a(bare)} {bare}")
    words = template.format(bare)
    return f"{_a(words)} {words}"


def _composition(rng: np.random.Generator, truth: Truth) -> str:
    """Return a sentence about shares."""
    words = [word for word in truth.labels if truth.shares[word] >= 0.1]
    if not words:
        return f"mostly {truth.dominant}"
    first, rest = words[0], words[1:]
    share = truth.shares[first]
    if share > 0.9:
        return str(rng.choice([f"nothing but {first}", f"{first} everywhere", f"{first} covers the whole scene"]))
    tail = f" with some {' and '.join(rest[:2])}" if rest else ""
    if share > 0.55:
        return f"mostly {first}{tail}"
    return f"{first} and {' and '.join(rest[:2])}" if rest else f"{first} among other land"


def _listed(truth: Truth, place: str, parts: list[Thing]) -> str:
    words = [*(thing.name for thing in parts[:3]), *truth.labels[:3]]
    return ", ".join(dict.fromkeys([place.removeprefix("a ").removeprefix("an "), *words]))


def _remark(rng: np.random.Generator, truth: Truth) -> str | None:
    """Return a sentence about one of the query families: water, fire, snow, vigour."""
    options = []
    if truth.water > 0.9:
        options.append("nothing but water")
    elif truth.water > 0.15:
        options.append(f"water covering {_portion(truth.water)} of the area")
    if truth.burnt > 0.1:
        options += [f"burnt ground over {_portion(truth.burnt)} of the area", "charred, blackened ground after a fire"]
    if truth.snow > 0.15:
        options += [f"snow and ice over {_portion(truth.snow)} of the area"]
    if truth.water + truth.snow < 0.6 and truth.burnt < 0.3:
        words = next(words for level, words in _VIGOUR if truth.vigour >= level)
        if truth.plants > 0.3:
            options += [str(rng.choice(words))] * 2
        elif truth.plants < 0.05:
            options.append(str(rng.choice(_BARE)))
    return str(rng.choice(options)) if options else None


def _portion(share: float) -> str:
    for level, word in ((0.85, "nearly all"), (0.6, "most"), (0.4, "about half"), (0.22, "a third"), (0.0, "part")):
        if share >= level:
            return word
    raise AssertionError(share)


def _opened(rng: np.random.Generator, line: str) -> str:
    return str(rng.choice(_OPENINGS)) + line
