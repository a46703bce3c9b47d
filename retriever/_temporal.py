"""Dates in filters. A day is the span from its first to its last microsecond; an instant is a span of no length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import FilterError, QueryError, parse_interval
from retriever._columns import column
from retriever._expression import And, Column, Compare, Comparison, Constant, Expression, Not, Value

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A constant stretch of time."""

    start: datetime
    """First instant, UTC."""
    end: datetime
    """Last instant, UTC, included."""


def span(text: str) -> Span:
    """Return the span of an RFC 3339 instant or a day.

    Raises:
        FilterError: Neither.
    """
    try:
        start, end = parse_interval(text) if "/" not in text else (None, None)
    except QueryError as error:
        raise FilterError(f"the filter's {error}") from None
    if start is None or end is None:
        raise FilterError(f"the filter compares datetime with {text!r}; use t_intersects(datetime, INTERVAL('A', 'B'))")
    return Span(start=start, end=end)


def literal(node: Mapping[str, Any]) -> Span:
    """Return the span of ``{"date": ...}``, ``{"timestamp": ...}`` or ``{"interval": [A, B]}`` with ``..`` for open.

    Raises:
        FilterError: It cannot be read, or starts after it ends.
    """
    if "interval" not in node:
        return span(str(node.get("timestamp", node.get("date"))))
    ends = node["interval"]
    if len(ends) != 2 or not all(isinstance(end, str) for end in ends):
        raise FilterError("the filter's INTERVAL needs two dates, or '..' for an open end")
    start = _BEGINNING if ends[0] in ("", "..") else span(ends[0]).start
    end = _END if ends[1] in ("", "..") else span(ends[1]).end
    if start > end:
        raise FilterError(f"the filter's INTERVAL {ends[0]}/{ends[1]} starts after it ends")
    return Span(start=start, end=end)


def compare_with_span(op: Comparison, value: Value, right: Span) -> Expression:
    """Return the comparison of an instant with a span: before it, after it, inside it."""
    inside = And(parts=(_test(">=", value, right.start), _test("<=", value, right.end)))
    match op:
        case "=":
            return inside
        case "<>":
            return Not(part=inside)
        case "<" | ">=":
            return _test(op, value, right.start)
        case _:
            return _test(op, value, right.end)


def _test(op: Comparison, left: Value, right: datetime) -> Compare:
    return Compare(op=op, left=left, right=Constant(value=right, kind="instant"))


# Each relation of A to B as tests of end against end, all of which must hold (OGC 21-065r2, table 8).
_RELATIONS: dict[str, tuple[tuple[str, Comparison, str], ...]] = {
    "t_after": (("a0", ">", "b1"),),
    "t_before": (("a1", "<", "b0"),),
    "t_contains": (("a0", "<", "b0"), ("a1", ">", "b1")),
    "t_during": (("a0", ">", "b0"), ("a1", "<", "b1")),
    "t_equals": (("a0", "=", "b0"), ("a1", "=", "b1")),
    "t_finishedby": (("a0", "<", "b0"), ("a1", "=", "b1")),
    "t_finishes": (("a0", ">", "b0"), ("a1", "=", "b1")),
    "t_intersects": (("a0", "<=", "b1"), ("a1", ">=", "b0")),
    "t_meets": (("a1", "=", "b0"),),
    "t_metby": (("a0", "=", "b1"),),
    "t_overlappedby": (("a0", ">", "b0"), ("a0", "<", "b1"), ("a1", ">", "b1")),
    "t_overlaps": (("a0", "<", "b0"), ("a1", ">", "b0"), ("a1", "<", "b1")),
    "t_startedby": (("a0", "=", "b0"), ("a1", ">", "b1")),
    "t_starts": (("a0", "=", "b0"), ("a1", "<", "b1")),
}


def relation(op: str, args: Sequence[Any]) -> Expression:
    """Return the condition of a temporal function of the column datetime and a date, timestamp or interval.

    Raises:
        FilterError: An unknown function, or arguments that are not times.
    """
    if op == "t_disjoint":
        return Not(part=relation("t_intersects", args))
    if op not in _RELATIONS:
        raise FilterError(f"the filter uses {op!r}, which is not supported; supported are t_disjoint, {_KNOWN}")
    if len(args) != 2:
        raise FilterError(f"the filter's {op!r} takes 2 arguments, got {len(args)}")
    ends = dict(zip(("a0", "a1", "b0", "b1"), (*_ends(op, args[0]), *_ends(op, args[1])), strict=True))
    return And(parts=tuple(Compare(op=test, left=ends[a], right=ends[b]) for a, test, b in _RELATIONS[op]))


_KNOWN = ", ".join(_RELATIONS)


def _ends(op: str, node: Any) -> tuple[Value, Value]:
    if isinstance(node, str):
        node = {"timestamp": node}
    if isinstance(node, Mapping) and "property" in node:
        return _instant(op, str(node["property"])), _instant(op, str(node["property"]))
    if isinstance(node, Mapping) and {"date", "timestamp", "interval"} & node.keys():
        found = literal(node)
        return Constant(value=found.start, kind="instant"), Constant(value=found.end, kind="instant")
    raise FilterError(f"the filter's {op} takes datetime, DATE(...), TIMESTAMP(...) or INTERVAL(..., ...)")


def _instant(op: str, name: str) -> Column:
    found = column(name)
    if found.kind != "instant":
        raise FilterError(f"the filter's {op} takes the column datetime, got {name} ({found.kind})")
    return found
