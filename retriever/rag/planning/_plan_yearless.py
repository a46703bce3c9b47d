"""Dates without a year: of every year, left out of each, or the beginning or the end of a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from retriever.rag.planning import _plan_period_words as words
from retriever.rag.planning._plan_calendar import Days
from retriever.rag.planning._plan_spans import OPEN, Span, opened
from retriever.rag.planning._plan_world import World

_CUES = 60
"""Characters looked back at for the words before a date."""

_MOST_YEARS = 61
"""Years out of which something is cut: that leaves more periods than a plan may have, and the question is refused."""


def sort_yearless(
    spans: Sequence[Span], text: str, whole: Sequence[Span], world: World
) -> tuple[list[Span], list[Span], list[Span]]:
    """Sort dates without a year into those of every year, those left out, and those that begin or end a time."""
    every: list[Span] = []
    holes: list[Span] = []
    ends: list[Span] = []
    for span in spans:
        year = _year_of(span, whole, world)
        told = span if year is None else _of(span, year)
        read = span if told.days is None else opened(text, told)
        if read.excluded or words.NOT.search(text[max(0, span.start - _CUES) : span.start]):
            holes.append(span)
        elif read.kind in {"since", "until", "both"}:
            ends.append(read)
        else:
            every.append(span)
    return every, holes, ends


def _of(span: Span, year: int) -> Span:
    days = None if span.atom.of_year is None else span.atom.of_year(year)
    return replace(span, days=days, atom=replace(span.atom, days=days))


def _year_of(span: Span, whole: Sequence[Span], world: World) -> int | None:
    """Return the year of a date without one: that of the date before it, or the newest of the index that has it."""
    of_year = span.atom.of_year
    before = [each.atom.days[0] for each in whole if each.atom.days and each.start < span.start]
    if of_year is None or (not before and world.last is None):
        return None
    if before:
        year = before[-1].year
        return year if of_year(year)[0] >= before[-1] else year + 1
    assert world.last is not None  # noqa: S101  # or there is none to return
    last = world.last.date()
    return last.year if of_year(last.year)[0] <= last else last.year - 1


def narrowed(whole: Sequence[Span], ends: Sequence[Span]) -> list[Span]:
    """Let "before July" narrow the year or the range that it stands beside; else it is a time of its own."""
    result = list(whole)
    for end in ends:
        at = next((at for at, span in enumerate(result) if _within(span, end)), None)
        if at is None or end.kind == "both":
            result.append(end)
            continue
        one, other = result[at].days or OPEN, end.days or OPEN
        result[at] = replace(result[at], days=(max(one[0], other[0]), min(one[1], other[1])))
    return sorted(result, key=lambda span: span.start)


def _within(span: Span, end: Span) -> bool:
    """Whether a date that begins or ends a time lies in a longer one."""
    if span.excluded or span.days is None or end.days is None or span.kind not in {"in", "range"}:
        return False
    return span.days[0] <= end.days[1] and end.days[0] <= span.days[1]


def newest_notes(ends: Sequence[Span], text: str) -> list[str]:
    """Say of which year a date without one was taken to be."""
    named = ((text[each.atom.start : each.atom.end], each.atom.days) for each in ends)
    return [f'"{name}" was read as that of {days[0].year}.' for name, days in named if days]


def years_of(world: World) -> tuple[int, int] | None:
    if world.first is None or world.last is None:
        return None
    return world.first.year, world.last.year


def is_held(days: Days, world: World) -> bool:
    """Whether the index may hold tiles of these days."""
    if world.first is None or world.last is None:
        return True
    return days[1] >= world.first.date() and days[0] <= world.last.date()


def every_year(holes: Sequence[Span], kept: Sequence[Days], world: World) -> list[list[Days]]:
    """Return when what is left out would be, in every year of the periods that the index reaches into."""
    known = years_of(world) or (world.today.year, world.today.year)
    spans = [(max(first.year, known[0], 2) - 1, min(last.year, known[1]) + 1) for first, last in kept]
    years = sorted({year for span in spans for year in range(*span)})[-_MOST_YEARS:]
    times = [hole.atom.of_year for hole in holes if hole.atom.of_year]
    return [[days for year in years if is_held(days := of_year(year), world)] for of_year in times]
