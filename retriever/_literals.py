"""Geometries and cells written in a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import shapely
from shapely.geometry import Polygon, shape
from shapely.geometry.base import BaseGeometry, BaseMultipartGeometry

from core import (
    CENTRE_RESOLUTION,
    MAX_LINE_CROSSINGS,
    MAX_VERTICES,
    FilterError,
    QueryError,
    crosses_much,
    parse_bbox,
    parse_cell,
    parse_geometry,
)
from retriever._expression import Constant
from retriever._spatial import bbox_parts

_DIGITS = 3
"""Bits of one resolution in a cell number, finest last (https://h3geo.org/docs/core-library/h3Indexing)."""

_FINEST = 15
"""Resolutions in a cell number; those finer than the cell's own are all ones."""


def geometry_literal(node: Any) -> Sequence[BaseGeometry]:
    """Return the geometry of a GeoJSON mapping, or the one or two parts of ``{"bbox": [...]}``.

    Raises:
        FilterError: It cannot be read, or lies outside the earth.
    """
    try:
        if isinstance(node, Mapping) and "bbox" in node:
            return bbox_parts(parse_bbox(node["bbox"]))
        if isinstance(node, Mapping) and "type" in node:
            return (_checked(shape(dict(node)), node),)
    except QueryError as error:
        raise FilterError(f"the filter's geometry is wrong: {error}") from None
    except Exception as error:
        reason = " ".join(str(error).split())  # GEOS ends its messages with a line end
        raise FilterError(f"the filter's geometry cannot be read: {reason}") from None
    raise FilterError("the filter has no geometry where one such as BBOX(-4, 40, -3, 41) is expected")


def _checked(geometry: BaseGeometry, node: Mapping[str, Any]) -> BaseGeometry:
    if isinstance(geometry, Polygon) or geometry.geom_type == "MultiPolygon":
        return parse_geometry(node)
    lon, lat = shapely.get_coordinates(geometry).T
    if geometry.is_empty or not (np.abs(lon) <= 180).all() or not (np.abs(lat) <= 90).all():
        raise QueryError(f"the {geometry.geom_type} is empty or outside lon -180..180, lat -90..90")
    if isinstance(geometry, BaseMultipartGeometry) and geometry.geom_type == "GeometryCollection":
        raise QueryError("a GeometryCollection cannot be compared; join several conditions with OR")
    if len(lon) > MAX_VERTICES:
        raise QueryError(f"the {geometry.geom_type} has {len(lon):,} vertices; at most {MAX_VERTICES:,} are accepted")
    if crosses_much([geometry], MAX_LINE_CROSSINGS):
        raise QueryError(f"the {geometry.geom_type} crosses itself too often; give a simpler one")
    return geometry


def cell_literal(text: str) -> Constant:
    """Return the number of a cell written in hexadecimal.

    Raises:
        FilterError: Not a cell, or not one of the tiles' resolution.
    """
    try:
        cell = parse_cell(text)
    except QueryError as error:
        raise FilterError(str(error)) from None
    if h3.get_resolution(cell) != CENTRE_RESOLUTION:
        raise FilterError(f"{text} is a cell of resolution {h3.get_resolution(cell)}; h3 holds cells of 12")
    return Constant(value=cell, kind="cell")


def cell_ranges(cells: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Return the sorted, disjoint ranges of resolution-12 numbers that descend from the cells.

    Raises:
        QueryError: A cell is finer than the tiles' centre cells.
    """
    ranges: list[tuple[int, int]] = []
    for first, last in sorted(map(_descendants, cells)):
        if ranges and first <= ranges[-1][1]:
            ranges[-1] = ranges[-1][0], max(last, ranges[-1][1])
        else:
            ranges.append((first, last))
    return tuple(ranges)


def _descendants(cell: int) -> tuple[int, int]:
    resolution = h3.get_resolution(cell)
    if resolution > CENTRE_RESOLUTION:
        raise QueryError(
            f"H3 cell {h3.int_to_str(cell)} has resolution {resolution}; tiles are known to {CENTRE_RESOLUTION}"
        )
    first = int(h3.cell_to_center_child(cell, CENTRE_RESOLUTION))
    free = (1 << _DIGITS * (CENTRE_RESOLUTION - resolution)) - 1
    return first, first | free << _DIGITS * (_FINEST - CENTRE_RESOLUTION)
