"""Towns: blocks of a street grid, houses in gardens, halls and towers in the middle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry.base import BaseGeometry

from demo._covers import Cover
from demo._shapes import Frame, Sketch

HOUSE_PITCH_M = 29.0
"""Metres of street front a house takes."""


def town(
    sketch: Sketch,
    rng: np.random.Generator,
    frame: Frame,
    area: BaseGeometry,
    *,
    block: tuple[float, float] = (150.0, 95.0),
    centre_m: float = 0.0,
) -> None:
    """Paint a street grid over an area.

    Args:
        sketch: Where to paint.
        rng: Random stream.
        frame: Centre and orientation of the grid.
        area: Polygon in metres; streets and houses stay within.
        block: Width and depth of a block in metres.
        centre_m: Radius within which buildings are large and close.
    """
    sketch.paint(Cover.GARDEN, area)
    reach = float(np.hypot(*np.subtract(area.bounds[2:], area.bounds[:2]))) / 2 + max(block)
    shapely.prepare(area)
    sketch.paint(Cover.ASPHALT, *_streets(frame, area, reach, block))
    columns = np.arange(-reach, reach, block[0])
    rows = np.arange(-reach, reach, block[1])
    for x in columns + block[0] / 2:
        for y in rows + block[1] / 2:
            plot = _Plot(frame=frame, x=float(x), y=float(y), width=block[0] - 16, depth=block[1] - 16)
            if area.contains(plot.rect(plot.width, plot.depth)):
                _block(sketch, rng, plot, centre_m)


def city(sketch: Sketch, rng: np.random.Generator, area: BaseGeometry, centre: tuple[float, float]) -> None:
    """Paint a town that grew by quarters, each with a street grid of its own; the oldest in the middle."""
    sketch.paint(Cover.GARDEN, area)
    spots = [centre, *(np.add(centre, (1500 * np.cos(turn), 1250 * np.sin(turn))) for turn in np.arange(0.3, 6.3, 0.9))]
    quarters = shapely.voronoi_polygons(shapely.MultiPoint(np.array(spots)), extend_to=area.envelope)
    for quarter in quarters.geoms:
        part = quarter.intersection(area)
        middle = Frame(x=part.centroid.x, y=part.centroid.y, turn=float(rng.uniform(-35, 35)))
        away = float(np.hypot(middle.x - centre[0], middle.y - centre[1]))
        block = (float(rng.uniform(110, 180)), float(rng.uniform(75, 115)))
        town(sketch, rng, middle, part, block=block, centre_m=1000.0 if away < 500 else 0.0)
        sketch.paint(Cover.ASPHALT, part.boundary.buffer(11).intersection(area))


def _streets(frame: Frame, area: BaseGeometry, reach: float, block: tuple[float, float]) -> list[BaseGeometry]:
    columns = [[(x, -reach), (x, reach)] for x in np.arange(-reach, reach, block[0])]
    rows = [[(-reach, y), (reach, y)] for y in np.arange(-reach, reach, block[1])]
    wide = [frame.strip(line, 20 if index % 5 == 0 else 10).intersection(area) for index, line in enumerate(columns)]
    return wide + [frame.strip(line, 20 if index % 6 == 0 else 9).intersection(area) for index, line in enumerate(rows)]


@dataclass(frozen=True, kw_only=True)
class _Plot:
    """One block of a street grid: its middle in the grid's own axes, and its size without streets, in metres."""

    frame: Frame
    x: float
    y: float
    width: float
    depth: float

    def rect(self, width: float, depth: float, *, x: float = 0.0, y: float = 0.0) -> BaseGeometry:
        """Return a rectangle about a point of the block."""
        return self.frame.rect(self.x + x, self.y + y, width, depth)


def _block(sketch: Sketch, rng: np.random.Generator, plot: _Plot, centre_m: float) -> None:
    draw = rng.random()
    if float(np.hypot(plot.x, plot.y)) < centre_m * rng.uniform(0.75, 1.2):
        _downtown(sketch, rng, plot)
    elif draw < 0.12:
        sketch.paint(Cover.GRASS if draw < 0.06 else Cover.BROADLEAF, plot.rect(plot.width, plot.depth))
    elif draw < 0.16:
        hall = plot.rect(plot.width * rng.uniform(0.35, 0.85), plot.depth * rng.uniform(0.35, 0.75))
        sketch.paint(Cover.METAL if rng.random() < 0.5 else Cover.ROOF_GREY, hall)
    else:
        _houses(sketch, rng, plot)


def _downtown(sketch: Sketch, rng: np.random.Generator, plot: _Plot) -> None:
    """Fill a block: perimeter buildings round a yard, or one slab."""
    cover = Cover.ROOF_RED if rng.random() < 0.45 else Cover.ROOF_GREY
    sketch.paint(Cover.METAL if rng.random() < 0.08 else cover, plot.rect(plot.width, plot.depth))
    if rng.random() < 0.7:
        yard = plot.rect(plot.width - 36, plot.depth - 32)
        sketch.paint(Cover.ASPHALT if rng.random() < 0.5 else Cover.GARDEN, yard)


def _houses(sketch: Sketch, rng: np.random.Generator, plot: _Plot) -> None:
    """Set two rows of houses back to back."""
    count = int(plot.width / HOUSE_PITCH_M)
    for y in (-plot.depth / 2 + 16, plot.depth / 2 - 16):
        for step in range(count):
            if rng.random() < 0.88:
                x = (step - (count - 1) / 2) * HOUSE_PITCH_M
                cover = Cover.ROOF_RED if rng.random() < 0.6 else Cover.ROOF_GREY
                house = plot.rect(rng.uniform(15, 23), rng.uniform(13, 20), x=x, y=y + rng.normal(0, 1.5))
                sketch.paint(cover, house)


def village(sketch: Sketch, rng: np.random.Generator, x: float, y: float, radius: float) -> None:
    """Paint a few streets of houses among gardens."""
    frame = Frame(x=x, y=y, turn=float(rng.uniform(-40, 40)))
    area = (
        ShapelyPoint(x, y).buffer(radius).union(ShapelyPoint(x + radius * 0.7, y + radius * 0.3).buffer(radius * 0.6))
    )
    town(sketch, rng, frame, area, block=(120.0, 85.0))
    sketch.name("village", "a small village among fields", area)


def industry(sketch: Sketch, rng: np.random.Generator, frame: Frame, *, columns: int = 5, rows: int = 4) -> None:
    """Paint large halls on paved plots."""
    sketch.paint(Cover.ASPHALT, frame.rect(0, 0, columns * 210 + 40, rows * 170 + 40))
    for column in range(columns):
        for row in range(rows):
            x, y = (column - (columns - 1) / 2) * 210, (row - (rows - 1) / 2) * 170
            cover = (Cover.METAL, Cover.ROOF_GREY, Cover.CARS, Cover.ROOF_RED)[
                int(rng.choice(4, p=(0.5, 0.3, 0.12, 0.08)))
            ]
            sketch.paint(cover, frame.rect(x, y, rng.uniform(110, 180), rng.uniform(80, 140)))
    outline = frame.rect(0, 0, columns * 210 + 40, rows * 170 + 40)
    sketch.name("industrial area", "an industrial area with large grey and white halls", outline)
