"""The part of a filter that the table itself can check, so that fewer rows and no footprints of others are read.

What is handed down is implied by the filter, never stronger: the rows that come back are tested again in full.
Expressions are built with ``lancedb.expr``, never as text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import and_, eq, ge, gt, le, lt, ne, or_
from typing import TYPE_CHECKING, Any

from retriever._expression import And, Area, Column, Compare, Constant, Expression, InCells, Nearby, OneOf, Or, Value
from retriever._spatial import rough

if TYPE_CHECKING:
    from lancedb.expr import Expr

RANGES_LIMIT = 100
"""Most cell ranges handed down; beyond it their span is."""

_OPERATORS: dict[str, Any] = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def pushed_down(expression: Expression | None) -> Expr | None:
    """Return a condition implied by the filter for ``Snapshot.scan``; None where there is none."""
    match expression:
        case And(parts=parts):
            known = [part for part in map(pushed_down, parts) if part is not None]
            return _joined(and_, known) if known else None
        case Or(parts=parts):
            each = list(map(pushed_down, parts))
            return None if any(part is None for part in each) else _joined(or_, each)
        case Area() | Nearby():
            return pushed_down(rough(expression))
        case Compare() | OneOf() | InCells():
            return _simple(expression)
        case _:
            return None


def _joined(join: Callable[[Any, Any], Any], parts: Sequence[Any]) -> Any:
    """Join in pairs, then the pairs in pairs: every joint copies both sides, and 2,000 in a row took half a minute."""
    while len(parts) > 1:
        parts = [
            join(*pair) if len(pair) == 2 else pair[0]
            for pair in (parts[at : at + 2] for at in range(0, len(parts), 2))
        ]
    return parts[0]


def _simple(expression: Compare | OneOf | InCells) -> Expr | None:
    from lancedb.expr import col

    match expression:
        case Compare(op=op, left=left, right=right):
            first, second = _side(left), _side(right)
            return None if first is None or second is None else _OPERATORS[op](first, second)
        case OneOf(value=Column(name=name), choices=choices):
            return col(name).isin(list(choices))
        case InCells(ranges=ranges):
            return _in_ranges(ranges if len(ranges) <= RANGES_LIMIT else ((ranges[0][0], ranges[-1][1]),))
        case _:
            return None


def _in_ranges(ranges: tuple[tuple[int, int], ...]) -> Expr:
    from lancedb.expr import col, lit

    found: Expr = _joined(or_, [(col("h3") >= lit(first)) & (col("h3") <= lit(last)) for first, last in ranges])
    return found


def _side(value: Value) -> Expr | None:
    from lancedb.expr import col, lit

    match value:
        case Column(name=name):
            return col(name)
        case Constant(value=constant):
            return lit(constant)
        case _:
            return None
