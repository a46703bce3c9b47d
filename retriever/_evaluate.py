"""A filter applied to rows: an Arrow batch in, a boolean mask with nulls for unknown out."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from retriever._distance import within_radius
from retriever._expression import (
    Always,
    And,
    Area,
    Arithmetic,
    Column,
    Compare,
    Constant,
    Expression,
    Fold,
    InCells,
    IsNull,
    Kind,
    Like,
    Nearby,
    Not,
    OneOf,
    Or,
    Value,
)
from retriever._spatial import in_area, rough

ARROW_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "number": pa.float64(),
    "instant": pa.timestamp("us", tz="UTC"),
    "cell": pa.uint64(),
}

_COMPARISONS = {
    "=": pc.equal,
    "<>": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


def matching(expression: Expression, batch: pa.RecordBatch) -> NDArray[np.int64]:
    """Return the indices of the rows for which the filter is true, rising."""
    return _rows(evaluate(expression, batch), unknown=False)


def evaluate(expression: Expression, batch: pa.RecordBatch) -> pa.BooleanArray:
    """Return (rows,) true, false or null for unknown."""
    match expression:
        case And(parts=parts):
            return _conjunction(parts, batch)
        case Or(parts=parts):
            return _disjunction(parts, batch)
        case Not(part=part):
            return pc.invert(evaluate(part, batch))
        case Compare() | OneOf() | Like():
            return _comparison(expression, batch)
        case _:
            return _property(expression, batch)


def _property(expression: Always | Area | Nearby | InCells | IsNull, batch: pa.RecordBatch) -> pa.BooleanArray:
    match expression:
        case Always(value=value):
            return pa.array(np.full(batch.num_rows, value))
        case Area() | Nearby():
            return _spatial(expression, batch)
        case InCells(ranges=ranges):
            return _in_cells(ranges, batch["h3"])
        case IsNull(column=name):
            return pc.is_null(batch[name])


def _comparison(expression: Compare | OneOf | Like, batch: pa.RecordBatch) -> pa.BooleanArray:
    match expression:
        case Compare(op=op, left=left, right=right):
            return _COMPARISONS[op](value_of(left, batch), value_of(right, batch))
        case OneOf(value=value, choices=choices):
            values = value_of(value, batch)
            found = pc.is_in(values, value_set=pa.array(choices, type=values.type))
            return pc.if_else(pc.is_valid(values), found, pa.scalar(None, pa.bool_()))
        case Like(value=value, pattern=pattern):
            return pc.match_like(value_of(value, batch), pattern)


def _conjunction(parts: tuple[Expression, ...], batch: pa.RecordBatch) -> pa.BooleanArray:
    """Cheap parts first; the dear ones see only the rows that are still open."""
    result = pa.array(np.full(batch.num_rows, True))
    for part in sorted(parts, key=_is_dear):
        open_rows = _rows(result, unknown=True)
        answers = evaluate(part, batch if len(open_rows) == batch.num_rows else batch.take(pa.array(open_rows)))
        result = pc.and_kleene(result, _scatter(answers, open_rows, batch.num_rows))
    return result


def _disjunction(parts: tuple[Expression, ...], batch: pa.RecordBatch) -> pa.BooleanArray:
    result = evaluate(parts[0], batch)
    for part in parts[1:]:
        result = pc.or_kleene(result, evaluate(part, batch))
    return result


def _is_dear(expression: Expression) -> bool:
    match expression:
        case Area() | Nearby():
            return True
        case Not(part=part):
            return _is_dear(part)
        case And(parts=parts) | Or(parts=parts):
            return any(map(_is_dear, parts))
        case _:
            return False


def _rows(mask: pa.BooleanArray, *, unknown: bool) -> NDArray[np.int64]:
    return np.flatnonzero(pc.fill_null(mask, unknown).to_numpy(zero_copy_only=False))


def _scatter(answers: pa.BooleanArray, rows: NDArray[np.int64], size: int) -> pa.BooleanArray:
    """Answers for some rows as answers for all; the others are false already."""
    if len(rows) == size:
        return answers
    values, unknown = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    values[rows] = pc.fill_null(answers, False).to_numpy(zero_copy_only=False)
    unknown[rows] = pc.is_null(answers).to_numpy(zero_copy_only=False)
    return pa.array(values, mask=unknown)


def _spatial(node: Area | Nearby, batch: pa.RecordBatch) -> pa.BooleanArray:
    footprints = batch["footprint"]
    rows = _rows(pc.and_(pc.is_valid(footprints), pc.fill_null(evaluate(rough(node), batch), False)), unknown=False)
    shapes = shapely.from_wkb(footprints.take(pa.array(rows)).to_numpy(zero_copy_only=False))
    values = np.zeros(batch.num_rows, dtype=bool)
    values[rows] = in_area(node, shapes) if isinstance(node, Area) else within_radius(node, shapes)
    return pa.array(values, mask=pc.is_null(footprints).to_numpy(zero_copy_only=False))


def _in_cells(ranges: tuple[tuple[int, int], ...], cells: pa.UInt64Array) -> pa.BooleanArray:
    first, last = np.array(ranges, dtype=np.uint64).reshape(-1, 2).T
    numbers = pc.fill_null(cells, 0).to_numpy(zero_copy_only=False)
    place = np.searchsorted(first, numbers, side="right") - 1
    inside = (place >= 0) & (numbers <= last[place])
    return pa.array(inside, mask=pc.is_null(cells).to_numpy(zero_copy_only=False))


def value_of(value: Value, batch: pa.RecordBatch) -> pa.Array:
    """Return (rows,) values in the Arrow type of their kind."""
    match value:
        case Column(name=name, kind=kind):
            return pc.cast(batch[name], ARROW_TYPES[kind], safe=False)
        case Constant(value=constant, kind=kind):
            return pa.repeat(pa.scalar(constant, ARROW_TYPES[kind]), batch.num_rows)
        case Fold(rule=rule, value=inner):
            return _folded(rule, value_of(inner, batch))
        case Arithmetic(op=op, left=left, right=right):
            return _computed(op, _numbers(value_of(left, batch)), _numbers(value_of(right, batch)))


def fold(rule: str, text: str) -> str:
    """Return a text without its case (``casei``, full Unicode folding) or its accents (``accenti``)."""
    if rule == "casei":
        return text.casefold()
    letters = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(letter for letter in letters if not unicodedata.combining(letter)))


def _folded(rule: str, texts: pa.StringArray) -> pa.StringArray:
    encoded = texts.dictionary_encode()
    folded = pa.array([fold(rule, text) for text in encoded.dictionary.to_pylist()], pa.string())
    return folded.take(encoded.indices)


def _numbers(values: pa.Array) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = values.to_numpy(zero_copy_only=False)  # null becomes NaN
    return numbers


def _computed(op: str, left: NDArray[np.float64], right: NDArray[np.float64]) -> pa.DoubleArray:
    with np.errstate(all="ignore"):
        result = _ARITHMETIC[op](left, right)
    return pa.array(result, mask=~np.isfinite(result))


_ARITHMETIC: dict[str, Any] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "%": np.fmod,
    "div": lambda left, right: np.trunc(np.divide(left, right)),
}
