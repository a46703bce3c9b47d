"""What the synthetic world is covered with, in which class each surface counts, and what it is made of by season."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

Season = Literal["spring", "summer", "autumn", "winter"]
SEASONS: tuple[Season, ...] = ("spring", "summer", "autumn", "winter")

Climate = Literal["temperate", "boreal", "arid", "tropical"]
CLIMATES: tuple[Climate, ...] = ("temperate", "boreal", "arid", "tropical")

Mixture = dict[str, float]
"""Material name to share of the area."""


class Surface(IntEnum):
    """Codes of the cover map."""

    SEA = 1
    SHALLOW = 2
    LAKE = 3
    RIVER = 4
    FLOOD = 5
    FLOODED_PLANTS = 6
    BROADLEAF = 7
    CONIFER = 8
    MANGROVE = 9
    GRASS = 10
    SCRUB = 11
    MARSH = 12
    PEAT = 13
    TUNDRA = 14
    CROP_A = 15
    CROP_B = 16
    CROP_C = 17
    CROP_D = 18
    PLOUGHED = 19
    PADDY = 20
    ORCHARD = 21
    PLASTIC = 22
    SAND = 23
    DESERT = 24
    SALT = 25
    ROCK = 26
    LAVA = 27
    SOIL = 28
    MUD = 29
    GRAVEL = 30
    QUARRY = 31
    SNOW = 32
    ICE = 33
    BURNT = 34
    CLEARCUT = 35
    ROOF = 36
    ROOF_DARK = 37
    HALL = 38
    ASPHALT = 39
    CONCRETE = 40
    GARDEN = 41
    SOLAR = 42
    SHIP = 43
    POND = 44
    SEA_ICE = 45
    TRACK = 46
    BRIDGE = 47


GROUPS: dict[str, tuple[Surface, ...]] = {
    "water": (Surface.SEA, Surface.SHALLOW, Surface.LAKE, Surface.RIVER, Surface.POND, Surface.SHIP),
    "flooded area": (Surface.FLOOD, Surface.FLOODED_PLANTS),
    "forest": (Surface.BROADLEAF, Surface.CONIFER, Surface.MANGROVE),
    "grassland": (Surface.GRASS, Surface.SCRUB, Surface.TUNDRA),
    "wetland": (Surface.MARSH, Surface.PEAT, Surface.MUD),
    "farmland": (
        Surface.CROP_A,
        Surface.CROP_B,
        Surface.CROP_C,
        Surface.CROP_D,
        Surface.PLOUGHED,
        Surface.PADDY,
        Surface.ORCHARD,
        Surface.PLASTIC,
    ),
    "bare ground": (
        Surface.SAND,
        Surface.DESERT,
        Surface.SALT,
        Surface.ROCK,
        Surface.LAVA,
        Surface.SOIL,
        Surface.GRAVEL,
        Surface.QUARRY,
        Surface.CLEARCUT,
    ),
    "snow": (Surface.SNOW, Surface.ICE, Surface.SEA_ICE),
    "burnt area": (Surface.BURNT,),
    "built-up area": (
        Surface.ROOF,
        Surface.ROOF_DARK,
        Surface.HALL,
        Surface.ASPHALT,
        Surface.CONCRETE,
        Surface.GARDEN,
        Surface.SOLAR,
        Surface.TRACK,
        Surface.BRIDGE,
    ),
}
"""Class word to the surfaces that count in it."""

OPEN_WATER = (*GROUPS["water"][:5], Surface.FLOOD)
"""Surfaces that wind roughens and that snow does not stay on."""

PLANTS = (
    *GROUPS["forest"],
    *GROUPS["grassland"],
    Surface.MARSH,
    Surface.CROP_A,
    Surface.CROP_B,
    Surface.CROP_C,
    Surface.CROP_D,
    Surface.PADDY,
    Surface.ORCHARD,
    Surface.GARDEN,
)
"""Surfaces whose vigour the scene's weather changes."""

_Seasons = tuple[Mixture, Mixture, Mixture, Mixture]

LOOKS: dict[Surface, tuple[Mixture, ...] | _Seasons] = {
    Surface.SEA: ({"ocean": 0.4, "sea": 0.35, "clear-water": 0.25},),
    Surface.SHALLOW: ({"turquoise": 0.7, "sea": 0.3},),
    Surface.LAKE: ({"lake": 0.55, "clear-water": 0.25, "algae": 0.1, "turbid": 0.1},),
    Surface.RIVER: ({"muddy": 0.2, "silty": 0.2, "lake": 0.45, "turbid": 0.15},),
    Surface.FLOOD: ({"muddy": 0.3, "silty": 0.15, "turbid": 0.15, "lake": 0.25, "marsh": 0.15},),
    Surface.FLOODED_PLANTS: ({"flooded-plants": 1},),
    Surface.BROADLEAF: (
        {"broadleaf": 0.5, "trees": 0.25, "grass": 0.15, "leafless": 0.1},
        {"broadleaf": 0.55, "trees": 0.35, "canopy-lush": 0.1},
        {"autumn-leaves": 0.6, "broadleaf": 0.4},
        {"leafless": 0.9, "grass": 0.1},
    ),
    Surface.CONIFER: ({"conifer-dark": 0.5, "conifer": 0.3, "trees": 0.2},),
    Surface.MANGROVE: ({"mangrove": 1},),
    Surface.GRASS: (
        {"grass": 0.5, "canopy-green": 0.5},
        {"grass": 0.4, "canopy-green": 0.4, "canopy-thin": 0.2},
        {"grass": 0.4, "canopy-thin": 0.3, "canopy-senescent": 0.3},
        {"canopy-dry": 0.55, "grass": 0.2, "dark-soil": 0.25},
    ),
    Surface.SCRUB: (
        {"grass": 0.4, "rangeland": 0.3, "broadleaf": 0.3},
        {"rangeland": 0.5, "broadleaf": 0.3, "garden": 0.2},
        {"rangeland": 0.6, "garden": 0.4},
        {"rangeland": 0.5, "leafless": 0.3, "canopy-dry": 0.2},
    ),
    Surface.MARSH: ({"marsh": 0.8, "flooded-plants": 0.2},),
    Surface.PEAT: ({"peat": 0.85, "marsh": 0.15},),
    Surface.TUNDRA: ({"tundra": 1},),
    Surface.CROP_A: (  # winter cereal
        {"crop-lush": 0.7, "canopy-lush": 0.3},
        {"canopy-senescent": 0.75, "crop-dry": 0.25},
        {"crop-stubble": 0.6, "crop-young": 0.4},
        {"crop-young": 0.8, "dark-soil": 0.2},
    ),
    Surface.CROP_B: (  # summer crop
        {"crop-stubble": 0.6, "dark-soil": 0.4},
        {"crop-lush": 0.5, "canopy-lush": 0.5},
        {"crop-dry": 0.5, "canopy-senescent": 0.5},
        {"crop-stubble": 0.8, "dark-soil": 0.2},
    ),
    Surface.CROP_C: (  # rapeseed
        {"flowering": 1},
        {"canopy-senescent": 0.5, "crop-stubble": 0.5},
        {"crop-young": 1},
        {"crop-young": 0.7, "crop-lush": 0.3},
    ),
    Surface.CROP_D: (  # ley and alfalfa
        {"crop-lush": 0.6, "grass": 0.4},
        {"crop-lush": 0.7, "canopy-pale": 0.3},
        {"grass": 0.8, "crop-young": 0.2},
        {"grass": 0.5, "canopy-pale": 0.5},
    ),
    Surface.PLOUGHED: ({"dark-soil": 0.4, "bare": 0.3, "crop-stubble": 0.3},),
    Surface.PADDY: (
        {"paddy-flooded": 0.9, "crop-young": 0.1},
        {"paddy-green": 1},
        {"canopy-senescent": 0.8, "paddy-green": 0.2},
        {"mud": 0.3, "crop-stubble": 0.7},
    ),
    Surface.ORCHARD: ({"broadleaf": 0.4, "garden": 0.35, "crop-stubble": 0.25},),
    Surface.PLASTIC: ({"plastic": 1},),
    Surface.SAND: ({"sand": 0.8, "white-sand": 0.2},),
    Surface.DESERT: ({"orange-sand": 0.5, "bare": 0.3, "sand": 0.2},),
    Surface.SALT: ({"salt": 0.9, "mud": 0.1},),
    Surface.ROCK: ({"rock": 0.8, "limestone": 0.1, "basalt": 0.1},),
    Surface.LAVA: ({"basalt": 0.95, "tundra": 0.05},),
    Surface.SOIL: ({"bare": 0.45, "red-soil": 0.4, "dark-soil": 0.15},),
    Surface.MUD: ({"mud": 1},),
    Surface.GRAVEL: ({"rock": 0.6, "sand": 0.4},),
    Surface.QUARRY: ({"limestone": 0.55, "red-soil": 0.2, "rock": 0.25},),
    Surface.SNOW: ({"snow": 0.45, "fresh-snow": 0.35, "firn": 0.2},),
    Surface.ICE: ({"glacier-ice": 0.7, "firn": 0.3},),
    Surface.BURNT: ({"burnt": 0.65, "burnt-old": 0.35},),
    Surface.CLEARCUT: ({"bare": 0.35, "canopy-dry": 0.35, "crop-stubble": 0.3},),
    Surface.ROOF: ({"roof-red": 0.6, "roof-grey": 0.4},),
    Surface.ROOF_DARK: ({"roof-grey": 0.8, "asphalt": 0.2},),
    Surface.HALL: ({"metal": 0.6, "roof-grey": 0.25, "roof-bright": 0.15},),
    Surface.ASPHALT: ({"asphalt": 0.6, "paved": 0.3, "built": 0.1},),
    Surface.CONCRETE: ({"concrete": 0.8, "asphalt": 0.2},),
    Surface.GARDEN: (
        {"garden": 0.9, "built": 0.1},
        {"garden": 0.9, "built": 0.1},
        {"garden": 0.6, "built": 0.2, "autumn-leaves": 0.2},
        {"garden": 0.4, "leafless": 0.4, "built": 0.2},
    ),
    Surface.SOLAR: ({"solar": 0.85, "grass": 0.15},),
    Surface.SHIP: ({"ship": 1},),
    Surface.POND: ({"lake": 0.5, "algae": 0.2, "turbid": 0.3},),
    Surface.SEA_ICE: ({"sea-ice": 0.9, "ocean": 0.1},),
    Surface.TRACK: ({"track": 0.4, "rock": 0.6},),
    Surface.BRIDGE: ({"concrete": 0.6, "roof-grey": 0.4},),
}
"""What each surface is made of: one mixture, or one a season."""

_DRY = {"canopy-dry": 0.3, "rangeland": 0.4, "crop-dry": 0.3}
_IRRIGATED = (Surface.CROP_B, Surface.CROP_D, Surface.PADDY, Surface.ORCHARD)
_STRESSED = {"canopy-pale": 0.4, "canopy-senescent": 0.35, "canopy-dry": 0.25}
_LUSH = {"canopy-lush": 0.7, "crop-lush": 0.3}


def mixture(surface: Surface, season: Season) -> Mixture:
    """Return what a surface is made of in a season."""
    looks = LOOKS[surface]
    return looks[SEASONS.index(season) % len(looks)]


def weathered(surface: Surface, season: Season, climate: Climate, vigour: float) -> Mixture:
    """Return the mixture after the scene's weather.

    Args:
        surface: The surface.
        season: The season.
        climate: In the tropics it stays summer; in arid land what is not irrigated is half dry.
        vigour: 0 withered, 0.5 usual, 1 lush.
    """
    if climate == "tropical" and surface is not Surface.PADDY:
        season = "summer"
    base = mixture(surface, season)
    if surface not in PLANTS:
        return base
    if climate == "arid" and surface not in _IRRIGATED:
        base = blend(base, _DRY, 0.15 if surface in GROUPS["forest"] else 0.5)
    if vigour >= 0.5:
        return base if surface in GROUPS["forest"] else blend(base, _LUSH, 0.6 * (vigour - 0.5))
    harm = (0.5 - vigour) * (0.5 if surface in GROUPS["forest"] else 1.6)
    return blend(base, _STRESSED, harm)


def blend(first: Mixture, second: Mixture, share: float) -> Mixture:
    """Return ``first`` with ``share`` of its area replaced by ``second``."""
    mixed = {name: part * (1 - share) for name, part in first.items()}
    for name, part in second.items():
        mixed[name] = mixed.get(name, 0.0) + part * share
    return mixed
