"""Areas in lon, lat round what a question names: circles, margins, boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.affinity import scale
from shapely.geometry import MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM, QueryError, parse_geometry, wrap_footprint

MAX_RADIUS_KM = 5_000.0
"""Largest distance from a place; beyond a quarter of the globe "near" means nothing."""

_MIN_RADIUS_KM = 0.01
"""A point that footprints can meet."""

_CORNERS = 64
"""Of a circle: its outline lies within 0.12 % of the radius (1 - cos(pi / 64)) of the true one."""

_NEAREST_POLE = 90 - 1e-6
"""Latitude of a centre, 0.1 m from the pole: at the pole itself every bearing leads along no longitude of its own."""

_STEEPEST = 85.0
"""Latitude at which a margin stops widening in longitude."""


def circle(lat: float, lon: float, radius_km: float) -> BaseGeometry:
    """Return the area within a great-circle distance of a point, cut at the antimeridian.

    Raises:
        QueryError: The distance is larger than 5,000 km.
    """
    angle = _checked(radius_km) / EARTH_RADIUS_KM
    lat = max(-_NEAREST_POLE, min(_NEAREST_POLE, lat))
    bearings = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    phi = math.radians(lat)
    lats = np.arcsin(np.sin(phi) * np.cos(angle) + np.cos(phi) * np.sin(angle) * np.cos(bearings))
    turns = np.arctan2(np.sin(bearings) * np.sin(angle) * np.cos(phi), np.cos(angle) - np.sin(phi) * np.sin(lats))
    return wrap_footprint(list(zip((lon + np.degrees(turns)).tolist(), np.degrees(lats).tolist(), strict=True)))


def widened(geometry: BaseGeometry, km: float) -> BaseGeometry:
    """Return an area with a margin, right to a few percent away from the poles; a point becomes a circle.

    Raises:
        QueryError: The margin is larger than 5,000 km.
    """
    parts = [_widened(part, _checked(km)) for part in shapely.get_parts(geometry)]
    return united(parts)


def united(parts: Sequence[BaseGeometry]) -> BaseGeometry:
    """Return one area of several."""
    return parts[0] if len(parts) == 1 else shapely.union_all(list(parts))


def is_area(geometry: BaseGeometry) -> bool:
    """Return whether footprints can be cut with it: a polygon or several."""
    return isinstance(geometry, Polygon | MultiPolygon)


def _widened(part: BaseGeometry, km: float) -> BaseGeometry:
    if isinstance(part, Point):
        return circle(part.y, part.x, km)
    _, south, _, north = part.bounds
    narrow = math.cos(math.radians(min((abs(south) + abs(north)) / 2, _STEEPEST)))
    flat = scale(part, xfact=narrow, yfact=1.0, origin=(0, 0)).buffer(math.degrees(km / EARTH_RADIUS_KM))
    grown = scale(flat, xfact=1 / narrow, yfact=1.0, origin=(0, 0))
    return parse_geometry(grown.intersection(box(-360, -90, 360, 90)))


def _checked(km: float) -> float:
    if not km <= MAX_RADIUS_KM:
        raise QueryError(f"{km:,g} km is too far; at most {MAX_RADIUS_KM:,g} km from a place can be asked for")
    return max(km, _MIN_RADIUS_KM)
