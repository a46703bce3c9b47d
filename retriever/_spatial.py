"""Exact tests of footprints against areas, and the rough tests on bounds that spare most exact ones.

Areas are planar in lon, lat: edges are straight lines on a plate carrée map, as in GeoJSON.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate
from shapely.geometry import LineString
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM, BBox, rectangle
from retriever._expression import Always, And, Area, Column, Compare, Expression, Nearby, Or, any_of, compare

_PARTS_LIMIT = 32
"""Most parts of an area whose bounds are tested one by one; more are tested together."""

_SINGLE = ("Polygon", "LineString", "Point")
"""Geometries of one part."""

_SLACK = 1e-3
"""Degrees by which the bounds round a circle are widened, because arcs bulge beyond the straight edges."""

Geometries = NDArray[np.object_]


def bbox_parts(bbox: BBox) -> tuple[BaseGeometry, ...]:
    """Return the one or two geometries of a bbox; a line or a point where it has no area."""
    west, south, east, north = bbox
    if west <= east:
        return (rectangle(west, south, east, north),)
    return rectangle(west, south, 180, north), rectangle(-180, south, east, north)


def both_names(geometry: BaseGeometry) -> tuple[BaseGeometry, ...]:
    """Return the geometry and, where it touches the antimeridian, those points under the meridian's other name."""
    west, _, east, _ = geometry.bounds
    sides = [side for side, touched in ((180.0, east == 180), (-180.0, west == -180)) if touched]
    edges = [translate(geometry.intersection(LineString([(side, -90), (side, 90)])), -2 * side) for side in sides]
    return geometry, *edges


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
    boxes = boxes_round(node)
    return Always(value=True) if boxes is None else any_of(list(map(_overlap, boxes)))


def boxes_round(node: Area | Nearby) -> list[tuple[float, float, float, float]] | None:
    """Return boxes, none across the antimeridian, one of which meets every footprint for which the node is true.

    None where the node is true of footprints that are anywhere.
    """
    if isinstance(node, Nearby):
        return [_circle_bounds(node)]
    if node.relation == "disjoint":
        return None
    if node.geometry.geom_type in _SINGLE:
        return [node.geometry.bounds]
    parts = shapely.get_parts(node.geometry)
    if len(parts) > _PARTS_LIMIT:
        parts = np.array([node.geometry])
    return [part.bounds for part in parts]


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
