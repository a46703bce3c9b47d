"""CQL2 JSON to the filter tree, with every name and type checked before any row is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

from shapely.geometry.base import BaseGeometry

from core import FilterError
from retriever import _temporal as temporal
from retriever._columns import GEOMETRY_NAMES, column
from retriever._cql2 import cql2_json
from retriever._evaluate import fold
from retriever._expression import (
    Always,
    And,
    Area,
    Arithmetic,
    Column,
    Compare,
    Comparison,
    Constant,
    Expression,
    Fold,
    IsNull,
    Kind,
    Like,
    Not,
    OneOf,
    Or,
    Relation,
    Value,
    any_of,
)
from retriever._literals import cell_literal, geometry_literal

MAX_LEVELS = 100
"""Deepest nesting of a filter tree; far below Python's own recursion limit."""

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_INVERSE = {"within": "contains", "contains": "within"}
_Args = Sequence[Any]


def parse_filter(value: str | Mapping[str, Any]) -> Expression:
    """Return the filter tree of CQL2 text or JSON.

    Raises:
        FilterError: It does not parse, names an unknown column or function, or compares what cannot be compared.
    """
    return _condition(cql2_json(value), 0)


def _condition(node: Any, level: int) -> Expression:
    if level > MAX_LEVELS:
        raise FilterError(f"the filter is nested more than {MAX_LEVELS} levels deep")
    if isinstance(node, bool):
        return Always(value=node)
    if not isinstance(node, Mapping) or "op" not in node:
        raise FilterError(f"the filter has {_shown(node)} where a condition such as cloud < 0.2 is expected")
    op, args = str(node["op"]).lower(), node.get("args", [])
    if op in ("and", "or", "not"):
        return _logical(op, args, level + 1)
    if op.startswith("s_"):
        return _spatial(op, args)
    if op.startswith("t_"):
        return temporal.relation(op, args)
    if op not in _CONDITIONS:
        raise FilterError(f"the filter uses {op!r}, which is not supported; supported are {SUPPORTED}")
    return _CONDITIONS[op](op, args, level + 1)


def _logical(op: str, args: _Args, level: int) -> Expression:
    parts = tuple(_condition(arg, level) for arg in args)
    if op == "not" and len(parts) == 1:
        return Not(part=parts[0])
    if op == "not" or not parts:
        raise FilterError(f"the filter has {op!r} with {len(parts)} conditions")
    return And(parts=parts) if op == "and" else Or(parts=parts)


def _compare(op: str, args: _Args, level: int) -> Expression:
    left, right = _exactly(op, args, 2)
    if None in (left, right):
        raise FilterError(f"the filter compares with NULL by {op!r}, which is never true; use IS NULL or IS NOT NULL")
    first, second = _operands(left, right, level)
    return _checked(op, first, second)


def _operands(left: Any, right: Any, level: int) -> tuple[Value | temporal.Span, Value | temporal.Span]:
    """Two operands; a text beside a date or a cell is read as one."""
    first, second = _operand(left, level), _operand(right, level)
    return _beside(first, second), _beside(second, first)


def _beside(operand: Value | temporal.Span, other: Value | temporal.Span) -> Value | temporal.Span:
    if not isinstance(operand, Constant) or not isinstance(operand.value, str):
        return operand
    if isinstance(other, Column) and other.kind == "instant":
        return temporal.span(operand.value)
    if isinstance(other, Column) and other.kind == "cell":
        return cell_literal(operand.value)
    return operand


def _checked(op: str, left: Value | temporal.Span, right: Value | temporal.Span) -> Expression:
    if isinstance(left, temporal.Span):
        left, right, op = right, left, _FLIPPED.get(op, op)
    if isinstance(left, temporal.Span):
        raise FilterError(f"the filter compares two constant dates by {op!r}; one side must be the column datetime")
    if kind_of(left) != kind_of(right):
        raise FilterError(f"the filter compares {_described(left)} with {_described(right)} by {op!r}")
    if isinstance(right, temporal.Span):
        return temporal.compare_with_span(_comparison(op), left, right)
    if kind_of(left) == "cell" and op not in ("=", "<>"):
        raise FilterError(f"the filter compares H3 cells by {op!r}; only =, <> and IN are meant for cells")
    return Compare(op=_comparison(op), left=left, right=right)


def _comparison(op: str) -> Comparison:
    return next(known for known in get_args(Comparison) if known == op)


def kind_of(value: Value | temporal.Span) -> Kind:
    """Return what a value is."""
    match value:
        case Column(kind=kind) | Constant(kind=kind):
            return kind
        case Fold():
            return "text"
        case Arithmetic():
            return "number"
        case temporal.Span():
            return "instant"


def _described(value: Value | temporal.Span) -> str:
    match value:
        case Column(name=name, kind=kind):
            return f"{name} ({kind})"
        case Constant(value=constant, kind=kind):
            return f"{constant!r} ({kind})"
        case _:
            return f"a computed value ({kind_of(value)})"


def _between(op: str, args: _Args, level: int) -> Expression:
    value, low, high = _exactly(op, args, 3)
    return And(parts=(_compare(">=", (value, low), level), _compare("<=", (value, high), level)))


def _one_of(op: str, args: _Args, level: int) -> Expression:
    value, choices = _exactly(op, args, 2)
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        raise FilterError("the filter has IN without a list of values")
    tests = [_compare("=", (value, choice), level) for choice in choices]
    constants = [test.right for test in tests if isinstance(test, Compare) and isinstance(test.right, Constant)]
    if len(constants) < len(tests) or len(tests) == 1:
        return any_of(tests)
    return OneOf(value=_value(value, level), choices=tuple(constant.value for constant in constants))


def _like(op: str, args: _Args, level: int) -> Expression:
    value, pattern = _exactly(op, args, 2)
    text, wanted = _value(value, level), _pattern(pattern)
    if kind_of(text) != "text":
        raise FilterError(f"the filter uses LIKE on {_described(text)}; only texts can be LIKE something")
    return Like(value=text, pattern=wanted)


def _pattern(node: Any) -> str:
    if isinstance(node, str):
        return node
    if isinstance(node, Mapping) and str(node.get("op")).lower() in ("casei", "accenti"):
        (inner,) = _exactly(str(node["op"]), node.get("args", []), 1)
        return fold(str(node["op"]).lower(), _pattern(inner))
    raise FilterError(f"the filter has {_shown(node)} where LIKE expects a text such as 'S2%'")


def _is_null(op: str, args: _Args, level: int) -> Expression:
    (node,) = _exactly(op, args, 1)
    if _is_geometry(node):
        return IsNull(column="footprint")
    value = _value(node, level)
    if not isinstance(value, Column):
        raise FilterError("the filter uses IS NULL on something that is not a column")
    return IsNull(column=value.name)


def _spatial(op: str, args: _Args) -> Expression:
    relation = next((known for known in get_args(Relation) if op == f"s_{known}"), None)
    if relation is None:
        known = ", ".join(f"s_{name}" for name in get_args(Relation))
        raise FilterError(f"the filter uses {op!r}, which is not supported; supported are {known}")
    first, second = _exactly(op, args, 2)
    if _is_geometry(second) and not _is_geometry(first):
        first, second, relation = second, first, _INVERSE.get(relation, relation)
    if not _is_geometry(first) or _is_geometry(second):
        raise FilterError(f"the filter's {op} needs the column geometry and a geometry such as BBOX(-4, 40, -3, 41)")
    return _area(relation, geometry_literal(second))


def _area(relation: Any, geometries: Sequence[BaseGeometry]) -> Expression:
    if len(geometries) == 1:
        return Area(relation=relation, geometry=geometries[0])
    if relation not in ("intersects", "disjoint"):
        raise FilterError("a BBOX across the antimeridian can only be used with s_intersects and s_disjoint")
    meets = Or(parts=tuple(Area(relation="intersects", geometry=part) for part in geometries))
    return meets if relation == "intersects" else Not(part=meets)


def _is_geometry(node: Any) -> bool:
    return isinstance(node, Mapping) and node.get("property") in GEOMETRY_NAMES


def _operand(node: Any, level: int) -> Value | temporal.Span:
    if isinstance(node, Mapping) and ("date" in node or "timestamp" in node):
        return temporal.literal(node)
    return _value(node, level)


def _value(node: Any, level: int) -> Value:
    if level > MAX_LEVELS:
        raise FilterError(f"the filter is nested more than {MAX_LEVELS} levels deep")
    if isinstance(node, str):
        return Constant(value=node, kind="text")
    if isinstance(node, int | float) and not isinstance(node, bool):
        return Constant(value=float(node), kind="number")
    if isinstance(node, Mapping) and "property" in node:
        return column(str(node["property"]))
    if isinstance(node, Mapping) and "op" in node:
        return _computed(str(node["op"]).lower(), node.get("args", []), level + 1)
    raise FilterError(f"the filter has {_shown(node)} where a column or a plain value is expected")


def _computed(op: str, args: _Args, level: int) -> Value:
    if op in ("casei", "accenti"):
        (text,) = (_value(arg, level) for arg in _exactly(op, args, 1))
        if kind_of(text) != "text":
            raise FilterError(f"the filter uses {op} on {_described(text)}; it is meant for texts")
        return Fold(rule="casei" if op == "casei" else "accenti", value=text)
    known = next((name for name in ("+", "-", "*", "/", "^", "%", "div") if name == op), None)
    if known is None:
        raise FilterError(f"the filter uses {op!r}, which is not supported; supported are {SUPPORTED}")
    left, right = (_value(arg, level) for arg in _exactly(op, args, 2))
    if {kind_of(left), kind_of(right)} != {"number"}:
        raise FilterError(
            f"the filter computes {_described(left)} {op} {_described(right)}; only numbers can be computed"
        )
    return Arithmetic(op=known, left=left, right=right)


def _exactly(op: str, args: Any, count: int) -> _Args:
    if not isinstance(args, Sequence) or isinstance(args, str) or len(args) != count:
        found = len(args) if isinstance(args, Sequence) else 0
        raise FilterError(f"the filter's {op!r} takes {count} arguments, got {found}")
    return args


def _shown(node: Any) -> str:
    text = repr(node)
    return text if len(text) <= 60 else text[:60] + "..."


_CONDITIONS: dict[str, Callable[[str, _Args, int], Expression]] = {
    **dict.fromkeys(get_args(Comparison), _compare),
    "between": _between,
    "in": _one_of,
    "like": _like,
    "isnull": _is_null,
}

SUPPORTED = "and or not = <> < <= > >= between in like isNull casei accenti + - * / ^ % div, s_... and t_... functions"
"""For messages."""
