"""The filters of a request as one tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shapely.geometry.base import BaseGeometry

from retriever._expression import Area, Column, Expression, InCells, Not, OneOf, Value, all_of, any_of, compare
from retriever._literals import cell_ranges
from retriever._spatial import bbox_parts, both_names
from retriever._translate import parse_filter

if TYPE_CHECKING:
    from retriever._request import SearchRequest


def where(request: SearchRequest) -> Expression | None:
    """Return what a tile must fulfil; None where every tile matches.

    Raises:
        QueryError: A cell is too fine, or the CQL2 filter is wrong.
    """
    parts = [*_place(request), *_time(request), *_names(request), *_quality(request)]
    if request.filter is not None:
        parts.append(parse_filter(request.filter))
    return all_of([*parts, *without(left_out(request))])


def left_out(request: SearchRequest) -> tuple[str, ...]:
    """Return the ids of the tiles that a request names and does not want back: examples, and those marked as wrong."""
    named = (request.like, *(term.like for term in request.query), *request.minus)
    return tuple(dict.fromkeys(tile_id for tile_id in named if tile_id is not None))


def without(tile_ids: tuple[str, ...]) -> list[Expression]:
    """Return the filter that leaves these tiles out; none where there are none."""
    if len(tile_ids) < 2:
        return [compare("tile_id", "text", "<>", tile_id) for tile_id in tile_ids]
    return [Not(part=OneOf(value=_text_column("tile_id"), choices=tile_ids))]


def _place(request: SearchRequest) -> list[Expression]:
    parts: list[Expression] = []
    if request.bbox is not None:
        parts.append(any_of([_meets(part) for part in bbox_parts(request.bbox)]))
    if request.within is not None:
        parts.append(_meets(request.within))
    if request.near is not None:
        parts.append(request.near)
    if request.h3:
        parts.append(InCells(ranges=cell_ranges(request.h3)))
    return parts


def _meets(geometry: BaseGeometry) -> Expression:
    return any_of([Area(relation="intersects", geometry=part) for part in both_names(geometry)])


def _time(request: SearchRequest) -> list[Expression]:
    start, end = request.datetime or (None, None)
    first = [] if start is None else [compare("datetime", "instant", ">=", start)]
    return [*first, *([] if end is None else [compare("datetime", "instant", "<=", end)])]


def _names(request: SearchRequest) -> list[Expression]:
    choices = {"sensor": request.sensor, "collection": request.collection, "label": request.label}
    return [OneOf(value=_text_column(name), choices=names) for name, names in choices.items() if names]


def _text_column(name: str) -> Value:
    return Column(name=name, kind="text")


def _quality(request: SearchRequest) -> list[Expression]:
    clear = [] if request.max_cloud is None else [compare("cloud", "number", "<=", request.max_cloud / 100)]
    return [*clear, *([] if request.min_valid is None else [compare("valid", "number", ">=", request.min_valid)])]
