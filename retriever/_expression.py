"""A filter as a small tree of frozen nodes: what bbox, dates, sensors, H3 cells and CQL2 are all turned into.

A condition is true, false or unknown for a row, as in SQL: a comparison with a missing value is unknown, ``not``
keeps unknown, and only rows for which the whole tree is true match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shapely.geometry.base import BaseGeometry

Kind = Literal["text", "number", "instant", "cell"]
"""What can be compared with what."""

Scalar = str | int | float | datetime
"""The value of a constant."""

Comparison = Literal["=", "<>", "<", "<=", ">", ">="]

Relation = Literal["intersects", "disjoint", "within", "contains", "touches", "crosses", "overlaps", "equals"]
"""Read as: footprint *relation* geometry."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """The value of a column."""

    name: str
    """Column of the tile table."""
    kind: Kind
    """What it holds."""


@dataclass(frozen=True, kw_only=True)
class Constant:
    """A value that is the same for every row."""

    value: Scalar
    """Never None and never NaN."""
    kind: Kind
    """What it is."""


@dataclass(frozen=True, kw_only=True)
class Arithmetic:
    """A number made of two numbers; unknown where it is not finite."""

    op: Literal["+", "-", "*", "/", "^", "%", "div"]
    """``div`` truncates toward zero, ``%`` takes the sign of the left operand."""
    left: Value
    """A number."""
    right: Value
    """A number."""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A text without its case (``casei``) or without its accents (``accenti``)."""

    rule: Literal["casei", "accenti"]
    """What is taken away."""
    value: Value
    """A text."""


Value = Column | Constant | Arithmetic | Fold


@dataclass(frozen=True, kw_only=True)
class Always:
    """True, or false, for every row."""

    value: bool
    """Which of the two."""


@dataclass(frozen=True, kw_only=True)
class Compare:
    """Two values of one kind, compared; texts by code point."""

    op: Comparison
    """Cells know only = and <>."""
    left: Value
    """Left operand."""
    right: Value
    """Right operand."""


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """The value is one of several constants of its kind."""

    value: Value
    """What is looked up."""
    choices: tuple[Scalar, ...]
    """At least one."""


@dataclass(frozen=True, kw_only=True)
class Like:
    r"""The text fits a pattern: ``%`` any characters, ``_`` one, ``\`` takes the next literally."""

    value: Value
    """A text."""
    pattern: str
    """The whole text must fit."""


@dataclass(frozen=True, kw_only=True)
class IsNull:
    """The column has no value; never unknown."""

    column: str
    """Column of the tile table, ``footprint`` included."""


@dataclass(frozen=True, kw_only=True)
class Area:
    """The exact footprint stands in a relation to a geometry; unknown where there is no footprint.

    Planar in lon, lat, on geometries cut at the antimeridian; touching counts as intersecting.
    """

    relation: Relation
    """See Relation."""
    geometry: BaseGeometry
    """lon, lat."""


@dataclass(frozen=True, kw_only=True)
class Nearby:
    """The footprint comes within a great-circle distance of a point; unknown where there is no footprint."""

    lat: float
    """Degrees."""
    lon: float
    """Degrees."""
    radius_km: float
    """On the sphere of ``EARTH_RADIUS_KM``."""


@dataclass(frozen=True, kw_only=True)
class InCells:
    """The tile's centre cell lies in one of several ranges of cell numbers; unknown where there is none."""

    ranges: tuple[tuple[int, int], ...]
    """First and last resolution-12 cell number of each, both included; sorted, none overlapping."""


@dataclass(frozen=True, kw_only=True)
class Not:
    """The opposite; unknown stays unknown."""

    part: Expression
    """What is negated."""


@dataclass(frozen=True, kw_only=True)
class And:
    """All parts are true."""

    parts: tuple[Expression, ...]
    """At least one."""


@dataclass(frozen=True, kw_only=True)
class Or:
    """At least one part is true."""

    parts: tuple[Expression, ...]
    """At least one."""


Expression = Always | Compare | OneOf | Like | IsNull | Area | Nearby | InCells | Not | And | Or

BOX_COLUMNS = ("west", "south", "east", "north")
"""Bounds of the footprint; east is smaller than west across the antimeridian."""


def columns_of(expression: Expression) -> tuple[str, ...]:
    """Return the columns a filter reads, sorted."""
    return tuple(sorted(set(_names(expression))))


def _names(node: Expression | Value) -> Iterator[str]:
    match node:
        case Column(name=name) | IsNull(column=name):
            yield name
        case Area() | Nearby():
            yield from ("footprint", *BOX_COLUMNS)
        case InCells():
            yield "h3"
        case Constant() | Always():
            return
        case _:
            for child in _children(node):
                yield from _names(child)


def _children(node: Arithmetic | Fold | Compare | OneOf | Like | Not | And | Or) -> tuple[Expression | Value, ...]:
    match node:
        case And(parts=parts) | Or(parts=parts):
            return parts
        case Not(part=part):
            return (part,)
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return left, right
        case Fold(value=value) | OneOf(value=value) | Like(value=value):
            return (value,)


def all_of(parts: list[Expression]) -> Expression | None:
    """Return the conjunction of the parts; None where there are none."""
    if len(parts) < 2:
        return parts[0] if parts else None
    return And(parts=tuple(parts))


def any_of(parts: list[Expression]) -> Expression:
    """Return the disjunction of the parts; false where there are none."""
    if len(parts) < 2:
        return parts[0] if parts else Always(value=False)
    return Or(parts=tuple(parts))


def compare(name: str, kind: Kind, op: Comparison, value: Scalar) -> Compare:
    """Return the comparison of a column with a constant of its kind."""
    return Compare(op=op, left=Column(name=name, kind=kind), right=Constant(value=value, kind=kind))


def of_each_sensor(names: tuple[str, ...], where: Expression | None) -> dict[str, Expression | None]:
    """Return a filter for the tiles of each sensor.

    Args:
        names: The sensors whose tiles can pass the filter; where it is one, the filter says enough.
        where: What a tile must fulfil besides.
    """
    if len(names) == 1:
        return {names[0]: where}
    asked = [] if where is None else [where]
    return {name: all_of([*asked, compare("sensor", "text", "=", name)]) for name in names}
