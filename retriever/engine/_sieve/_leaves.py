"""Conditions as tests of columns. A test lets every row pass for which the condition is true, and may let others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from retriever._evaluate import ARROW_TYPES, matching
from retriever._expression import (
    And,
    Area,
    Column,
    Compare,
    Comparison,
    Constant,
    Expression,
    InCells,
    Nearby,
    OneOf,
    Or,
    Scalar,
)
from retriever._spatial import boxes_round
from retriever.engine._layout import UNDATED, UNKNOWN
from retriever.engine._sieve._model import Boxes, CellRanges, Moments, Named, Percents

EARLIEST = UNDATED + 1
"""The first second that ``Shard.seconds`` holds; earlier dates are written as it."""

LATEST = 2**31 - 1
"""The last second that ``Shard.seconds`` holds; later dates are written as it."""

_FLIPPED: dict[Comparison, Comparison] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
_SECOND = 1_000_000
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_FIRST_MICROSECOND, _LAST_MICROSECOND = -(2**63), 2**63 - 1
_PERCENTS = np.arange(101) / 100
"""The fractions that the percentages of ``Shard.cloud`` stand for."""


def boxes_of(part: Expression) -> Boxes | None:
    """Return the test of bounds of an area, or of several of which one must be met; None for other conditions."""
    parts = part.parts if isinstance(part, Or) else (part,)
    areas = tuple(each for each in parts if isinstance(each, Area | Nearby))
    boxes = [boxes_round(area) for area in areas]
    if len(areas) < len(parts) or None in boxes:
        return None
    sides = [side for each in boxes if each is not None for side in each]
    return Boxes(areas=areas, boxes=_inward(sides), plain=all(map(_is_box, areas)))


def _inward(boxes: Sequence[Sequence[float]]) -> NDArray[np.float32]:
    """Boxes in float32, so that a float32 is on the same side of a rounded side as of the side itself."""
    sides = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    rounded = sides.astype(np.float32)
    least, greatest = rounded[:, :2], rounded[:, 2:]
    low, high = least < sides[:, :2], greatest > sides[:, 2:]  # NumPy compares in float64
    least[low] = np.nextafter(least[low], np.float32(np.inf))
    greatest[high] = np.nextafter(greatest[high], np.float32(-np.inf))
    return rounded


def _is_box(area: Area | Nearby) -> bool:
    """Whether to meet an area is to meet its bounds: of a rectangle, of a line along an axis, of a point."""
    return isinstance(area, Area) and area.relation == "intersects" and _fills_bounds(area.geometry)


def _fills_bounds(geometry: BaseGeometry) -> bool:
    points = shapely.get_coordinates(geometry).tolist()
    if geometry.geom_type in ("Point", "LineString"):
        return 0 < len(points) <= 2 and (points[0][0] == points[-1][0] or points[0][1] == points[-1][1])
    if geometry.geom_type != "Polygon" or len(points) != 5:
        return False
    # Of neighbours on a rectangle exactly one coordinate differs, by turns the one and the other.
    along = [(x == next_x, y == next_y) for (x, y), (next_x, next_y) in pairwise(points)]
    return along in ([(True, False), (False, True)] * 2, [(False, True), (True, False)] * 2)


def comparison(part: Expression) -> tuple[str, Comparison, Scalar] | None:
    """Return a column, how it is compared with a constant, and that; None where a condition is something else."""
    match part:
        case Compare(op=op, left=Column(name=name), right=Constant(value=value)):
            return name, op, value
        case Compare(op=op, left=Constant(value=value), right=Column(name=name)):
            return name, _FLIPPED[op], value
    return None


def moments_of(parts: Sequence[Expression]) -> Moments | None:
    """Return the test of several comparisons of the date, none of them ``<>``; None where no instant fulfils all."""
    first, last = _FIRST_MICROSECOND, _LAST_MICROSECOND
    for _, op, value in _comparisons(parts):
        instant = _microseconds(value)
        if op in (">", ">=", "="):
            first = max(first, instant + (op == ">"))
        if op in ("<", "<=", "="):
            last = min(last, instant - (op == "<"))
    return Moments(condition=together(parts), ranges=_seconds(first, last)) if first <= last else None


def _microseconds(value: Scalar) -> int:
    """Of an instant, since 1970."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return int(pa.scalar(value, ARROW_TYPES["instant"]).value)


def _comparisons(parts: Sequence[Expression]) -> list[tuple[str, Comparison, Scalar]]:
    return [found for found in map(comparison, parts) if found is not None]


def _seconds(first: int, last: int) -> NDArray[np.int32]:
    """The ranges of Moments; the ends of the column stand for all dates beyond them, so they are never sure."""
    may = first // _SECOND, last // _SECOND
    whole = -(-first // _SECOND), last // _SECOND
    sure = max(whole[0], EARLIEST + 1), min((last + 1) // _SECOND - 1, LATEST - 1)
    if whole[0] > LATEST or whole[1] < EARLIEST:
        whole = LATEST, EARLIEST
    ends = (*may, *sure, *whole)
    return np.array([min(max(second, EARLIEST), LATEST) for second in ends], dtype=np.int32)


def percents_of(parts: Sequence[Expression]) -> Percents | None:
    """Return the test of several comparisons of the cloud share, none of them ``<>``; None where nothing passes."""
    may, sure = (0, 100), (0, 100)
    for _, op, value in _comparisons(parts):
        wide, narrow = _percent_ranges(op, float(pa.scalar(value, ARROW_TYPES["number"]).as_py()))
        may, sure = _common(may, wide), _common(sure, narrow)
    if may[0] > may[1]:
        return None
    certain = sure if sure[0] <= sure[1] else (UNKNOWN, 0)
    return Percents(condition=together(parts), ranges=np.array([*may, *certain], dtype=np.uint8))


def _common(first: tuple[int, int], second: tuple[int, int]) -> tuple[int, int]:
    return max(first[0], second[0]), min(first[1], second[1])


def _percent_ranges(op: Comparison, share: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Percentages that may fulfil a comparison, and that do. 0 and 100 stand for all that is beyond them as well."""
    percent = int(np.clip(np.searchsorted(_PERCENTS, share, side="right") - 1, 0, 100))
    below, at_least = (0, percent - 1), (percent, 100)
    even = percent > 0 and share == _PERCENTS[percent]
    match op:
        case "<=":
            return (0, percent), below
        case "<":
            return (below if even else (0, percent)), below
        case ">=":
            return at_least, at_least if even else (percent + 1, 100)
        case ">":
            return at_least, (percent + 1, 100)
        case _:
            return (percent, percent), (1, 0)


@lru_cache(256)
def named_of(
    parts: tuple[Expression, ...], *, column: Literal["sensor", "collection"], names: tuple[str, ...]
) -> Named | None:
    """Return the test of conditions that read one column of names only; None where no name fulfils all of them."""
    fitting = np.ones(len(names), dtype=bool)
    for part in parts:
        fitting &= _fitting(part, column, names)
    if not fitting.any():
        return None
    table = np.zeros(UNKNOWN + 1, dtype=np.uint8)
    rest = fitting[UNKNOWN:]
    table[: min(len(names), UNKNOWN)] = fitting[:UNKNOWN]
    table[UNKNOWN] = rest.any()
    return Named(
        condition=together(parts),
        column=column,
        table=table,
        places=np.flatnonzero(table).astype(np.uint8),
        wanted=np.packbits(table, bitorder="little").view(np.uint64),
        doubted=bool(rest.any() and not rest.all()),
    )


def _fitting(part: Expression, column: str, names: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) whether each name fulfils a condition."""
    if isinstance(part, OneOf) and isinstance(part.value, Column):
        wanted = set(part.choices)
        return np.array([name in wanted for name in names], dtype=bool)
    found = np.zeros(len(names), dtype=bool)
    found[matching(part, pa.RecordBatch.from_arrays([pa.array(names, pa.string())], [column]))] = True
    return found


def cells_of(part: Expression) -> CellRanges | None:
    """Return the test of the centre cell; None where the condition is something else."""
    match part:
        case InCells(ranges=ranges):
            first, last = np.array(ranges, dtype=np.uint64).reshape(-1, 2).T
        case Compare() if (found := comparison(part)) is not None and found[:2] == ("h3", "="):
            first = last = np.array([found[2]], dtype=np.uint64)
        case OneOf(value=Column(name="h3"), choices=choices):
            first = last = np.unique(np.array(choices, dtype=np.uint64))
        case _:
            return None
    # 0 stands for no cell.
    return CellRanges(first=np.maximum(first, np.uint64(1)), last=np.ascontiguousarray(last))


def together(parts: Sequence[Expression]) -> Expression:
    """Return the conjunction of at least one condition."""
    return parts[0] if len(parts) == 1 else And(parts=tuple(parts))
