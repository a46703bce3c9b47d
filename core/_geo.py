"""Places: boxes, polygons, footprints and H3 cells, right at the antimeridian and the poles.

Every geometry handed out is in lon, lat degrees within -180..180 and -90..90; a shape that crosses the antimeridian
is a MultiPolygon cut there (RFC 7946), and its bbox has west > east.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import antimeridian
import h3.api.basic_int as h3
import shapely
from shapely.geometry import MultiPolygon, Polygon, box, shape
from shapely.geometry.base import BaseGeometry

from core._errors import QueryError
from core._types import BBox

CENTRE_RESOLUTION = 12
"""H3 resolution of a tile's centre cell: edges of about 11 m (https://h3geo.org/docs/core-library/restable)."""

COVER_LIMIT = 16
"""Most cells kept to cover one footprint; the finest resolution that stays under it is used."""

MAX_VERTICES = 100_000
"""Most vertices accepted in a search polygon."""

EARTH_RADIUS_KM = 6371.0088
"""Mean radius, IUGG (https://en.wikipedia.org/wiki/Earth_radius#Arithmetic_mean_radius)."""

_BBOX_HINT = "expected west,south,east,north in degrees, e.g. -3.9,40.2,-3.5,40.6 (west > east crosses 180)"


def parse_bbox(value: str | Sequence[float]) -> BBox:
    """Return a checked bbox.

    Raises:
        QueryError: Not four finite numbers in range, or south > north.
    """
    parts = value.split(",") if isinstance(value, str) else list(value)
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        raise QueryError(f"bbox {value!r} is not four numbers; {_BBOX_HINT}") from None
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise QueryError(f"bbox {value!r} is not four finite numbers; {_BBOX_HINT}")
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise QueryError(f"bbox {value!r} is out of range or has south > north; {_BBOX_HINT}")
    return west, south, east, north


def bbox_geometry(bbox: BBox) -> BaseGeometry:
    """Return the bbox as a polygon, or as two where it crosses the antimeridian."""
    west, south, east, north = bbox
    if west <= east:
        return box(west, south, east, north)
    return MultiPolygon([box(west, south, 180, north), box(-180, south, east, north)])


def geometry_bbox(geometry: BaseGeometry) -> BBox:
    """Return the bbox of a geometry cut at the antimeridian; west > east where it was cut."""
    if isinstance(geometry, Polygon | MultiPolygon):
        west, south, east, north = antimeridian.bbox(geometry)
        return float(west), float(south), float(east), float(north)
    west, south, east, north = geometry.bounds
    return west, south, east, north


def parse_geometry(value: str | Path | Mapping[str, Any] | BaseGeometry) -> BaseGeometry:
    """Return the search area in a GeoJSON file, text, mapping, or shapely geometry.

    Features and FeatureCollections are reduced to the union of their geometries. Polygons that cross the antimeridian
    in either convention (cut, or coordinates beyond 180) are cut there.

    Raises:
        QueryError: Not GeoJSON, not an area, out of range, empty, invalid or with too many vertices.
    """
    geometry = value if isinstance(value, BaseGeometry) else _from_geojson(_load_geojson(value))
    return _checked_area(geometry)


def _load_geojson(value: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    text = str(value)
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise QueryError(f"cannot read GeoJSON from {str(value)!r}: {_reason(error)}") from None
    try:
        loaded = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise QueryError(f"{_shortened(value)} is not JSON: {error}; expected a GeoJSON Polygon") from None
    if not isinstance(loaded, dict):
        raise QueryError(f"{_shortened(value)} holds a {type(loaded).__name__}; expected a GeoJSON object")
    return loaded


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _shortened(value: object, limit: int = 80) -> str:
    text = str(value)
    return text if len(text) <= limit else text[:limit] + "..."


def _from_geojson(value: Mapping[str, Any]) -> BaseGeometry:
    kind = value.get("type")
    try:
        if kind == "FeatureCollection":
            return shapely.union_all([_from_geojson(feature) for feature in value["features"]])
        if kind == "Feature":
            return _from_geojson(value["geometry"])
        return shape(value)
    except QueryError:
        raise
    except Exception as error:
        raise QueryError(f"GeoJSON of type {kind!r} cannot be read: {error}; expected a Polygon or MultiPolygon") from None


def _checked_area(geometry: BaseGeometry) -> BaseGeometry:
    if not isinstance(geometry, Polygon | MultiPolygon) or geometry.is_empty:
        raise QueryError(f"the area is a {geometry.geom_type}; expected a non-empty Polygon or MultiPolygon in lon, lat")
    coordinates = shapely.get_coordinates(geometry)
    if len(coordinates) > MAX_VERTICES:
        raise QueryError(f"the area has {len(coordinates):,} vertices; at most {MAX_VERTICES:,} are accepted")
    lon, lat = coordinates[:, 0], coordinates[:, 1]
    if not (abs(lat) <= 90).all() or not (abs(lon) <= 360).all():
        raise QueryError("the area has coordinates outside lon -360..360, lat -90..90; expected lon, lat in degrees")
    if not geometry.is_valid:
        raise QueryError(f"the area is not a valid polygon: {shapely.is_valid_reason(geometry)}")
    return geometry if (abs(lon) <= 180).all() else _cut(geometry)


def _cut(geometry: Polygon | MultiPolygon) -> BaseGeometry:
    """Cut at the antimeridian a shape whose coordinates run beyond it without wrapping."""
    world = [shapely.transform(geometry, lambda xy, by=shift: xy + [by, 0]) for shift in (-360, 0, 360)]
    return shapely.union_all([part.intersection(box(-180, -90, 180, 90)) for part in world])


def wrap_footprint(ring: Sequence[tuple[float, float]]) -> BaseGeometry:
    """Return the polygon of a lon, lat ring as projected, cut at the antimeridian and closed over a pole.

    A ring that winds once round a pole encloses it. A ring that crosses 180 degrees is cut there.
    """
    turn = _winding(ring)
    if turn:
        return _over_pole(ring)
    unwrapped = _unwrap(ring)
    return shapely.make_valid(_cut(Polygon(unwrapped))) if _beyond(unwrapped) else Polygon(unwrapped)


def _unwrap(ring: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Make longitudes continuous along the ring, starting from its first point."""
    result = [ring[0]]
    for lon, lat in ring[1:]:
        step = (lon - result[-1][0] + 180) % 360 - 180
        result.append((result[-1][0] + step, lat))
    return result


def _winding(ring: Sequence[tuple[float, float]]) -> int:
    closed = [*ring, ring[0]]
    unwrapped = _unwrap(closed)
    return round((unwrapped[-1][0] - unwrapped[0][0]) / 360)


def _beyond(ring: Sequence[tuple[float, float]]) -> bool:
    return any(abs(lon) > 180 for lon, _ in ring)


def _over_pole(ring: Sequence[tuple[float, float]]) -> BaseGeometry:
    """The cap between the ring and its nearer pole."""
    pole = 90.0 if sum(lat for _, lat in ring) > 0 else -90.0
    unwrapped = _unwrap([*ring, ring[0]])
    cap = Polygon([*unwrapped, (unwrapped[-1][0], pole), (unwrapped[0][0], pole)])
    return shapely.make_valid(_cut(cap))


def centre_cell(lon: float, lat: float) -> int:
    """Return the H3 cell (resolution 12) of a point as an unsigned 64-bit number."""
    return int(h3.latlng_to_cell(lat, lon, CENTRE_RESOLUTION))


def cover_cells(geometry: BaseGeometry) -> tuple[int, ...]:
    """Return the cells that together cover a footprint, all of one resolution, at most COVER_LIMIT where possible."""
    parts = list(geometry.geoms) if isinstance(geometry, MultiPolygon) else [geometry]
    best: tuple[int, ...] = ()
    for resolution in range(CENTRE_RESOLUTION):
        cells = {cell for part in parts for cell in _overlapping(part, resolution)}
        if best and len(cells) > COVER_LIMIT:
            return best
        best = tuple(sorted(cells))
    return best


def _overlapping(part: BaseGeometry, resolution: int) -> list[int]:
    shape_ = h3.geo_to_h3shape(part)
    return [int(cell) for cell in h3.h3shape_to_cells_experimental(shape_, resolution, contain="overlap")]


def parse_cell(text: str) -> int:
    """Return an H3 cell written in hexadecimal as a number.

    Raises:
        QueryError: Not a valid cell.
    """
    try:
        cell = int(h3.str_to_int(text))
    except ValueError:
        cell = 0
    if not h3.is_valid_cell(cell):
        raise QueryError(f"{text!r} is not an H3 cell; expected hexadecimal such as 8a390ca36b57fff")
    return cell


def cell_text(cell: int) -> str:
    """Return an H3 cell in its usual hexadecimal form."""
    return str(h3.int_to_str(cell))
