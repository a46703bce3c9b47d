"""Farmland: a patchwork of tilted parcels, split until each is a field."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import affinity
from shapely.geometry import MultiPoint, Polygon
from shapely.geometry.base import BaseGeometry

from demo._covers import CROPS, Cover
from demo._shapes import Sketch

FIELD_HECTARES = (2.5, 11.0)
"""Smallest and largest usual field; the fields of TerraMind 637U_59R_1_3 are 3 to 15 ha."""

CROP_SHARES = (0.24, 0.12, 0.2, 0.24, 0.1, 0.1)
"""Wheat, rapeseed, maize, ley, beet, fallow."""

MARGIN_M = 3.0
"""Grass left round every field, on each side."""


def farm(
    sketch: Sketch, rng: np.random.Generator, area: BaseGeometry, *, wild: BaseGeometry, spacing: float = 1700.0
) -> None:
    """Paint an area with fields: quarters with an orientation of their own, tracks between, hedges here and there.

    Parcels whose middle lies in ``wild`` are left to forest, so that woods end where fields begin.
    """
    shapely.prepare(wild)
    for quarter in _quarters(rng, area, spacing):
        turn = float(rng.choice([-28, -8, 12, 30]) + rng.normal(0, 4))
        flat = affinity.rotate(quarter, -turn, origin="centroid")
        limit = float(rng.uniform(*FIELD_HECTARES)) * 1e4
        parcels = [
            affinity.rotate(parcel, turn, origin=quarter.centroid)
            for parcel in _split(rng, flat, limit)
            if parcel.area > 4e3
        ]
        parcels = [parcel for parcel in parcels if not wild.contains(parcel.centroid)]
        sketch.paint(Cover.TRAIL, quarter.boundary.buffer(4.0).difference(wild))
        for parcel in parcels:
            sketch.paint(_crop(rng), parcel.buffer(-MARGIN_M))
        sketch.paint(Cover.BROADLEAF, *(_hedge(parcel) for parcel in parcels if rng.random() < 0.08))


def _crop(rng: np.random.Generator) -> Cover:
    return CROPS[int(rng.choice(len(CROPS), p=CROP_SHARES))]


def _quarters(rng: np.random.Generator, area: BaseGeometry, spacing: float) -> list[Polygon]:
    """Cut the area along the Voronoi cells of jittered points."""
    west, south, east, north = area.bounds
    xs = np.arange(west - spacing, east + 2 * spacing, spacing)
    ys = np.arange(south - spacing, north + 2 * spacing, spacing)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    cells = shapely.voronoi_polygons(MultiPoint(grid + rng.uniform(-0.38, 0.38, grid.shape) * spacing))
    pieces = shapely.intersection(np.array(list(cells.geoms)), area)
    return [part for part in shapely.get_parts(pieces) if isinstance(part, Polygon) and part.area > 1e4]


def _split(rng: np.random.Generator, shape: BaseGeometry, limit: float) -> list[BaseGeometry]:
    """Halve the shape across its longer side until every piece is under the limit (square metres)."""
    west, south, east, north = shape.bounds
    if shape.area <= limit * rng.uniform(0.7, 1.6) or shape.is_empty:
        return [shape]
    cut = rng.uniform(0.36, 0.64)
    # Fields are longer than wide: the height counts for less.
    if (east - west) > 0.62 * (north - south):
        middle = west + cut * (east - west)
        halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    else:
        middle = south + cut * (north - south)
        halves = [shapely.box(west, south, east, middle), shapely.box(west, middle, east, north)]
    parts = [part for half in halves for part in shapely.get_parts(shape.intersection(half))]
    return [piece for part in parts if isinstance(part, Polygon) for piece in _split(rng, part, limit)]


def _hedge(parcel: BaseGeometry) -> BaseGeometry:
    """Return a row of trees along a parcel's two longest stretches."""
    points = shapely.get_coordinates(parcel.convex_hull)
    lengths = np.hypot(*np.diff(points, axis=0).T)
    longest = int(np.argmax(lengths))
    return shapely.LineString(points[longest : longest + 2]).buffer(7.0)
