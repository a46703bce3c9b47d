"""A filter, read as tests of columns.

Only the rows for which a filter is true matter. These are, of ``and``, the rows for which every part is true and, of
``or``, those for which one is, with unknown parts as well; ``not`` is moved inward to where it can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from retriever._expression import Always, And, Compare, Comparison, Expression, Not, Or, columns_of
from retriever.engine._layout import Layout
from retriever.engine._sieve._leaves import (
    boxes_of,
    cells_of,
    comparison,
    moments_of,
    named_of,
    percents_of,
)
from retriever.engine._sieve._model import Boxes, CellRanges, Either, Sieve

_Test = TypeVar("_Test")
_OPPOSITE: dict[Comparison, Comparison] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "<>", "<>": "="}


def sieve_of(where: Expression | None, layout: Layout) -> Sieve:
    """Return a filter as tests of the columns of a snapshot.

    Args:
        where: The filter; None for all rows.
        layout: Of the snapshot.
    """
    reading = _Reading(layout)
    if where is not None:
        for part in _parts(where):
            reading.add(part)
    return reading.sieve(where)


class _Reading:
    """The parts of a conjunction, sorted by what they test."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._never = False
        self._boxes: list[Boxes] = []
        self._cells: list[CellRanges] = []
        self._either: list[Either] = []
        self._residual: list[Expression] = []
        self._by_column: dict[str, list[Expression]] = {}

    def add(self, part: Expression) -> None:
        if isinstance(part, Always):
            self._never |= not part.value
        elif (column := _tested_column(part)) is not None:
            self._by_column.setdefault(column, []).append(part)
        elif (boxes := boxes_of(part)) is not None:
            self._boxes.append(boxes)
        elif (cells := cells_of(part)) is not None:
            self._cells.append(cells)
        elif isinstance(part, Or):
            self._add_either(part)
        else:
            self._residual.append(part)

    def _add_either(self, part: Or) -> None:
        sieves = [sieve for sieve in (sieve_of(each, self._layout) for each in part.parts) if not sieve.never]
        if not sieves:
            self._never = True
        elif any(sieve.everything for sieve in sieves):
            return
        elif all(sieve.tests for sieve in sieves):
            self._either.append(Either(sieves=tuple(sieves)))
        else:
            self._residual.append(part)

    def sieve(self, where: Expression | None) -> Sieve:
        layout = self._layout
        moments = self._test("datetime", moments_of)
        cloud = self._test("cloud", percents_of)
        sensors = self._test("sensor", partial(named_of, column="sensor", names=layout.sensors))
        collections = self._test("collection", partial(named_of, column="collection", names=layout.collections))
        return Sieve(
            where=where,
            never=self._never,
            boxes=tuple(self._boxes),
            moments=moments,
            sensors=sensors,
            collections=collections,
            cloud=cloud,
            cells=tuple(self._cells),
            either=tuple(self._either),
            residual=tuple(sorted(self._residual, key=_is_dear)),
        )

    def _test(self, column: str, read: Callable[[tuple[Expression, ...]], _Test | None]) -> _Test | None:
        """The test of the conditions of a column; None where there are none, or nothing can pass."""
        parts = self._by_column.get(column)
        found = read(tuple(parts)) if parts else None
        self._never |= parts is not None and found is None
        return found


def _tested_column(part: Expression) -> str | None:
    """The column of which a condition is a test, where it is one of dates, cloud shares or names."""
    found = comparison(part)
    if found is not None and found[0] in ("datetime", "cloud"):
        return found[0] if found[1] != "<>" else None
    columns = columns_of(part)
    return columns[0] if len(columns) == 1 and columns[0] in ("sensor", "collection") else None


def _is_dear(part: Expression) -> bool:
    return "footprint" in columns_of(part)


def _parts(where: Expression) -> Iterator[Expression]:
    """Conditions that are all true of a row just where the filter is."""
    match where:
        case And(parts=parts):
            for part in parts:
                yield from _parts(part)
        case Not(part=part):
            yield from _opposites(part)
        case _:
            yield where


def _opposites(part: Expression) -> Iterator[Expression]:
    """The same of a filter's opposite; what is unknown stays unknown."""
    match part:
        case Not(part=inner):
            yield from _parts(inner)
        case Or(parts=parts):
            for each in parts:
                yield from _opposites(each)
        case And(parts=parts):
            yield Or(parts=tuple(Not(part=each) for each in parts))
        case Always(value=value):
            yield Always(value=not value)
        case Compare(op=op) if (found := comparison(part)) is not None and found[0] == "datetime":
            yield replace(part, op=_OPPOSITE[op])
        case _:
            yield Not(part=part)
