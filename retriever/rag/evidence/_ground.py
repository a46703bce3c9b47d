"""The ground that footprints cover together, in square kilometres on the WGS84 ellipsoid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import shapely
from pyproj import Geod
from shapely.geometry import Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from retriever._distance import EDGE_DEGREES

_GEOD = Geod(ellps="WGS84")


def ground_km2(footprints: Iterable[BaseGeometry]) -> float:
    """Return the area of the union of footprints, each place counted once.

    Edges are straight on a map in degrees, as everywhere here; they are cut so short that geodesics follow them.

    Args:
        footprints: In lon, lat, cut at the antimeridian.
    """
    union = shapely.union_all(np.array(list(footprints), dtype=np.object_))
    return sum((_km2(part) for part in _polygons(union)), 0.0)


def _polygons(area: BaseGeometry) -> Iterator[Polygon]:
    """Yield polygons under a quarter of the globe wide: of a wider one a geodesic would go the other way round."""
    west, _, east, _ = area.bounds
    strips = [area] if east - west <= 90 else [area.intersection(_strip(start)) for start in range(-180, 180, 90)]
    for strip in strips:
        yield from (part for part in shapely.get_parts(strip) if isinstance(part, Polygon))


def _strip(start: int) -> BaseGeometry:
    return box(start, -90, start + 90, 90)


def _km2(polygon: Polygon) -> float:
    dense = shapely.segmentize(orient(polygon), EDGE_DEGREES)
    square_metres, _ = _GEOD.geometry_area_perimeter(dense)
    return float(square_metres) / 1e6
