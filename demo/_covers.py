"""What the ground can be made of, and how each cover looks in spring, summer and autumn.

A look is a mixture of spectra of ``statistics.toml``, by area. The same mixture gives reflectance and backscatter.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STATISTICS = Path(__file__).with_name("statistics.toml")
"""Spectra and backscatter, each with its source."""

Look = dict[str, float]
"""Spectrum name to share of the area."""


class Cover(IntEnum):
    """Codes of the cover map."""

    SEA = 1
    LAKE = 2
    RIVER = 3
    FLOOD = 4
    BROADLEAF = 5
    CONIFER = 6
    GRASS = 7
    SCRUB = 8
    BARE = 9
    SAND = 10
    WHEAT = 11
    RAPESEED = 12
    MAIZE = 13
    LEY = 14
    BEET = 15
    FALLOW = 16
    ASPHALT = 17
    CONCRETE = 18
    ROOF_RED = 19
    ROOF_GREY = 20
    METAL = 21
    GARDEN = 22
    SOLAR = 23
    SHIP = 24
    TRACK = 25
    BURNT = 26
    SOIL = 27
    CARS = 28
    SURF = 29
    RECOVERING = 30
    TRAIL = 31
    SHALLOWS = 32
    APRON = 33
    PAINT = 34


WATER = (Cover.SEA, Cover.SHALLOWS, Cover.LAKE, Cover.RIVER, Cover.FLOOD, Cover.SURF)
FOREST = (Cover.BROADLEAF, Cover.CONIFER)
CROPS = (Cover.WHEAT, Cover.RAPESEED, Cover.MAIZE, Cover.LEY, Cover.BEET, Cover.FALLOW)
BUILT = (
    Cover.ASPHALT,
    Cover.CONCRETE,
    Cover.APRON,
    Cover.ROOF_RED,
    Cover.ROOF_GREY,
    Cover.METAL,
    Cover.CARS,
    Cover.TRACK,
    Cover.PAINT,
)

GROUPS: dict[str, tuple[Cover, ...]] = {
    "water": (Cover.SEA, Cover.SHALLOWS, Cover.LAKE, Cover.RIVER, Cover.SURF, Cover.SHIP),
    "flooded": (Cover.FLOOD,),
    "forest": FOREST,
    "grassland": (Cover.GRASS, Cover.SCRUB, Cover.RECOVERING),
    "crops": CROPS,
    "bare": (Cover.BARE, Cover.SAND, Cover.SOIL, Cover.TRAIL),
    "built-up": (*BUILT, Cover.GARDEN),
    "solar": (Cover.SOLAR,),
    "burnt": (Cover.BURNT,),
}
"""The coarse classes in which cover fractions are told."""

_DECIDUOUS: tuple[Look, Look, Look] = (
    {"broadleaf": 0.4, "grass": 0.6},
    {"broadleaf": 0.5, "grass": 0.3, "crop-lush": 0.2},
    {"broadleaf": 0.55, "grass": 0.15, "conifer": 0.15, "rangeland": 0.15},
)

LOOKS: dict[Cover, Look | tuple[Look, Look, Look]] = {
    Cover.SEA: {"ocean": 0.5, "sea": 0.5},
    Cover.LAKE: {"lake": 1},
    Cover.SHALLOWS: {"sea": 0.7, "turbid": 0.3},
    Cover.RIVER: {"muddy": 0.45, "turbid": 0.2, "lake": 0.35},
    Cover.FLOOD: {"muddy": 0.9, "turbid": 0.1},
    Cover.BROADLEAF: _DECIDUOUS,
    Cover.CONIFER: {"conifer": 0.4, "broadleaf": 0.6},
    Cover.GRASS: (
        {"grass": 0.9, "crop-stubble": 0.1},
        {"grass": 0.55, "rangeland": 0.45},
        {"grass": 0.8, "rangeland": 0.2},
    ),
    Cover.SCRUB: (
        {"grass": 0.35, "rangeland": 0.35, "broadleaf": 0.3},
        {"rangeland": 0.65, "broadleaf": 0.35},
        {"grass": 0.25, "rangeland": 0.45, "broadleaf": 0.3},
    ),
    Cover.BARE: {"bare": 0.85, "rangeland": 0.15},
    Cover.SAND: {"sand": 1},
    Cover.WHEAT: (
        {"crop-lush": 1},
        {"crop-dry": 0.65, "crop-stubble": 0.2, "grass": 0.15},
        {"crop-stubble": 0.8, "crop-young": 0.2},
    ),
    Cover.RAPESEED: (
        {"crop-lush": 0.8, "grass": 0.2},
        {"crop-dry": 0.4, "crop-stubble": 0.4, "grass": 0.2},
        {"crop-young": 1},
    ),
    Cover.MAIZE: ({"crop-stubble": 1}, {"crop-lush": 0.9, "broadleaf": 0.1}, {"crop-dry": 0.5, "crop-stubble": 0.5}),
    Cover.LEY: ({"crop-lush": 0.5, "grass": 0.5}, {"crop-lush": 0.7, "crop-dry": 0.3}, {"grass": 1}),
    Cover.BEET: ({"crop-young": 1}, {"crop-lush": 0.6, "broadleaf": 0.4}, {"crop-young": 0.7, "crop-lush": 0.3}),
    Cover.FALLOW: ({"crop-young": 0.5, "crop-stubble": 0.5}, {"rangeland": 0.5, "crop-dry": 0.5}, {"crop-young": 1}),
    Cover.ASPHALT: {"asphalt": 1},
    Cover.CONCRETE: {"concrete": 1},
    Cover.APRON: {"concrete": 0.45, "asphalt": 0.55},
    Cover.ROOF_RED: {"roof-red": 0.8, "built": 0.2},
    Cover.ROOF_GREY: {"roof-grey": 0.85, "built": 0.15},
    Cover.METAL: {"metal": 0.85, "roof-bright": 0.15},
    Cover.PAINT: {"metal": 0.8, "concrete": 0.2},
    Cover.GARDEN: {"garden": 0.7, "grass": 0.15, "built": 0.15},
    Cover.SOLAR: {"solar": 0.9, "grass": 0.1},
    Cover.SHIP: {"ship": 1},
    Cover.TRACK: {"track": 1},
    Cover.BURNT: {"burnt": 1},
    Cover.SOIL: {"bare": 0.6, "crop-stubble": 0.4},
    Cover.CARS: {"asphalt": 0.68, "metal": 0.14, "roof-grey": 0.18},
    Cover.SURF: {"sea": 0.55, "cloud": 0.45},
    Cover.RECOVERING: {"burnt": 0.72, "grass": 0.13, "rangeland": 0.15},
    Cover.TRAIL: {"rangeland": 0.5, "crop-stubble": 0.5},
}
"""One look all year, or spring, summer and autumn."""

RADAR_LOOKS = {Cover.PAINT: "concrete", Cover.CARS: "built", Cover.SURF: "turbid"}
"""Covers that radar sees otherwise: paint is flat, cars are small, foam of breakers is rough water."""

GRAIN: dict[Cover, tuple[float, float, float]] = {
    **dict.fromkeys((Cover.SEA, Cover.SHALLOWS, Cover.LAKE, Cover.RIVER, Cover.FLOOD), (0.0, 0.6, 0.15)),
    **dict.fromkeys((Cover.BROADLEAF, Cover.CONIFER, Cover.BURNT, Cover.RECOVERING), (0.0, 0.8, 0.9)),
    **dict.fromkeys((Cover.GRASS, Cover.SCRUB, Cover.BARE, Cover.TRAIL), (0.3, 0.9, 0.5)),
    **dict.fromkeys(CROPS, (0.85, 0.35, 0.25)),
    **dict.fromkeys((Cover.ROOF_RED, Cover.ROOF_GREY, Cover.METAL, Cover.SHIP), (1.0, 0.0, 0.6)),
    **dict.fromkeys((Cover.GARDEN, Cover.CARS), (0.0, 0.5, 1.4)),
    **dict.fromkeys((Cover.ASPHALT, Cover.CONCRETE, Cover.APRON), (0.5, 0.4, 0.35)),
}
"""Shares of a class's variation that change from object to object, smoothly, and from pixel to pixel."""

DEFAULT_GRAIN = (0.3, 0.6, 0.5)
"""For every other cover."""


SUBMERGED = 0.4
"""How much of the fields' variety still shows through flood water. Assumed."""


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Lookup tables of one season, indexed by cover code."""

    mean: NDArray[np.float32]
    """(codes, 12) surface reflectance."""
    variation: NDArray[np.float32]
    """(2, codes, 12) reflectance per standard deviation."""
    power: NDArray[np.float32]
    """(codes, 2) linear gamma0 of VV, VH."""
    texture_db: NDArray[np.float32]
    """(codes, 2) standard deviation in dB beyond speckle."""


@cache
def statistics() -> dict[str, Any]:
    """Return ``statistics.toml``."""
    with STATISTICS.open("rb") as file:
        return tomllib.load(file)


@cache
def palette(season: int) -> Palette:
    """Return the tables of a season: 0 spring, 1 summer, 2 autumn."""
    codes = max(Cover) + 1
    shares = np.zeros((codes, len(statistics())))
    names = list(statistics())
    for cover, look in LOOKS.items():
        for name, share in (look[season] if isinstance(look, tuple) else look).items():
            shares[cover, names.index(name)] = share
    flood = statistics()["flood"]
    power = shares @ _table("gamma0_db", 2, decibel=True)
    for cover, name in RADAR_LOOKS.items():
        power[cover] = _power(statistics()[name]["gamma0_db"])
    power[Cover.FLOOD] = power[Cover.WHEAT] * _power(np.subtract(flood["flooded_db"], flood["dry_db"]))
    variation = np.stack([shares @ _table("variation", 12, row=row) for row in (0, 1)])
    variation[:, Cover.FLOOD] *= SUBMERGED
    return Palette(
        mean=(shares @ _table("reflectance", 12)).astype(np.float32),
        variation=variation.astype(np.float32),
        power=power.astype(np.float32),
        texture_db=(shares @ _table("texture_db", 2)).astype(np.float32),
    )


def _power(decibel: Any) -> NDArray[np.float64]:
    return np.asarray(10.0 ** (np.asarray(decibel, dtype=np.float64) / 10))


def _table(key: str, width: int, *, row: int | None = None, decibel: bool = False) -> NDArray[np.float64]:
    """Return (spectra, width) of one key; zeros where an entry is no spectrum."""
    entries = [entry.get(key) for entry in statistics().values()]
    rows = [np.zeros(width) if entry is None else np.asarray(entry if row is None else entry[row]) for entry in entries]
    return np.stack([_power(values) if decibel else values for values in rows])


@cache
def grain() -> NDArray[np.float32]:
    """Return (codes, 3): shares of variation by object, patch and pixel."""
    table = np.full((max(Cover) + 1, 3), DEFAULT_GRAIN, dtype=np.float32)
    for cover, shares in GRAIN.items():
        table[cover] = shares
    return table
