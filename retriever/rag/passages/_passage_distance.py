"""How far places are from each other: great-circle kilometres between points, lines and areas.

As for the distance of a tile from a point (retriever/_distance.py): on the sphere of ``EARTH_RADIUS_KM``, edges
cut into pieces of ``EDGE_DEGREES`` that are followed as arcs, right to 1.3 m; 0 where the two meet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM
from retriever._distance import EDGE_DEGREES, unit_vectors
from retriever._spatial import both_names

_PAIRS = 250_000
"""Point and arc pairs measured at once: about 40 MB of numbers."""

_SHORT = 1e-12
"""Arcs shorter than this (radians) have no direction and count as points."""

_BOXES = 50
"""Parts that have boxes of their own; a filter of thousands of boxes takes minutes to be read."""

_REACH_SLACK = 1e-3
"""Degrees by which bounds are widened, because arcs bulge beyond straight edges."""


def distances_km(near: BaseGeometry, places: Sequence[BaseGeometry] | NDArray[np.object_]) -> NDArray[np.float64]:
    """Return (n,) distances in km between a geometry and each of n; 0 where they meet.

    Args:
        near: Point, line or area in lon, lat, cut at the antimeridian.
        places: Likewise.
    """
    array = np.array([*places, None], dtype=np.object_)[:-1]
    distances = np.zeros(len(array))
    apart = ~_meeting(near, array)
    here = _Arcs(near)
    points = apart & (shapely.get_type_id(array) == shapely.GeometryType.POINT)
    distances[points] = _least_angles(_unit(array[points]), here)
    for at in np.flatnonzero(apart & ~points):
        there = _Arcs(array[at])
        distances[at] = min(_least_angles(here.points, there).min(), _least_angles(there.points, here).min())
    return distances * EARTH_RADIUS_KM


def _unit(geometries: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return the vertices on the unit sphere."""
    lon, lat = shapely.get_coordinates(geometries).T
    return unit_vectors(lat, lon)


def _meeting(near: BaseGeometry, places: NDArray[np.object_]) -> NDArray[np.bool_]:
    shapely.prepare(near)
    found: NDArray[np.bool_] = shapely.intersects(near, places)
    for other in both_names(near)[1:]:  # the two names of one meridian
        found |= shapely.intersects(other, places)
    return found


class _Arcs:
    """The outline of a geometry as points and arcs on the unit sphere."""

    def __init__(self, geometry: BaseGeometry) -> None:
        cut = shapely.segmentize(geometry, EDGE_DEGREES)
        parts = shapely.get_parts(cut)
        areas = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        lines = np.concatenate([shapely.get_rings(parts[areas]), parts[~areas]])
        _, line = shapely.get_coordinates(lines, return_index=True)
        self.points = _unit(lines)
        joined = line[1:] == line[:-1]
        self.start, self.end = self.points[:-1][joined], self.points[1:][joined]
        normal = np.cross(self.start, self.end)
        length = np.linalg.norm(normal, axis=1)
        real = length > _SHORT
        self.start, self.end = self.start[real], self.end[real]
        self.normal = normal[real] / length[real, None]


def _least_angles(points: NDArray[np.float64], arcs: _Arcs) -> NDArray[np.float64]:
    """Return (n,) the least angle in radians between each of (n, 3) points and a geometry's outline."""
    step = max(1, _PAIRS // max(len(arcs.points), 1))
    return np.concatenate(
        [_least_of(points[at : at + step], arcs) for at in range(0, len(points), step)] or [np.empty(0)]
    )


def _least_of(points: NDArray[np.float64], arcs: _Arcs) -> NDArray[np.float64]:
    # From the chord, which stays exact for small angles where the arc cosine does not.
    chord = np.sqrt(np.clip(2 - 2 * (points @ arcs.points.T).max(axis=1), 0.0, 4.0))
    least: NDArray[np.float64] = 2 * np.arcsin(chord / 2)
    if not len(arcs.normal):
        return least
    # The foot of the perpendicular lies on the arc when the point is between the planes through its two ends.
    after = points @ np.cross(arcs.normal, arcs.start).T > 0
    before = points @ np.cross(arcs.end, arcs.normal).T > 0
    heights = np.where(after & before, np.abs(points @ arcs.normal.T), np.inf).min(axis=1)
    return np.where(np.isinf(heights), least, np.minimum(least, np.arcsin(np.minimum(heights, 1.0))))


def reach(near: BaseGeometry, radius_km: float) -> tuple[BaseGeometry, ...]:
    """Return boxes that hold everything within a distance, split at the antimeridian; one where there are many parts.

    http://janmatuschek.de/LatitudeLongitudeBoundingCoordinates
    """
    parts = list(shapely.get_parts(near))
    return tuple(
        box for part in (parts if len(parts) <= _BOXES else [near]) for box in _reach_of(part.bounds, radius_km)
    )


def _reach_of(bounds: tuple[float, float, float, float], radius_km: float) -> tuple[BaseGeometry, ...]:
    west, south, east, north = bounds
    angle = math.degrees(radius_km / EARTH_RADIUS_KM) + _REACH_SLACK
    low, high = max(south - angle, -90.0), min(north + angle, 90.0)
    top = max(abs(south), abs(north))
    if low <= -90 or high >= 90 or angle + top >= 90:
        return (shapely.box(-180, low, 180, high),)
    width = math.degrees(math.asin(min(1.0, math.sin(math.radians(angle)) / math.cos(math.radians(top)))))
    west, east = west - width, east + width
    if east - west >= 360:
        return (shapely.box(-180, low, 180, high),)
    if west < -180:
        return shapely.box(west + 360, low, 180, high), shapely.box(-180, low, east, high)
    if east > 180:
        return shapely.box(west, low, 180, high), shapely.box(-180, low, east - 360, high)
    return (shapely.box(west, low, east, high),)
