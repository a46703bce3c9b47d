"""English sentences about a sample, every one true of what was painted."""

from __future__ import annotations

import numpy as np

from demo.worlds._canvas import Canvas, Thing
from demo.worlds._truth import Truth
from demo.worlds._vocabulary import BARREN, CLASSES, GROUPS, OPENINGS, SETTINGS, VIGOUR

_LINES = frozenset({"river", "road", "motorway", "railway"})


def sentences(canvas: Canvas, truth: Truth, things: tuple[Thing, ...]) -> tuple[str, ...]:
    """Return three to five different sentences."""
    rng = canvas.rng
    place = _place(canvas, truth)
    events = [thing for thing in things if thing.name in ("burnt area", "flooded area", "snow")]
    parts = [thing for thing in things if thing not in events and thing.name not in canvas.setting]
    main = _main(rng, place, parts)
    told = _happened(rng, place, parts, events, truth) or main
    season = f"{told} in {canvas.season}" if canvas.climate != "tropical" else main
    lines = [_opened(rng, told), _composition(rng, truth), _listed(truth, place, parts), _opened(rng, season)]
    remark = _remark(rng, truth)
    if remark:
        lines.append(_opened(rng, remark))
    return tuple(dict.fromkeys(line for line in lines if line))


def _place(canvas: Canvas, truth: Truth) -> str:
    """Return a phrase for the setting if some of it is left, else for the largest class of land."""
    setting = canvas.setting
    left = sum(truth.shares[word] for part, words in GROUPS.items() if part in setting for word in words)
    if "mountains" in setting or left >= 0.1:
        return str(canvas.rng.choice(SETTINGS[setting]))
    land = max(_LAND, key=lambda word: truth.shares[word])
    return _word(canvas.rng, land if truth.shares[land] >= 0.1 else truth.dominant)


_LAND = ("forest", "grassland", "wetland", "farmland", "bare ground", "built-up area")


def _word(rng: np.random.Generator, name: str) -> str:
    return str(rng.choice(CLASSES[name]))


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
        return (
            f"{thing.phrase}"
            if "water" in place or "sea" in place or "ocean" in place
            else f"{thing.phrase} by {place}"
        )
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
    match events[-1].name:
        case "burnt area":
            return _burnt(rng, place, truth.burnt) + extra
        case "flooded area":
            return _flooded(rng, place, truth.flooded) + extra
        case _ if "snow" in place:
            return place + extra
        case _:
            return _snowy(rng, place, truth.snow) + extra


def _burnt(rng: np.random.Generator, place: str, share: float) -> str:
    if place in CLASSES["burnt area"]:
        return str(rng.choice(["a large burnt area after a wildfire", "burnt land with little left unburnt"]))
    if share > 0.6:
        return _filled("{} almost entirely burnt by a wildfire", place)
    if share > 0.25:
        return _filled(str(rng.choice(["burnt {} with an unburnt edge", "{} partly burnt by a wildfire"])), place)
    return _filled(str(rng.choice(["a burn scar in {}", "{} with a burnt area"])), place)


def _flooded(rng: np.random.Generator, place: str, share: float) -> str:
    if place in CLASSES["flooded area"]:
        return str(rng.choice(["a wide flood covering the land", "flooded land", "land under flood water"]))
    if share > 0.3:
        return _filled(str(rng.choice(["flooded {}", "{} inundated by a flood", "flood water covering {}"])), place)
    return _filled(str(rng.choice(["{} with flood water", "partly flooded {}"])), place)


def _snowy(rng: np.random.Generator, place: str, share: float) -> str:
    few, many = ("{} with patches of snow", "snow on {}"), ("snow-covered {}", "{} under snow")
    return _filled(str(rng.choice(many if share > 0.4 else few)), place)


def _filled(template: str, place: str) -> str:
    """Return the template about a place, with the article where it belongs: ``a flooded city``."""
    bare = place.removeprefix("a ").removeprefix("an ").removeprefix("the ")
    if bare == place or template.startswith(("a ", "flood water", "snow on")):
        return template.format(place)
    words = template.format(bare)
    return f"{_a(words)} {words}"


def _composition(rng: np.random.Generator, truth: Truth) -> str:
    """Return a sentence about shares."""
    words = [name for name in truth.labels if truth.shares[name] >= 0.1] or [truth.dominant]
    first, *rest = (_word(rng, name) for name in words[:3])
    share = truth.shares[words[0]]
    if share > 0.9:
        return str(rng.choice([f"nothing but {first}", f"{first} everywhere", f"the whole scene covered by {first}"]))
    tail = " and ".join(rest)
    if share > 0.55:
        return f"mostly {first} with some {tail}" if rest else f"mostly {first}"
    return f"{first} and {tail}" if rest else f"{first} among other land"


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
        words = next(words for level, words in VIGOUR if truth.vigour >= level)
        if truth.plants > 0.3:
            options += [str(rng.choice(words))] * 2
        elif truth.plants < 0.05:
            options.append(str(rng.choice(BARREN)))
    return str(rng.choice(options)) if options else None


def _portion(share: float) -> str:
    for level, word in ((0.85, "nearly all"), (0.6, "most"), (0.4, "about half"), (0.22, "a third"), (0.0, "part")):
        if share >= level:
            return word
    raise AssertionError(share)


def _opened(rng: np.random.Generator, line: str) -> str:
    return str(rng.choice(OPENINGS)) + line
