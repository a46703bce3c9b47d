"""Places of entries: checked, in lon, lat, cut at the antimeridian; circles round points."""

from __future__ import annotations

import math

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry import MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from core import (
    EARTH_RADIUS_KM,
    MAX_LINE_CROSSINGS,
    InputError,
    cover_cells,
    crosses_much,
    parse_geometry,
    wrap_footprint,
)

DEFAULT_RADIUS_KM = 10.0
"""Radius of a point whose entry says none: a town and its surroundings. The built-up area of Vienna is 20 km wide."""

MAX_RADIUS_KM = 2_000.0
"""Largest radius: a circle that passes for a region, and stays clear of winding round the globe."""

MAX_VERTICES = 20_000
"""Most vertices of one place: the outline of a country in the 1:10 million data of Natural Earth has fewer."""

_CORNERS = 64
"""Of a circle. Its sides touch the true circle from outside, so that it holds all of it; corners lie 0.12 % beyond."""

_SPECK = 1e-4
"""Degrees round a point or a line, 11 m, to give it an area that cells can cover."""

_AT_POLE = 1e-3
"""Degrees from a pole, 111 m, within which bearings mean nothing and a circle is the cap round the pole."""

_WORLD = box(-180, -90, 180, 90)


def checked_place(geometry: BaseGeometry) -> BaseGeometry:
    """Return a place as it is stored: two-dimensional, within -180..180, areas valid and cut at the antimeridian.

    Raises:
        InputError: It is empty, out of range, invalid, too detailed or a collection; the message is the reason alone.
    """
    if geometry.is_empty:
        raise InputError("the geometry is empty; give a point, a line or an area, or leave it out")
    geometry = shapely.force_2d(geometry)
    if (count := shapely.get_num_coordinates(geometry)) > MAX_VERTICES:
        raise InputError(f"the geometry has {count:,} vertices; at most {MAX_VERTICES:,} are accepted: simplify it")
    if isinstance(geometry, Polygon | MultiPolygon):
        return parse_geometry(geometry)
    if geometry.geom_type not in {"Point", "MultiPoint", "LineString", "MultiLineString"}:
        raise InputError(f"a {geometry.geom_type} is no place; give a point, a line or a polygon")
    if crosses_much([geometry], MAX_LINE_CROSSINGS):
        raise InputError(f"the {geometry.geom_type} crosses itself too often; give a simpler one")
    if geometry.geom_type == "LineString" and geometry.length == 0:
        geometry = Point(shapely.get_coordinates(geometry)[0])
    lon, lat = shapely.get_coordinates(geometry).T
    if not (abs(lon) <= 360).all() or not (abs(lat) <= 90).all():  # also False for NaN
        raise InputError(f"{_extreme(lon, lat)} is outside lon -360..360, lat -90..90; is lon, lat the right order?")
    return geometry if (abs(lon) <= 180).all() else _wrapped(geometry)


def _extreme(lon: np.ndarray, lat: np.ndarray) -> str:
    bad = int(np.argmin((abs(lon) <= 360) & (abs(lat) <= 90)))
    return f"lon {lon[bad]:g}, lat {lat[bad]:g}"


def _wrapped(geometry: BaseGeometry) -> BaseGeometry:
    turned = [translate(geometry, xoff=turn).intersection(_WORLD) for turn in (-360, 0, 360)]
    return shapely.union_all([part for part in turned if not part.is_empty])


def circle(lon: float, lat: float, radius_km: float) -> BaseGeometry:
    """Return the polygon round all points within a great-circle distance, cut at the antimeridian and over a pole.

    Args:
        lon: Centre, degrees.
        lat: Centre, degrees.
        radius_km: Above 0, at most ``MAX_RADIUS_KM``.
    """
    if 90 - abs(lat) < _AT_POLE:
        return _cap(math.copysign(abs(lat) - math.degrees(radius_km / EARTH_RADIUS_KM), lat))
    # https://www.movable-type.co.uk/scripts/latlong.html#dest-point; the sides of a polygon on tan(angle) / cos(pi / n)
    # touch the circle from outside on the plane that touches the globe in the centre.
    angle = math.atan(math.tan(radius_km / EARTH_RADIUS_KM) / math.cos(math.pi / _CORNERS))
    bearings = np.radians(np.linspace(360, 0, _CORNERS, endpoint=False) + 0.5 * 360 / _CORNERS)
    phi = math.radians(lat)
    sine = np.sin(phi) * np.cos(angle) + np.cos(phi) * np.sin(angle) * np.cos(bearings)
    east = np.arctan2(np.sin(bearings) * np.sin(angle) * np.cos(phi), np.cos(angle) - np.sin(phi) * sine)
    lons = (lon + np.degrees(east) + 540) % 360 - 180
    lats = np.degrees(np.arcsin(np.clip(sine, -1, 1)))
    return wrap_footprint(list(zip(lons.tolist(), lats.tolist(), strict=True)))


def _cap(lat: float) -> BaseGeometry:
    """All that lies beyond a latitude, towards its pole."""
    return box(-180, lat, 180, 90) if lat > 0 else box(-180, -90, 180, lat)


def extent(geometry: BaseGeometry, radius_km: float | None) -> BaseGeometry:
    """Return what an entry covers: a point with a radius its circle, anything else itself."""
    if isinstance(geometry, Point) and radius_km:
        round_it = circle(geometry.x, geometry.y, radius_km)
        return geometry if round_it.is_empty else round_it  # a circle of micrometres has no corners left
    return geometry


def cells_of(geometry: BaseGeometry) -> tuple[int, ...]:
    """Return H3 cells that together cover a place."""
    return cover_cells(_with_area(geometry))


def _with_area(geometry: BaseGeometry) -> BaseGeometry:
    """Return an area: points and lines 11 m wide."""
    if isinstance(geometry, Polygon | MultiPolygon):
        return geometry
    widened: BaseGeometry = geometry.buffer(_SPECK, quad_segs=1).intersection(_WORLD)
    return widened
