"""The landscape: what lies where, in metres. Invented, and put in open ocean, so that nobody takes it for a place.

x points east and y north from the south-west corner of a square that four scenes of 11.2 km share:

    upland  | farmland      lake, forest and a fire   | river, fields, a flood
    city    | coast         airport, town, solar farm | harbour, beach, river mouth
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

from demo import _landmarks as landmarks
from demo import _towns as towns
from demo._covers import Cover
from demo._fields import farm
from demo._noise import Image, fractal, stream
from demo._shapes import Frame, Landmark, Paint, Sketch, blob, meander, spline

TILE_M = 2240.0
"""224 pixels of 10 m: the default tile."""

SCENE_M = 5 * TILE_M
"""Side of a scene."""

WORLD_M = 2 * SCENE_M
"""Side of the landscape."""

PIXEL_M = 10.0
"""Ground sample distance."""

_RIVER_POINTS = ((9000, 16700), (11600, 17500), (14300, 17400), (16900, 16700), (18700, 14600), (18100, 11800),
                 (17500, 9300), (18700, 7000), (19000, 4600), (19400, 2600))  # fmt: skip

_RIVER_WIDTHS = (80, 140, 190, 220, 240, 260, 280, 310, 400, 750)


_WOODS = ((21000, 20600, 900), (12600, 20800, 600), (13200, 12600, 800), (21300, 10400, 1000), (12800, 8600, 700),
          (1500, 10700, 700), (20900, 17200, 350), (14200, 6900, 450), (15300, 19500, 260))  # fmt: skip
"""x, y, radius."""

_VILLAGES = ((14100, 15250, 520), (20200, 12500, 330), (13200, 19900, 300), (20600, 19000, 420), (5300, 13100, 360),
             (13050, 7300, 340), (20600, 7000, 420), (9900, 12300, 280), (2600, 3300, 300))  # fmt: skip
"""x, y, radius."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The finished design."""

    paints: tuple[Paint, ...]
    """In painting order, over the natural ground."""
    landmarks: tuple[Landmark, ...]
    """What captions may name."""
    shore: LineString
    """The coast, sea to the south-east."""
    river: BaseGeometry
    """Water surface of the river."""
    river_line: LineString
    """Its middle."""
    burn: BaseGeometry
    """Outer reach of the fire."""
    fields: tuple[Image, ...]
    """(2240, 2240) noise over the whole landscape, row 0 in the north: height, patches, fine detail."""


@lru_cache(maxsize=1)
def design(seed: int) -> World:
    """Return the landscape of a seed."""
    sketch = Sketch()
    shore, sea = _coast(stream(seed, "coast"))
    line, river = _river(stream(seed, "river"))
    lake = blob(stream(seed, "lake"), 7840, 16800, 780, stretch=1.7)
    _farmland(sketch, seed, sea, lake)
    _waters(sketch, seed, _Waters(shore=shore, sea=sea, line=line, river=river, lake=lake))
    _roads(sketch, seed, river)
    _city(sketch, seed)
    _shore_works(sketch, seed, shore)
    burn = blob(stream(seed, "burn"), 3360, 19040, 1500, stretch=1.25)
    sketch.name("burnt area", "a burnt forest after a fire", burn, epochs=(1, 2))
    plain = flood_reach(line)
    sketch.name("flood", "a flood over the fields beside a river", plain.buffer(700), epochs=(2,))
    size = int(WORLD_M / PIXEL_M)
    noises = (("height", 2.1), ("patches", 1.5), ("detail", 0.9))
    return World(
        paints=tuple(sketch.paints),
        landmarks=tuple(sketch.landmarks),
        shore=shore,
        river=river,
        river_line=line,
        burn=burn,
        fields=tuple(fractal(stream(seed, name), size, exponent=exponent, coarsest=0.25) for name, exponent in noises),
    )


def _coast(rng: np.random.Generator) -> tuple[LineString, Polygon]:
    """Return the shoreline and the sea: straight where the harbour is built, rough elsewhere."""
    x = np.linspace(8000, 24000, 900)
    y = 0.5 * (x - 16800) + 3360
    for order in range(2, 60):
        y += 420 * order**-1.15 * rng.normal() * np.cos(2 * np.pi * order * (x - 8000) / 16000 + rng.uniform(0, 6.28))
    calm = np.exp(-(((x - 16600) / 1500) ** 4))
    y = y * (1 - calm) + calm * (0.5 * (x - 16800) + 3360)
    shore = LineString(np.stack([x, y], axis=1))
    return shore, Polygon([*shore.coords, (24000, -4000), (8000, -4000)]).buffer(0)


def _river(rng: np.random.Generator) -> tuple[LineString, BaseGeometry]:
    curve = spline(np.array(_RIVER_POINTS, dtype=np.float64))
    widths = np.interp(np.linspace(0, len(_RIVER_WIDTHS) - 1, len(curve)), range(len(_RIVER_WIDTHS)), _RIVER_WIDTHS)
    wound = meander(curve, rng, amplitude=330, wavelength=2100)
    wobble = 1 + 0.12 * np.sin(np.arange(len(curve)) / 5.3) + 0.08 * np.sin(np.arange(len(curve)) / 2.1)
    discs = [shapely.LineString(wound[i : i + 2]).buffer(widths[i] * wobble[i] / 2) for i in range(len(wound) - 1)]
    return LineString(wound), shapely.union_all(discs)


def flood_reach(line: LineString) -> LineString:
    """Return the part of the river that leaves its bed."""
    return LineString([point for point in line.coords if 11900 < point[0] < 20500 and point[1] > 11300])


def _farmland(sketch: Sketch, seed: int, sea: Polygon, lake: BaseGeometry) -> None:
    """Lay fields over the lowland; forest, hills and the shore keep free of them."""
    rough = blob(stream(seed, "upland"), 4300, 17400, 6300, stretch=1.0)
    plain = (
        shapely.box(-200, -200, WORLD_M + 200, WORLD_M + 200).difference(sea.buffer(260)).difference(rough.buffer(-700))
    )
    woods = [blob(stream(seed, "wood", index), *spot) for index, spot in enumerate(_WOODS)]
    wild = shapely.union_all([rough, *woods, lake.buffer(300)])
    farm(sketch, stream(seed, "fields"), plain, wild=wild)
    sketch.name("forest", "a dense forest on hills", rough)
    for wood in woods:
        sketch.name("forest", "a wood between fields", wood)


@dataclass(frozen=True, kw_only=True)
class _Waters:
    """Shapes that much else depends on."""

    shore: LineString
    sea: Polygon
    line: LineString  # middle of the river
    river: BaseGeometry
    lake: BaseGeometry


def _waters(sketch: Sketch, seed: int, waters: _Waters) -> None:
    shore, sea, river, line = waters.shore, waters.sea, waters.river, waters.line
    bank = river.buffer(35).difference(river)
    sketch.paint(Cover.SCRUB, bank)
    sketch.paint(Cover.BROADLEAF, *_scatter(stream(seed, "banks"), line, river))
    sketch.paint(Cover.SAND, *_bars(stream(seed, "bars"), line))
    sketch.paint(Cover.GRASS, shore.buffer(240).difference(sea))
    beach = shore.buffer(130).intersection(shapely.box(19600, 0, 24000, 12000))
    sand = beach.union(shore.buffer(28))
    sketch.paint(Cover.SAND, sand)
    sketch.paint(Cover.RIVER, river)
    water = sea.difference(shore.buffer(30).intersection(sand))
    sketch.paint(Cover.SEA, water)
    sketch.paint(Cover.SURF, *_surf(stream(seed, "surf"), shore, water))
    sketch.paint(Cover.LAKE, waters.lake)
    inland = river.intersection(shapely.box(11200, 6000, WORLD_M, WORLD_M))
    sketch.name("river", "a curved river through farmland", inland)
    sketch.name("lake", "a lake surrounded by forest", waters.lake)
    sketch.name("beach", "a sandy beach along the sea", beach)
    sketch.name("sea", "open sea", sea.buffer(-300))
    for index, (x, y, radius) in enumerate(
        [(14600, 20400, 150), (20400, 13000, 190), (13900, 9900, 120), (16100, 14300, 140)]
    ):
        landmarks.pond(sketch, blob(stream(seed, "pond", index), x, y, radius, stretch=1.5))
    landmarks.quarry(sketch, stream(seed, "quarry"), blob(stream(seed, "pit"), 14560, 1120 + 2 * TILE_M + 900, 320))


def _surf(rng: np.random.Generator, shore: LineString, water: BaseGeometry) -> list[BaseGeometry]:
    """Return broken lines of breakers along the beaches, away from the harbour."""
    lines = []
    for distance in (36.0, 70.0, 96.0):
        for start in np.arange(0, shore.length, 160.0):
            middle = shore.interpolate(start)
            if rng.random() < 0.55 and not 13600 < middle.x < 18300:
                stretch = substring(shore, start, start + rng.uniform(60, 200))
                lines.append(shapely.offset_curve(stretch, -distance).buffer(rng.uniform(3, 7)).intersection(water))
    return lines


def _bars(rng: np.random.Generator, line: LineString) -> list[BaseGeometry]:
    """Return gravel bars beside the river."""
    spots = [line.interpolate(float(at), normalized=True) for at in rng.uniform(0.05, 0.75, 16)]
    return [blob(rng, spot.x + rng.normal(0, 40), spot.y + rng.normal(0, 40), 85) for spot in spots]


def _scatter(rng: np.random.Generator, line: LineString, river: BaseGeometry) -> list[BaseGeometry]:
    """Return riverside groves."""
    spots = [line.interpolate(float(at), normalized=True) for at in rng.uniform(0.02, 0.85, 150)]
    groves = [
        blob(rng, spot.x + rng.normal(0, 150), spot.y + rng.normal(0, 150), rng.uniform(35, 120)) for spot in spots
    ]
    return [grove.difference(river) for grove in groves]


def _roads(sketch: Sketch, seed: int, river: BaseGeometry) -> None:
    """Lay two highways and some country roads, with bridges where they cross the river."""
    routes = (
        (
            [
                (-300, 9300),
                (2500, 9500),
                (6200, 9350),
                (9300, 9000),
                (12600, 11000),
                (15800, 13700),
                (19600, 15800),
                (22800, 18800),
            ],
            30,
        ),
        ([(6500, 9300), (9400, 6600), (12700, 5700), (15600, 4500), (16600, 3900)], 22),
        ([(13600, 22800), (14000, 19500), (14600, 15200), (13200, 11300), (13000, 5600)], 12),
        ([(10800, 14600), (14600, 15200), (20300, 12600), (22800, 13200)], 12),
        ([(14200, 5300), (17600, 6300), (20700, 7100), (22800, 8800)], 22),
        ([(7200, 22800), (6500, 19400), (5200, 17000), (5700, 13300), (6200, 9350)], 10),
        ([(2300, -300), (3000, 3000), (4300, 4900), (4700, 9400)], 16),
    )
    for index, (points, width) in enumerate(routes):
        rng = stream(seed, "road", index)
        curve = meander(spline(np.array(points, dtype=np.float64)), rng, amplitude=60, wavelength=2600)
        road = LineString(curve)
        sketch.paint(Cover.GRASS, road.buffer(width * 0.9))
        sketch.paint(Cover.ASPHALT, road.buffer(width / 2))
        landmarks.bridge(sketch, road, river)
    for index, (x, y, radius) in enumerate(_VILLAGES):
        towns.village(sketch, stream(seed, "village", index), x, y, radius)


def _city(sketch: Sketch, seed: int) -> None:
    area = blob(stream(seed, "city"), 4400, 6900, 2150, stretch=1.25)
    towns.city(sketch, stream(seed, "streets"), area, (4400, 7000))
    sketch.name("city", "a dense town with streets and many buildings", area)
    park = blob(stream(seed, "park"), 5300, 5950, 330, stretch=1.4)
    sketch.paint(Cover.BROADLEAF, park)
    sketch.paint(Cover.GRASS, blob(stream(seed, "lawn"), 5350, 5950, 180, stretch=1.6))
    sketch.paint(Cover.LAKE, blob(stream(seed, "park-lake"), 5150, 5900, 70, stretch=2))
    sketch.name("park", "a park with trees and a small lake in the town", park)
    towns.industry(sketch, stream(seed, "industry"), Frame(x=7700, y=7400, turn=-20))
    landmarks.stadium(sketch, Frame(x=3360, y=7840, turn=12))
    landmarks.airport(sketch, stream(seed, "airport"), Frame(x=7840, y=3360, turn=9))
    landmarks.solar_farm(sketch, Frame(x=1180, y=1130, turn=3))
    landmarks.construction(sketch, Frame(x=7840, y=10080, turn=-6))


def _shore_works(sketch: Sketch, seed: int, shore: LineString) -> None:
    """Build the port on the calm stretch of coast; its y axis points out to sea (south-east)."""
    sea_ward = 180 + float(np.degrees(np.arctan(0.5)))
    towns.town(
        sketch,
        stream(seed, "port"),
        Frame(x=15700, y=4700, turn=26),
        blob(stream(seed, "port-town"), 15700, 4900, 800, stretch=1.3),
    )
    landmarks.harbour(sketch, stream(seed, "harbour"), Frame(x=16850, y=3385, turn=sea_ward))
    spot = shore.interpolate(shore.project(shapely.Point(14400, 2160)))
    landmarks.marina(sketch, stream(seed, "marina"), Frame(x=spot.x, y=spot.y, turn=sea_ward))
    landmarks.tank_farm(sketch, stream(seed, "tanks"), Frame(x=17900, y=4850, turn=26))


def world_grid(values: Image, column: int, row: int) -> NDArray[np.float32]:
    """Return the part of a landscape-wide field that one scene covers (row 0 in the north)."""
    size = int(SCENE_M / PIXEL_M)
    return values[row * size : (row + 1) * size, column * size : (column + 1) * size]
