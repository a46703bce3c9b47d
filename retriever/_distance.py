"""Great-circle distances from a point to footprints.

Distances are on the sphere of ``EARTH_RADIUS_KM``. A footprint's edges are cut into pieces of at most ``EDGE_DEGREES``
and each piece is followed as a great-circle arc, so a distance is right to 1.3 m; inside a footprint it is 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from core import EARTH_RADIUS_KM
from retriever._expression import Nearby
from retriever._spatial import Geometries

EDGE_DEGREES = 0.1
"""Longest piece of an edge taken as an arc. Arc and straight line are then at most 1.3 m apart (at 45 degrees)."""

_POINT_ARC = 1e-12
"""Arcs shorter than this (radians, 6 micrometres) have no direction and count as points."""

_KM_PER_DEGREE = EARTH_RADIUS_KM * math.pi / 180


def within_radius(near: Nearby, footprints: Geometries) -> NDArray[np.bool_]:
    """Return (n,) whether each footprint comes within the radius.

    Most are decided by their vertices: in where one is inside the circle, out where all are farther away than half the
    longest edge. Only the rest, which the circle may cut, is measured.
    """
    vertices, owner = shapely.get_coordinates(footprints, return_index=True)
    distances = _angle(unit_vectors(near.lat, near.lon), unit_vectors(vertices[:, 1], vertices[:, 0])) * EARTH_RADIUS_KM
    nearest, longest = np.full(len(footprints), np.inf), np.zeros(len(footprints))
    np.minimum.at(nearest, owner, distances)
    # In degrees on the map an edge is never shorter than on the ground. Steps from part to part only widen the doubt.
    edges = np.hypot(*np.diff(vertices, axis=0).T) * (owner[1:] == owner[:-1])
    np.maximum.at(longest, owner[1:], edges)
    inside = nearest <= near.radius_km
    doubtful = ~inside & ((nearest - longest / 2 * _KM_PER_DEGREE <= near.radius_km) | _holds(footprints, near))
    inside[doubtful] = distance_km(near, footprints[doubtful]) <= near.radius_km
    return inside


def distance_km(near: Nearby, footprints: Geometries) -> NDArray[np.float64]:
    """Return (n,) great-circle distances in km from the point to the nearest point of each footprint; 0 inside."""
    distance = np.full(len(footprints), np.inf)
    if not len(footprints):
        return distance
    parts, owner = shapely.get_parts(footprints, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    vertices, ring = shapely.get_coordinates(shapely.segmentize(rings, EDGE_DEGREES), return_index=True)
    joined = ring[1:] == ring[:-1]
    xyz = unit_vectors(vertices[:, 1], vertices[:, 0])
    angles = _arc_angles(unit_vectors(near.lat, near.lon), xyz[:-1][joined], xyz[1:][joined])
    np.minimum.at(distance, owner[part[ring[1:][joined]]], angles * EARTH_RADIUS_KM)
    distance[_holds(footprints, near)] = 0.0
    return distance


def _holds(footprints: Geometries, near: Nearby) -> NDArray[np.bool_]:
    held: NDArray[np.bool_] = shapely.intersects(footprints, Point(near.lon, near.lat))
    # The two names of one meridian.
    return held | shapely.intersects(footprints, Point(-near.lon, near.lat)) if abs(near.lon) == 180 else held


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
