"""Places: boxes, polygons, footprints and H3 cells, right at the antimeridian and the poles.

Every geometry handed out is in lon, lat degrees within -180..180 and -90..90; a shape that crosses the antimeridian
is a MultiPolygon cut there (RFC 7946), and its bbox has west > east.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import shapely
from shapely.affinity import translate
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient

from core._errors import QueryError
from core._reading import read_limited
from core._settings import Settings
from core._types import BBox

CENTRE_RESOLUTION = 12
"""H3 resolution of a tile's centre cell: edges of about 11 m (https://h3geo.org/docs/core-library/restable)."""

COVER_LIMIT = 16
"""Most cells kept to cover one footprint; the finest resolution that stays under it is used."""

_POLAR = 80.0
"""Latitude from which on the outline is looked up as well; the largest cells round a pole reach down to 79."""

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
    except (TypeError, ValueError):
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
    return box(west, south, east, north)


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
            return shapely.union_all([_from_geojson(feature) for feature in value["features"]])
        if kind == "GeometryCollection":
            return shapely.union_all([_from_geojson(member) for member in value["geometries"]])
        if kind == "Feature":
            return _from_geojson(value["geometry"])
        return shape(dict(value))
    except QueryError:
        raise
    except Exception:
        raise QueryError(f"GeoJSON of type {kind!r} cannot be read; expected a Polygon or MultiPolygon") from None


def _checked_area(geometry: BaseGeometry) -> BaseGeometry:
    if not isinstance(geometry, Polygon | MultiPolygon) or geometry.is_empty:
        kind = "empty" if geometry.is_empty else f"a {geometry.geom_type}"
        raise QueryError(f"the area is {kind}; expected a Polygon or MultiPolygon in lon, lat")
    coordinates = shapely.get_coordinates(geometry)
    if len(coordinates) > MAX_VERTICES:
        raise QueryError(f"the area has {len(coordinates):,} vertices; at most {MAX_VERTICES:,} are accepted")
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


def centre_cell(lon: float, lat: float) -> int:
    """Return the H3 cell (resolution 12) of a point as an unsigned 64-bit number."""
    return int(h3.latlng_to_cell(lat, lon, CENTRE_RESOLUTION))


def cover_cells(geometry: BaseGeometry) -> tuple[int, ...]:
    """Return the cells that together cover a footprint, all of one resolution, at most COVER_LIMIT where possible."""
    pieces = _narrow(geometry)
    resolution = _first_guess(pieces)
    cells = _overlapping(pieces, resolution)
    while len(cells) > COVER_LIMIT and resolution > 0:
        resolution -= 1
        cells = _overlapping(pieces, resolution)
    while resolution < CENTRE_RESOLUTION - 1:
        finer = _overlapping(pieces, resolution + 1)
        if len(finer) > COVER_LIMIT:
            break
        resolution, cells = resolution + 1, finer
    return tuple(sorted(cells))


def _narrow(geometry: BaseGeometry) -> list[BaseGeometry]:
    """Cut into pieces under 180 degrees wide: H3 takes wider ones for shapes that cross the antimeridian."""
    west, _, east, _ = geometry.bounds
    if east - west < 180:
        return list(shapely.get_parts(geometry))
    strips = [geometry.intersection(box(start, -90, start + 90, 90)) for start in (-180, -90, 0, 90)]
    return [part for strip in strips for part in shapely.get_parts(strip) if part.area > 0]


def _first_guess(pieces: list[BaseGeometry]) -> int:
    """The resolution whose cells are about a third of the footprint wide; only the speed depends on it."""
    west, south, east, north = shapely.total_bounds(pieces)
    degrees = max(north - south, (east - west) * math.cos(math.radians(min(abs(south), abs(north)))))
    width_km = degrees * math.radians(EARTH_RADIUS_KM)
    return next((r for r in range(CENTRE_RESOLUTION) if h3.average_hexagon_edge_length(r) < width_km / 3), 11)


def _overlapping(pieces: list[BaseGeometry], resolution: int) -> set[int]:
    shapes = [h3.geo_to_h3shape(piece) for piece in pieces]
    cells = {
        int(cell) for one in shapes for cell in h3.h3shape_to_cells_experimental(one, resolution, contain="overlap")
    }
    polar = [piece for piece in pieces if max(abs(piece.bounds[1]), abs(piece.bounds[3])) > _POLAR]
    return cells | {cell for piece in polar for cell in _cells_along(piece, resolution)}


def _cells_along(piece: BaseGeometry, resolution: int) -> Iterator[int]:
    """The cells of the outline: H3 leaves out the cell round a pole under a narrow shape that ends at the pole."""
    step = math.degrees(h3.average_hexagon_edge_length(resolution) / EARTH_RADIUS_KM) / 2
    for lon, lat in shapely.get_coordinates(shapely.segmentize(piece, step)):
        yield int(h3.latlng_to_cell(lat, lon, resolution))


def parse_cell(text: str) -> int:
    """Return an H3 cell written in hexadecimal as a number.

    Raises:
        QueryError: Not a valid cell.
    """
    cell = int(text, 16) if re.fullmatch("[0-9a-fA-F]{15,16}", text) else 0
    if not h3.is_valid_cell(cell):
        raise QueryError(f"{text!r} is not an H3 cell; expected hexadecimal such as 8a390ca36b57fff")
    return cell


def cell_text(cell: int) -> str:
    """Return an H3 cell in its usual hexadecimal form."""
    return str(h3.int_to_str(cell))
