"""Places: boxes, polygons and footprints, right at the antimeridian and the poles.

Every geometry handed out is in lon, lat degrees within -180..180 and -90..90; a shape that crosses the antimeridian
is a MultiPolygon cut there (RFC 7946), and its bbox has west > east.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.affinity import translate
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from core._crossings import MAX_UNION_CROSSINGS, crosses_much
from core._errors import QueryError
from core._reading import read_limited
from core._settings import Settings
from core._types import BBox

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
    try:
        parts = value.split(",") if isinstance(value, str) else list(value)
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError, OverflowError):
        raise QueryError(f"bbox {value!r} is not four numbers; {_BBOX_HINT}") from None
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise QueryError(f"bbox {value!r} is not four finite numbers; {_BBOX_HINT}")
    west, south, east, north = numbers
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise QueryError(f"bbox {value!r} is out of range or has south > north; {_BBOX_HINT}")
    return west, south, east, north


def bbox_geometry(bbox: BBox) -> BaseGeometry:
    """Return the bbox as a polygon, or as two where it crosses the antimeridian.

    A bbox without width or height becomes the line or point it is, which still intersects what it touches.
    """
    west, south, east, north = bbox
    if west <= east:
        return rectangle(west, south, east, north)
    return shapely.union(rectangle(west, south, 180, north), rectangle(-180, south, east, north))


def rectangle(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """Return a box, or the line or point it is where it has no width or height."""
    if (west, south) == (east, north):
        return Point(west, south)
    if west == east or south == north:
        return LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def geometry_bbox(geometry: BaseGeometry) -> BBox:
    """Return the smallest bbox of a geometry; west > east where it was cut at the antimeridian."""
    west, south, east, north = (float(bound) for bound in geometry.bounds)
    if (west, east) == (-180, 180):
        west, east = _around_widest_gap(shapely.get_parts(geometry))
    return west, south, east, north


def _around_widest_gap(parts: Iterable[BaseGeometry]) -> tuple[float, float]:
    """West and east of parts that reach both sides of the antimeridian: all but the widest empty range between."""
    west, east, widest, reached = -180.0, 180.0, 0.0, -180.0
    for start, end in sorted((part.bounds[0], part.bounds[2]) for part in parts):
        if start - reached > widest:
            west, east, widest = float(start), float(reached), start - reached
        reached = max(reached, end)
    return west, east


def parse_geometry(value: str | Path | Mapping[str, Any] | BaseGeometry) -> BaseGeometry:
    """Return the search area in a GeoJSON file, text, mapping, or shapely geometry.

    Features and collections are reduced to the union of their geometries. Polygons that cross the antimeridian in
    either convention (cut there as RFC 7946 asks, or coordinates that run on beyond 180) come back cut. An edge from
    170 to -170 is what the RFC says it is: a line through Greenwich.

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
            text = read_limited(Path(text), Settings().max_metadata_bytes).decode("utf-8")
        except ValueError as error:
            raise QueryError(f"cannot read GeoJSON from {str(value)!r}: {error}") from None
    try:
        loaded = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"{_shortened(value)} is not JSON: {error}; expected a GeoJSON Polygon") from None
    if not isinstance(loaded, dict):
        raise QueryError(f"{_shortened(value)} holds a {type(loaded).__name__}; expected a GeoJSON object")
    return loaded


def _no_number(name: str) -> None:
    """JSON has no NaN and Infinity, but Python's reader lets them pass."""
    raise ValueError(f"{name} is not a number")


def _shortened(value: object, limit: int = 80) -> str:
    text = str(value)
    return text if len(text) <= limit else text[:limit] + "..."


def _from_geojson(value: Mapping[str, Any]) -> BaseGeometry:
    kind = value.get("type")
    try:
        if kind == "FeatureCollection":
            return _union([_from_geojson(feature) for feature in value["features"]])
        if kind == "GeometryCollection":
            return _union([_from_geojson(member) for member in value["geometries"]])
        if kind == "Feature":
            return _from_geojson(value["geometry"])
        return shape(dict(value))
    except QueryError:
        raise
    except Exception:
        raise QueryError(f"GeoJSON of type {kind!r} cannot be read; expected a Polygon or MultiPolygon") from None


def _union(parts: Sequence[BaseGeometry]) -> BaseGeometry:
    """Join areas; what would not end is refused before."""
    _check_vertices(sum(int(shapely.get_num_coordinates(part)) for part in parts))
    if crosses_much(parts, MAX_UNION_CROSSINGS):
        raise QueryError("the outlines of the areas cross too often; give areas that overlap less, or join them before")
    return shapely.union_all(parts)


def _check_vertices(count: int) -> None:
    if count > MAX_VERTICES:
        raise QueryError(f"the area has {count:,} vertices; at most {MAX_VERTICES:,} are accepted")


def _checked_area(geometry: BaseGeometry) -> BaseGeometry:
    if not isinstance(geometry, Polygon | MultiPolygon) or geometry.is_empty:
        kind = "empty" if geometry.is_empty else f"a {geometry.geom_type}"
        raise QueryError(f"the area is {kind}; expected a Polygon or MultiPolygon in lon, lat")
    coordinates = shapely.get_coordinates(geometry)
    _check_vertices(len(coordinates))
    lon, lat = coordinates[:, 0], coordinates[:, 1]
    if not (abs(lat) <= 90).all() or not (abs(lon) <= 360).all():
        raise QueryError("the area has coordinates outside lon -360..360, lat -90..90; expected lon, lat in degrees")
    if not geometry.is_valid:
        raise QueryError(f"the area is not a valid polygon: {shapely.is_valid_reason(geometry)}")
    return _cut(geometry) if (abs(lon) > 180).any() else _areas(geometry)


def _cut(geometry: BaseGeometry) -> BaseGeometry:
    """Cut at the antimeridian a shape whose coordinates run beyond it without wrapping."""
    world = [translate(geometry, xoff=turn) for turn in (-360, 0, 360)]
    return _areas(shapely.union_all([part.intersection(box(-180, -90, 180, 90)) for part in world]))


def _areas(geometry: BaseGeometry) -> BaseGeometry:
    """Keep the polygons of a geometry, wound as RFC 7946 asks: exteriors counter-clockwise."""
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(geometry)))
    polygons = [orient(part) for part in parts if isinstance(part, Polygon) and part.area > 0]
    return polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)


def wrap_footprint(ring: Sequence[tuple[float, float]]) -> BaseGeometry:
    """Return the polygon of a lon, lat ring as projected, cut at the antimeridian and closed over a pole.

    A ring that winds once round a pole encloses it. A ring that crosses 180 degrees is cut there. A single vertex on a
    pole has no longitude of its own: both of its neighbours' are taken. Neighbours must be less than 180 degrees apart.

    Args:
        ring: Three or more lon, lat vertices in degrees, closed or not, either way round, in -180..180 or beyond.
    """
    vertices = [(round(float(lon), 9), round(float(lat), 9)) for lon, lat in ring]  # 1e-9 degrees is 0.1 mm
    vertices = vertices[:-1] if vertices[0] == vertices[-1] else vertices
    around = _unwrap(_turned_from_pole(vertices))
    if abs(around[-1][0] - around[0][0]) > 180:
        return _over_pole(around)
    polygon = Polygon(around)
    if polygon.is_valid and all(abs(lon) <= 180 for lon, _ in around):
        return orient(polygon)
    return _cut(shapely.make_valid(polygon))


def _over_pole(around: list[tuple[float, float]]) -> BaseGeometry:
    """The cap between a ring that winds round the globe once and its nearer pole."""
    pole = 90.0 if sum(lat for _, lat in around) > 0 else -90.0
    turn = round((around[-1][0] - around[0][0]) / 360) * 360
    # Three times round, so that no seam falls within -180..180.
    edge = [(lon + shift, lat) for shift in (-turn, 0, turn) for lon, lat in around[:-1]]
    cap = Polygon([*edge, (edge[-1][0], pole), (edge[0][0], pole)])
    return _areas(shapely.make_valid(cap).intersection(box(-180, -90, 180, 90)))


def _turned_from_pole(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Start the ring at its vertex farthest from the poles, so that no lone pole vertex comes first or last."""
    first = min(range(len(ring)), key=lambda at: abs(ring[at][1]))
    return [*ring[first:], *ring[: first + 1]]


def _unwrap(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Make longitudes continuous along a closed ring, starting from its first vertex."""
    result = [(_near(ring[0][0], 0), ring[0][1])]
    for index in range(1, len(ring)):
        lon, lat = ring[index]
        lone_pole = abs(lat) == 90 and all(abs(neighbour[1]) < 90 for neighbour in ring[index - 1 : index + 2 : 2])
        if lone_pole:
            result.append((result[-1][0], lat))
            lon = ring[index + 1][0]
        result.append((_near(lon, result[-1][0]), lat))
    return result


def _near(lon: float, other: float) -> float:
    """The same meridian, numbered within 180 degrees of the other."""
    return lon - 360 * round((lon - other) / 360)
