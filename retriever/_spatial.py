"""Exact tests of footprints against areas and points, and the rough tests on bounds that spare most of them.

Areas are planar in lon, lat (edges are straight lines on a plate carrée map, as in GeoJSON). Distances are on the
sphere: a footprint's edges are cut into pieces of at most ``EDGE_DEGREES`` and each piece is followed as a great-circle
arc, so a distance is right to about a metre; inside a footprint it is 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate
from shapely.geometry import LineString, Point, box
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM, BBox
from retriever._expression import Always, And, Area, Column, Compare, Expression, Nearby, Or, any_of, compare

EDGE_DEGREES = 0.1
"""Longest piece of an edge taken as an arc; its arc and its straight line are then at most a few metres apart."""

_PARTS_LIMIT = 32
"""Most parts of an area whose bounds are tested one by one; more are tested together."""

_POINT_ARC = 1e-12
"""Arcs shorter than this (radians, 6 micrometres) have no direction and count as points."""

_SLACK = 1e-3
"""Degrees by which the bounds round a circle are widened, because arcs bulge beyond the straight edges."""

Geometries = NDArray[np.object_]


def bbox_parts(bbox: BBox) -> tuple[BaseGeometry, ...]:
    """Return the one or two geometries of a bbox; a line or a point where it has no area."""
    west, south, east, north = bbox
    if west <= east:
        return (_rectangle(west, south, east, north),)
    return _rectangle(west, south, 180, north), _rectangle(-180, south, east, north)


def both_names(geometry: BaseGeometry) -> tuple[BaseGeometry, ...]:
    """Return the geometry and, where it touches the antimeridian, those points under the meridian's other name."""
    west, _, east, _ = geometry.bounds
    sides = [side for side, touched in ((180.0, east == 180), (-180.0, west == -180)) if touched]
    edges = [translate(geometry.intersection(LineString([(side, -90), (side, 90)])), -2 * side) for side in sides]
    return geometry, *edges


def _rectangle(west: float, south: float, east: float, north: float) -> BaseGeometry:
    if (west, south) == (east, north):
        return Point(west, south)
    if west == east or south == north:
        return LineString([(west, south), (east, north)])
    return box(west, south, east, north)


def in_area(area: Area, footprints: Geometries) -> NDArray[np.bool_]:
    """Return (n,) whether each footprint stands in the relation to the area's geometry."""
    shapely.prepare(area.geometry)
    result: NDArray[np.bool_] = _PREDICATES[area.relation](area.geometry, footprints)
    return result


# The area comes first, because only the first argument of a predicate can be prepared.
_PREDICATES = {
    "intersects": shapely.intersects,
    "disjoint": shapely.disjoint,
    "within": shapely.contains,
    "contains": shapely.within,
    "touches": shapely.touches,
    "crosses": shapely.crosses,
    "overlaps": shapely.overlaps,
    "equals": shapely.equals,
}


def rough(node: Area | Nearby) -> Expression:
    """Return a test on bounds that every footprint passes for which the node is true."""
    if isinstance(node, Nearby):
        return _overlap(_circle_bounds(node))
    if node.relation == "disjoint":
        return Always(value=True)
    parts = shapely.get_parts(node.geometry)
    if len(parts) > _PARTS_LIMIT:
        parts = np.array([node.geometry])
    return any_of([_overlap(tuple(part.bounds)) for part in parts])


def _overlap(bounds: Sequence[float]) -> Expression:
    """The tile's bounds meet these, which do not cross the antimeridian; the tile's may."""
    west, south, east, north = (float(value) for value in bounds)
    begins, ends = compare("west", "number", "<=", east), compare("east", "number", ">=", west)
    lat = (compare("south", "number", "<=", north), compare("north", "number", ">=", south))
    # Bounds that cross are -180..east and west..180, so either side may meet.
    crossing = And(parts=(_CROSSES, Or(parts=(begins, ends))))
    return And(parts=(*lat, Or(parts=(And(parts=(begins, ends)), crossing))))


_CROSSES = Compare(op=">", left=Column(name="west", kind="number"), right=Column(name="east", kind="number"))


def _circle_bounds(near: Nearby) -> tuple[float, float, float, float]:
    """Bounds round a circle; all longitudes where it holds a pole or meets the antimeridian.

    http://janmatuschek.de/LatitudeLongitudeBoundingCoordinates
    """
    angle = near.radius_km / EARTH_RADIUS_KM
    reach = math.degrees(angle) + _SLACK
    south, north = max(near.lat - reach, -90.0), min(near.lat + reach, 90.0)
    if south <= -90 or north >= 90:
        return -180.0, south, 180.0, north
    width = math.degrees(math.asin(math.sin(math.radians(reach)) / math.cos(math.radians(near.lat))))
    if near.lon - width < -180 or near.lon + width > 180:
        return -180.0, south, 180.0, north
    return near.lon - width, south, near.lon + width, north


def within_radius(near: Nearby, footprints: Geometries) -> NDArray[np.bool_]:
    """Return (n,) whether each footprint comes within the radius."""
    result: NDArray[np.bool_] = distance_km(near.lat, near.lon, footprints) <= near.radius_km
    return result


def distance_km(lat: float, lon: float, footprints: Geometries) -> NDArray[np.float64]:
    """Return (n,) great-circle distances in km from a point to the nearest point of each footprint; 0 inside."""
    distance = np.full(len(footprints), np.inf)
    if not len(footprints):
        return distance
    parts, owner = shapely.get_parts(footprints, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    vertices, ring = shapely.get_coordinates(shapely.segmentize(rings, EDGE_DEGREES), return_index=True)
    joined = ring[1:] == ring[:-1]
    xyz = unit_vectors(vertices[:, 1], vertices[:, 0])
    angles = _arc_angles(unit_vectors(lat, lon), xyz[:-1][joined], xyz[1:][joined])
    np.minimum.at(distance, owner[part[ring[1:][joined]]], angles * EARTH_RADIUS_KM)
    distance[_holds(footprints, lat, lon)] = 0.0
    return distance


def _holds(footprints: Geometries, lat: float, lon: float) -> NDArray[np.bool_]:
    held: NDArray[np.bool_] = shapely.intersects(footprints, Point(lon, lat))
    # The two names of one meridian.
    return held | shapely.intersects(footprints, Point(-lon, lat)) if abs(lon) == 180 else held


def unit_vectors(lat: Any, lon: Any) -> NDArray[np.float64]:
    """Return (..., 3) points on the unit sphere."""
    phi, lam = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)


def _arc_angles(
    point: NDArray[np.float64], start: NDArray[np.float64], end: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) angles in radians from a (3,) point to the nearest point of each arc from (n, 3) to (n, 3)."""
    normal = np.cross(start, end)
    length = np.linalg.norm(normal, axis=1)
    ends = np.minimum(_angle(point, start), _angle(point, end))
    # The foot of the perpendicular lies on the arc when the point is between the planes through its two ends.
    between = (np.cross(normal, start) @ point > 0) & (np.cross(end, normal) @ point > 0) & (length > _POINT_ARC)
    sine = np.abs(normal @ point) / np.maximum(length, _POINT_ARC)
    return np.where(between, np.minimum(np.arcsin(np.minimum(sine, 1.0)), ends), ends)


def _angle(point: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    # From the chord, which stays exact for small angles where the arc cosine does not.
    angle: NDArray[np.float64] = 2 * np.arcsin(np.minimum(np.linalg.norm(others - point, axis=1) / 2, 1.0))
    return angle
