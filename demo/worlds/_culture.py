"""Painters of what people made over wide ground: fields, towns, roads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demo._noise import Image
from demo.worlds._canvas import Canvas, Mask
from demo.worlds._nature import WATERS, wooded
from demo.worlds._surfaces import Surface

CROPS = (Surface.CROP_A, Surface.CROP_B, Surface.CROP_C, Surface.CROP_D, Surface.PLOUGHED)
BUCKETS = 4096
"""Parcel numbers run from 0 to this: enough that neighbours differ."""


def quarters(canvas: Canvas, spacing: float) -> NDArray[np.intp]:
    """Return the Voronoi cell of every pixel, for random points about ``spacing`` metres apart."""
    count = int(np.clip((canvas.extent / spacing) ** 2 * 1.4, 1, 14))
    points = canvas.rng.uniform(-0.6, 0.6, (count, 2)) * canvas.extent
    distances = np.stack([(canvas.x - x) ** 2 + (canvas.y - y) ** 2 for x, y in points.astype(np.float32)])
    return np.asarray(distances.argmin(axis=0))


def parcels(canvas: Canvas, cells: NDArray[np.intp], width: float, length: float) -> tuple[NDArray[np.int64], Image]:
    """Cut every cell into strips and the strips into parcels, each cell in a direction of its own.

    Returns:
        (side, side) parcel number and (side, side) metres to the nearest straight boundary.
    """
    rng = canvas.rng
    count = int(cells.max()) + 1
    angles = rng.uniform(0, np.pi, count).astype(np.float32)
    widths = (width * rng.uniform(0.6, 1.6, count)).astype(np.float32)
    cos, sin = np.cos(angles)[cells], np.sin(angles)[cells]
    pitch = widths[cells]
    v = (cos * canvas.y - sin * canvas.x) / pitch
    row = np.floor(v)
    odd = rng.random(BUCKETS, dtype=np.float32)[(row.astype(np.int64) * 31 + cells * 17) % BUCKETS]
    reach = np.float32(length) * (np.float32(0.6) + odd)
    u = (cos * canvas.x + sin * canvas.y) / reach + odd * 7
    column = np.floor(u)
    edge = np.minimum(np.minimum(v - row, 1 - v + row) * pitch, np.minimum(u - column, 1 - u + column) * reach)
    number = (row.astype(np.int64) * 7919 + column.astype(np.int64) * 104729 + cells * 1299709) % BUCKETS
    return number, edge


def pick(canvas: Canvas, number: NDArray[np.int64], surfaces: tuple[Surface, ...], odds: NDArray[np.float64]) -> Image:
    """Return a surface for every parcel."""
    table = canvas.rng.choice(np.array(surfaces, dtype=np.uint8), size=BUCKETS, p=odds)
    return np.asarray(table[number])


def farmland(canvas: Canvas, area: Mask | None = None) -> None:
    """Fields: long strips or big blocks, pivots in dry land, paddies in the wet tropics."""
    rng = canvas.rng
    area = np.ones(canvas.cover.shape, dtype=bool) if area is None else area
    draw = rng.random()
    if canvas.climate == "arid" and draw < 0.4:
        pivots(canvas, area)
    elif canvas.climate in ("tropical", "temperate") and draw < (0.5 if canvas.climate == "tropical" else 0.12):
        paddies(canvas, area)
    else:
        fields(canvas, area)
    canvas.height *= np.float32(0.3)


def fields(canvas: Canvas, area: Mask) -> None:
    """A patchwork of parcels with crops, hedges and lanes."""
    rng = canvas.rng
    width = float(np.exp(rng.uniform(np.log(35), np.log(450))))
    cells = quarters(canvas, float(rng.uniform(600, 2500)))
    number, edge = parcels(canvas, cells, width, width * float(rng.uniform(1.0, 5.0)))
    odds = rng.dirichlet(np.ones(len(CROPS)) * 0.9)
    canvas.cover[area] = pick(canvas, number, CROPS, odds)[area]
    canvas.fresh_objects(number, area)
    margin = float(rng.choice([0.0, 4.0, 10.0]))
    if margin:
        line = Surface.SOIL if canvas.climate == "arid" else rng.choice([Surface.GRASS, wooded(canvas)])
        canvas.paint(area & (edge < margin), line)
    if rng.random() < 0.4:
        _orchards(canvas, number, area)
    canvas.setting = canvas.setting or "farmland"


def _orchards(canvas: Canvas, number: NDArray[np.int64], area: Mask) -> None:
    chosen = area & (canvas.rng.random(BUCKETS) < canvas.rng.uniform(0.1, 0.7))[number]
    canvas.cover[chosen] = Surface.ORCHARD
    canvas.name("orchard", "orchards", chosen, Surface.ORCHARD, least=0.08)


def pivots(canvas: Canvas, area: Mask) -> None:
    """Irrigated circles in dry land."""
    rng = canvas.rng
    canvas.paint(area, rng.choice([Surface.DESERT, Surface.SOIL, Surface.SCRUB]))
    pitch = float(rng.uniform(450, 900)) if canvas.extent > 900 else canvas.extent * 0.6
    ox, oy = rng.uniform(0, pitch, 2)
    column, row = np.floor((canvas.x + ox) / pitch), np.floor((canvas.y + oy) / pitch)
    dx, dy = (canvas.x + ox) / pitch - column - 0.5, (canvas.y + oy) / pitch - row - 0.5
    number = ((column + 50) * 101 + (row + 50)).astype(np.int64) % BUCKETS
    discs = area & (np.hypot(dx, dy) < 0.47) & (rng.random(BUCKETS) < 0.85)[number]
    canvas.cover[discs] = pick(canvas, number, CROPS, np.array([0.2, 0.3, 0.05, 0.35, 0.1]))[discs]
    canvas.fresh_objects(number, discs)
    canvas.name("pivot fields", "circular irrigated fields", discs, least=0.1)
    canvas.setting = canvas.setting or "irrigated farmland in dry land"


def paddies(canvas: Canvas, area: Mask) -> None:
    """Rice: small bunded fields."""
    cells = quarters(canvas, 900.0)
    number, edge = parcels(canvas, cells, float(canvas.rng.uniform(30, 90)), float(canvas.rng.uniform(60, 200)))
    canvas.cover[area] = pick(
        canvas, number, (Surface.PADDY, Surface.CROP_D, Surface.GARDEN), np.array([0.86, 0.08, 0.06])
    )[area]
    canvas.fresh_objects(number, area)
    canvas.paint(area & (edge < 3), Surface.GRASS)
    canvas.name("rice paddies", "rice paddies", area, Surface.PADDY, least=0.2)
    canvas.setting = canvas.setting or "rice paddies"


def town(canvas: Canvas, area: Mask | None = None) -> None:
    """Streets and buildings; over everything, or inside an area."""
    rng = canvas.rng
    whole = area is None
    area = np.ones(canvas.cover.shape, dtype=bool) if area is None else area & ~np.isin(canvas.cover, WATERS)
    kind = str(rng.choice(["dense", "suburb", "industry"], p=[0.4, 0.4, 0.2]))
    block, street, lot, fill = {
        "dense": (90.0, 14.0, 28.0, 0.86),
        "suburb": (150.0, 10.0, 34.0, float(rng.uniform(0.2, 0.6))),
        "industry": (260.0, 20.0, 90.0, 0.72),
    }[kind]
    cells = quarters(canvas, float(rng.uniform(700, 2500)))
    number, edge = parcels(canvas, cells, block, block * float(rng.uniform(1.0, 2.2)))
    lots, inset = parcels(canvas, cells * 0 + number % 7, lot, lot * float(rng.uniform(1, 1.8)))
    yard = Surface.CONCRETE if kind == "industry" else Surface.GARDEN
    canvas.cover[area] = np.where(rng.random(BUCKETS) < 0.5, yard, Surface.GARDEN).astype(np.uint8)[number][area]
    built = area & (inset > lot * (1 - fill) / 3) & (rng.random(BUCKETS) < fill)[lots]
    roofs = np.array({"dense": [0.5, 0.4, 0.1], "suburb": [0.65, 0.3, 0.05], "industry": [0.05, 0.35, 0.6]}[kind])
    canvas.cover[built] = pick(canvas, lots, (Surface.ROOF, Surface.ROOF_DARK, Surface.HALL), roofs)[built]
    canvas.fresh_objects(lots, built)
    parks = area & (rng.random(BUCKETS) < 0.06)[number]
    canvas.paint(parks, rng.choice([Surface.GRASS, Surface.BROADLEAF]))
    canvas.paint(area & (edge < street / 2), Surface.ASPHALT)
    noun = {"dense": "densely built town", "suburb": "residential suburb", "industry": "industrial area"}[kind]
    if whole:
        canvas.setting = noun
        canvas.height *= np.float32(0.2)
    else:
        least = 0.02
        word = "industrial area" if kind == "industry" else "town"
        canvas.name(word, f"{'an' if kind == 'industry' else 'a'} {word}", area, *_BUILT, least=least)


_BUILT = (Surface.ROOF, Surface.ROOF_DARK, Surface.HALL, Surface.ASPHALT, Surface.GARDEN, Surface.CONCRETE)


def village(canvas: Canvas) -> None:
    """A town in one corner of the sheet."""
    x, y = canvas.spot(0.35)
    radius = canvas.extent * float(canvas.rng.uniform(0.1, 0.35))
    shape = np.hypot(canvas.x - x, canvas.y - y) + canvas.noise(1.8, 0.4) * np.float32(0.2 * radius)
    town(canvas, np.asarray(shape < radius))


def road(canvas: Canvas) -> None:
    """A road, motorway or railway across; a bridge where it meets water."""
    rng = canvas.rng
    kind = str(rng.choice(["road", "motorway", "railway"], p=[0.5, 0.3, 0.2]))
    width = {"road": 12.0, "motorway": 34.0, "railway": 14.0}[kind] + canvas.grain
    across = canvas.turned(float(rng.uniform(0, np.pi)), *canvas.spot(0.3))[1]
    line = across + canvas.noise(2.6, 0.7) * np.float32(rng.uniform(0, 0.08) * canvas.extent)
    band = np.asarray(np.abs(line) < width / 2)
    wet = np.isin(canvas.cover, WATERS)
    crossing = band & wet
    canvas.paint(band & ~wet, Surface.TRACK if kind == "railway" else Surface.ASPHALT)
    if wet[band].mean() < 0.4:
        canvas.paint(crossing, Surface.BRIDGE)
        canvas.name("bridge", "a bridge", crossing, Surface.BRIDGE, least=0.0006)
    least = 0.008 if kind != "motorway" else 0.012
    canvas.name(kind, f"a {kind}", band, Surface.ASPHALT, Surface.TRACK, least=least)
