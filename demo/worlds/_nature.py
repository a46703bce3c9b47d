"""Painters of the natural ground: woods, water, mountains, deserts, wetlands."""

from __future__ import annotations

import numpy as np

from demo._noise import Image
from demo.worlds._canvas import Canvas, Mask
from demo.worlds._surfaces import Surface

WATERS = (Surface.SEA, Surface.SHALLOW, Surface.LAKE, Surface.RIVER, Surface.POND)


def patches(canvas: Canvas, surface: Surface, share: float, *, exponent: float = 2.0, coarsest: float = 0.5) -> Mask:
    """Cover a random share of the sheet in natural patches and return them."""
    field = canvas.noise(exponent, coarsest)
    area = np.asarray(field > np.quantile(field[::4, ::4], 1 - share))
    canvas.paint(area, surface)
    return area


def wooded(canvas: Canvas) -> Surface:
    """Return the tree of the climate."""
    odds = {"temperate": 0.35, "boreal": 0.85, "arid": 0.4, "tropical": 0.0}[canvas.climate]
    return Surface.CONIFER if canvas.rng.random() < odds else Surface.BROADLEAF


def forest(canvas: Canvas) -> None:
    """Closed forest, one kind or two in stands, perhaps with clearings."""
    rng = canvas.rng
    kind = wooded(canvas)
    canvas.cover[:] = kind
    noun = "coniferous forest" if kind == Surface.CONIFER else "broadleaf forest"
    if rng.random() < 0.4 and canvas.climate != "tropical":
        other = Surface.BROADLEAF if kind == Surface.CONIFER else Surface.CONIFER
        patches(canvas, other, float(rng.uniform(0.2, 0.5)), exponent=1.8)
        noun = "mixed forest"
    if canvas.climate == "tropical":
        noun = "tropical rainforest"
    if rng.random() < 0.4:
        patches(canvas, Surface.GRASS, float(rng.uniform(0.03, 0.15)), exponent=1.7, coarsest=0.25)
    canvas.setting = noun


def plain(canvas: Canvas) -> None:
    """Open land: meadow, steppe, savanna, tundra or shrubland."""
    rng = canvas.rng
    if canvas.climate == "boreal":
        canvas.cover[:] = Surface.TUNDRA
        canvas.setting = "tundra"
        patches(canvas, Surface.PEAT, float(rng.uniform(0, 0.3)))
    elif canvas.climate == "temperate":
        canvas.setting = "grassland"
        patches(canvas, Surface.SCRUB, float(rng.uniform(0, 0.4)))
    else:
        canvas.cover[:] = Surface.SCRUB
        canvas.setting = "savanna" if canvas.climate == "tropical" else "dry shrubland"
        patches(canvas, Surface.GRASS, float(rng.uniform(0.2, 0.6)))
        patches(canvas, Surface.SOIL, float(rng.uniform(0, 0.3)), exponent=1.7)
    if rng.random() < 0.5:
        patches(canvas, wooded(canvas), float(rng.uniform(0.02, 0.2)), exponent=1.4, coarsest=0.2)
    canvas.height += canvas.noise(2.0) * np.float32(rng.uniform(2, 15))


def desert(canvas: Canvas) -> None:
    """Dunes, stony desert, salt flat or lava field."""
    rng = canvas.rng
    kind = str(rng.choice(["sandy desert with dunes", "stony desert", "salt flat", "lava field", "white sand"]))
    ground = {
        "sandy desert with dunes": Surface.DESERT,
        "stony desert": Surface.ROCK,
        "salt flat": Surface.SALT,
        "lava field": Surface.LAVA,
        "white sand": Surface.SAND,
    }[kind]
    canvas.cover[:] = ground
    if "sand" in kind:
        _, across = canvas.turned(float(rng.uniform(0, np.pi)))
        wave = across + canvas.noise(1.8) * np.float32(canvas.extent * 0.05)
        canvas.height += np.float32(8) * np.sin(wave * np.float32(2 * np.pi / rng.uniform(80, 400)))
    elif rng.random() < 0.7:
        other = Surface.MUD if ground == Surface.SALT else Surface.SOIL
        patches(canvas, other, float(rng.uniform(0.05, 0.4)), exponent=1.9)
    canvas.height += canvas.noise(1.8) * np.float32(rng.uniform(2, 25))
    canvas.setting = kind


def mountains(canvas: Canvas) -> None:
    """Ridges and valleys: trees below, then grass and rock, snow on top where it is cold."""
    rng = canvas.rng
    canvas.height = ridges(canvas) * np.float32(canvas.extent * rng.uniform(0.08, 0.22))
    level = _rank(canvas.height) + 0.1 * canvas.noise(1.5, 0.3)
    tree, rock, snow = np.sort(rng.uniform(-0.2, 1.1, 3))
    canvas.cover[:] = Surface.DESERT if canvas.climate == "arid" else wooded(canvas)
    if canvas.climate == "arid":
        canvas.paint(level > tree, Surface.ROCK)
    else:
        canvas.paint(level > tree, Surface.GRASS if canvas.climate != "boreal" else Surface.TUNDRA)
        canvas.paint(level > rock, Surface.ROCK)
    cold = {"winter": -0.5, "spring": -0.15, "summer": 0.4, "autumn": 0.0}[canvas.season]
    warm = {"temperate": 0.0, "boreal": -0.2, "arid": 0.5, "tropical": 0.7}[canvas.climate]
    white = np.asarray(level > snow + cold + warm)
    canvas.paint(white, Surface.SNOW)
    share = float(white.mean())
    canvas.setting = "mountains"
    if share > 0.5:
        canvas.setting = "snow-covered mountains"
    elif share > 0.02:
        canvas.name("snow", "snow on the peaks", white, Surface.SNOW, least=0.02)
    if share > 0.25 and rng.random() < 0.3:
        glacier(canvas)


def ridges(canvas: Canvas) -> Image:
    """Return heights 0..1 with sharp crests and drainage between."""
    rough = 1 - np.abs(canvas.noise(2.2, float(canvas.rng.choice([0.4, 0.7, 1.5]))))
    raw = rough + np.float32(0.25) * (1 - np.abs(canvas.noise(1.9, 0.2))) * rough
    low, high = raw.min(), raw.max()
    return np.asarray((raw - low) / (high - low), dtype=np.float32)


def glacier(canvas: Canvas) -> None:
    """A tongue of ice down the lowest ground."""
    distance = _winding(canvas, *canvas.spot(0.2), wiggle=0.08)
    tongue = np.asarray(np.abs(distance) < canvas.rng.uniform(0.05, 0.14) * canvas.extent)
    canvas.paint(tongue, Surface.ICE)
    canvas.height = np.where(tongue, canvas.height * np.float32(0.4), canvas.height)
    canvas.name("glacier", "a glacier", tongue, Surface.ICE, least=0.03)


def snowfield(canvas: Canvas) -> None:
    """Snow or ice as far as the eye reaches."""
    canvas.cover[:] = Surface.SNOW
    canvas.height += canvas.noise(2.2) * np.float32(canvas.rng.uniform(3, 60))
    canvas.setting = "snowfield"
    if canvas.rng.random() < 0.4:
        patches(canvas, Surface.ICE, float(canvas.rng.uniform(0.05, 0.5)))
    if canvas.rng.random() < 0.4:
        patches(canvas, Surface.ROCK, float(canvas.rng.uniform(0.03, 0.25)))


def sea(canvas: Canvas) -> None:
    """Open sea, with shoals, islands or ice floes."""
    rng = canvas.rng
    canvas.cover[:] = Surface.SEA
    canvas.setting = "open sea"
    if canvas.climate == "boreal" and rng.random() < 0.6:
        ice = patches(canvas, Surface.SEA_ICE, float(rng.uniform(0.1, 0.8)), exponent=1.4, coarsest=0.3)
        canvas.name("sea ice", "floating sea ice", ice, Surface.SEA_ICE, least=0.04)
    elif rng.random() < 0.45:
        islands(canvas)


def islands(canvas: Canvas) -> None:
    """One or more islands with beaches and shallows."""
    field = canvas.noise(2.3, 0.8)
    edge = float(np.quantile(field[::4, ::4], canvas.rng.uniform(0.7, 0.95)))
    canvas.paint(field > edge - 0.35, Surface.SHALLOW)
    canvas.paint(field > edge, Surface.SAND)
    land = np.asarray(field > edge + 0.08)
    canvas.paint(land, Surface.BROADLEAF if canvas.climate == "tropical" else wooded(canvas))
    canvas.paint(land & (canvas.noise(1.5) > 0.6), Surface.SCRUB)
    canvas.name("island", "a small island", land, least=0.02)


def wetland(canvas: Canvas) -> None:
    """Marsh with pools and channels; mangroves in the tropics, bog in the north."""
    rng = canvas.rng
    canvas.cover[:] = Surface.MARSH
    canvas.setting = "marsh"
    if canvas.climate == "tropical" and rng.random() < 0.6:
        canvas.cover[:] = Surface.MANGROVE
        canvas.setting = "mangrove forest"
    elif canvas.climate == "boreal":
        patches(canvas, Surface.PEAT, 0.5)
        canvas.setting = "peat bog"
    elif rng.random() < 0.3:
        canvas.cover[:] = Surface.MUD
        canvas.setting = "tidal mudflats"
    pools = patches(canvas, Surface.POND, float(rng.uniform(0.05, 0.35)), exponent=1.8, coarsest=0.2)
    canvas.name("ponds", "many small pools", pools, Surface.POND, least=0.03)
    field = np.abs(canvas.noise(1.8, 0.5))
    canvas.paint(field < rng.uniform(0.02, 0.1), Surface.RIVER)


def river(canvas: Canvas) -> None:
    """A river across the sheet: narrow or broad, with a tributary or with gravel bars."""
    rng = canvas.rng
    width = float(np.exp(rng.uniform(np.log(30), np.log(0.14 * canvas.extent + 40))))
    angle = float(rng.uniform(0, np.pi))
    wiggle = float(rng.choice([0.04, 0.12, 0.22]))
    distance = _winding(canvas, *canvas.spot(0.25), wiggle=wiggle, angle=angle)
    bed = np.asarray(np.abs(distance) < width / 2)
    word = "a winding river" if wiggle > 0.1 else "a river"
    if width > 250 and rng.random() < 0.4:
        canvas.paint(bed, Surface.GRAVEL)
        channels = np.abs(canvas.noise(1.7, 0.25)) < 0.28
        canvas.paint(bed & channels, Surface.RIVER)
        word = "a braided river with gravel bars"
    else:
        banks = np.abs(distance) < width / 2 + rng.uniform(0, 40)
        if rng.random() < 0.5:
            canvas.paint(np.asarray(banks), canvas.rng.choice([Surface.BROADLEAF, Surface.SCRUB, Surface.GRAVEL]))
        canvas.paint(bed, Surface.RIVER)
    if rng.random() < 0.25:
        bed |= _tributary(canvas, width * 0.5)
    canvas.name("river", word, bed, Surface.RIVER)
    canvas.height = canvas.height * np.float32(0.4)


def _tributary(canvas: Canvas, width: float) -> Mask:
    x, y = canvas.spot(0.1)
    angle = float(canvas.rng.uniform(0, 2 * np.pi))
    along, _ = canvas.turned(angle, x, y)
    arm = np.asarray((np.abs(_winding(canvas, x, y, wiggle=0.08, angle=angle)) < width / 2) & (along > 0))
    canvas.paint(arm, Surface.RIVER)
    return arm


def _winding(canvas: Canvas, x: float, y: float, *, wiggle: float, angle: float | None = None) -> Image:
    """Return the signed distance, roughly, to a winding line through a point."""
    turn = float(canvas.rng.uniform(0, np.pi)) if angle is None else angle
    _, across = canvas.turned(turn, x, y)
    return across + canvas.noise(2.9, 0.7) * np.float32(wiggle * canvas.extent)


def lakes(canvas: Canvas) -> None:
    """A lake, large or small, or several."""
    rng = canvas.rng
    if rng.random() < 0.25:
        water = patches(canvas, Surface.LAKE, float(rng.uniform(0.05, 0.3)), exponent=2.3, coarsest=0.35)
        canvas.name("lake", "several lakes", water, Surface.LAKE, least=0.01)
        return
    radius = float(rng.uniform(0.06, 0.42)) * canvas.extent
    x, y = canvas.spot(0.3)
    shape = np.hypot(canvas.x - x, (canvas.y - y) * rng.uniform(0.7, 1.5)) + canvas.noise(2.0, 0.4) * (0.22 * radius)
    water = np.asarray(shape < radius)
    canvas.paint(
        np.asarray(shape < radius + rng.uniform(0, 50)), rng.choice([Surface.MARSH, Surface.SAND, Surface.SCRUB])
    )
    canvas.paint(water, Surface.LAKE)
    canvas.height[water] = np.median(canvas.height)
    phrase = "a large lake" if radius > 0.25 * canvas.extent else "a small lake"
    canvas.name("lake", phrase, water, Surface.LAKE, least=0.008)


def coast(canvas: Canvas) -> Mask:
    """Sea on one side, with a beach, a cliff or mudflats; returns the sea."""
    rng = canvas.rng
    x, y = canvas.spot(0.25)
    across = canvas.turned(float(rng.uniform(0, 2 * np.pi)), x, y)[1]
    line = across + canvas.noise(2.3, 0.7) * np.float32(rng.uniform(0.02, 0.14) * canvas.extent)
    beach = float(rng.choice([0.0, 30.0, 80.0, 250.0]))
    shore = Surface.MUD if rng.random() < 0.15 else Surface.SAND
    canvas.paint(line < beach, shore)
    canvas.paint(line < 0, Surface.SHALLOW)
    water = np.asarray(line < 0)
    canvas.paint(line < -rng.uniform(0, 200), Surface.SEA)
    canvas.height *= np.clip(line / np.float32(0.3 * canvas.extent), 0, 1)
    canvas.name("sea", "the sea", water, Surface.SEA, Surface.SHALLOW, least=0.05)
    if beach:
        phrase = "a muddy shore" if shore == Surface.MUD else "a sandy beach"
        canvas.name("beach", phrase, np.asarray((line < beach) & ~water), shore, least=0.012)
    return water


def _rank(image: Image) -> Image:
    """Return the share of pixels below each pixel, 0..1."""
    levels = np.quantile(image[::4, ::4], np.linspace(0, 1, 33))
    return np.interp(image, levels, np.linspace(0, 1, 33)).astype(np.float32)
