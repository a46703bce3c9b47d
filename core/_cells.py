"""H3 cells: of a point, and those that together cover a footprint, right at the antimeridian and the poles."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from core._errors import QueryError
from core._geo import EARTH_RADIUS_KM

CENTRE_RESOLUTION = 12
"""H3 resolution of a tile's centre cell: edges of about 11 m (https://h3geo.org/docs/core-library/restable)."""

COVER_LIMIT = 16
"""Most cells kept to cover one footprint; the finest resolution that stays under it is used."""

_POLAR = 75.0
"""Latitude from which on cells are found on a plane: H3 leaves out the cell round a pole (the largest reaches down to
79) under a shape that only touches the pole, and asks for gigabytes where degrees of longitude are short."""

_POLAR_STEP = 0.02
"""Degrees at which edges are cut before they are put on that plane, where they are curves."""

_POLAR_SLACK = 3e-8
"""What an edge so cut is off at most, as a share of the earth's radius: 0.2 m, ``radians(_POLAR_STEP) ** 2 / 4``."""


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
    cells: set[int] = set()
    for piece in pieces:
        for part in _areas_within(piece, -_POLAR, _POLAR):
            shape = h3.geo_to_h3shape(part)
            cells.update(map(int, h3.h3shape_to_cells_experimental(shape, resolution, contain="overlap")))
        for south, north in ((-90.0, -_POLAR), (_POLAR, 90.0)):
            for part in _areas_within(piece, south, north):
                cells |= _overlapping_polar(part, resolution)
    return cells


def _areas_within(piece: BaseGeometry, south: float, north: float) -> list[BaseGeometry]:
    if south <= piece.bounds[1] and piece.bounds[3] <= north:
        return [piece]
    parts = shapely.get_parts(piece.intersection(box(-180, south, 180, north)))
    return [part for part in parts if part.area > 0]


def _overlapping_polar(part: BaseGeometry, resolution: int) -> set[int]:
    """The cells that touch an area near a pole: those under its vertices, and neighbours as far as they touch it."""
    area = shapely.make_valid(shapely.transform(shapely.segmentize(part, _POLAR_STEP), _on_plane)).buffer(_POLAR_SLACK)
    shapely.prepare(area)
    waiting = {int(h3.latlng_to_cell(lat, lon, resolution)) for lon, lat in shapely.get_coordinates(part)}
    seen, found = set(waiting), set()
    while waiting:
        touching = {cell for cell, shape in _on_plane_cells(waiting) if area.intersects(shape)}
        waiting = {int(near) for cell in touching for near in h3.grid_disk(cell, 1)} - seen
        seen |= waiting
        found |= touching
    return found


def _on_plane_cells(cells: Iterable[int]) -> Iterator[tuple[int, BaseGeometry]]:
    named = list(cells)
    outlines = [h3.cell_to_boundary(cell) for cell in named]
    of = np.repeat(np.arange(len(named)), [len(outline) for outline in outlines])
    corners = _on_plane(np.concatenate(outlines)[:, ::-1])
    shapes: NDArray[np.object_] = np.asarray(shapely.polygons(shapely.linearrings(corners, indices=of)))
    return zip(named, shapes, strict=True)


def _on_plane(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 2) lon, lat of one polar region on the plane that touches its pole, in earth radii.

    It is the gnomonic projection: the sides of cells are arcs of great circles, and straight there.
    """
    lon, lat = np.radians(places.T)
    away = 1 / np.tan(abs(lat))
    return np.stack([away * np.cos(lon), away * np.sin(lon)], axis=1)


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
