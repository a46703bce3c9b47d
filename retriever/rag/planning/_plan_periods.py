"""When: the dates of a question joined to periods by the words between and before them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from core import Interval, QueryError
from retriever.rag.planning import _plan_period_words as words
from retriever.rag.planning._plan_calendar import Clock, Days
from retriever.rag.planning._plan_dates import Atom, find_dates
from retriever.rag.planning._plan_spans import OPEN, Span, is_date, joined, met, opened, with_years
from retriever.rag.planning._plan_text import Canvas
from retriever.rag.planning._plan_world import World
from retriever.rag.planning._plan_yearless import (
    every_year,
    is_held,
    narrowed,
    newest_notes,
    sort_yearless,
    years_of,
)

MAX_PERIODS = 60
"""Most periods of a plan: sixty summers."""

_SHORT = {"day", "days", "month", "numeric", "vague month"}
"""Kinds of dates that say no year to others, but a time of their own."""


@dataclass(frozen=True, kw_only=True)
class PeriodsRead:
    """What a question says about when."""

    periods: tuple[Interval, ...] = ()
    """See ``QueryPlan``."""
    notes: tuple[str, ...] = ()
    """See ``QueryPlan``."""
    events: tuple[str, ...] = ()
    """Things that happened at no stated date, e.g. ``after the storm``."""


def read_periods(canvas: Canvas, world: World, *, south: bool | None) -> PeriodsRead:
    """Read and strike out when a question is about.

    Args:
        canvas: The question.
        world: ``today``, and the dates of the index, for seasons of no stated year.
        south: Whether the place lies south of the equator; None where no place is known.

    Raises:
        QueryError: A date that does not exist, or periods that exclude each other.
    """
    clock = Clock(today=world.today, south=bool(south))
    weather = _weather(canvas)
    text = canvas.free
    atoms = [atom for atom in find_dates(text, clock) if is_date(text, atom)]
    atoms = with_years(text, atoms)
    spans = joined(text, atoms)
    whole = [opened(text, span) for span in spans if span.days is not None]
    partial, holes, ends = sort_yearless([span for span in spans if span.days is None], text, whole, world)
    whole = narrowed(whole, ends)
    if len(whole) == 1 and whole[0].kind == "in" and words.BOTH_SIDES.search(text):
        whole = [replace(whole[0], kind="both")]
    notes = [atom.note for atom in atoms if atom.note]
    for span in spans:
        _strike(canvas, span)
    days, more = _seasons(partial, whole, world) if partial else ([span.days for span in met(whole)], [])
    kept, lost = _without(days, [span for span in whole if span.excluded], holes, world)
    notes += more + newest_notes(ends, text) + lost + _season_notes(atoms, south) + _outside(kept, world)
    events = [*weather, *_events(canvas)]
    periods = tuple(dict.fromkeys(map(_interval, kept)))
    if len(periods) > MAX_PERIODS:
        raise QueryError(f"the question names {len(periods)} periods; at most {MAX_PERIODS} are read: name a range")
    return PeriodsRead(periods=periods, notes=tuple(dict.fromkeys([*notes, *events])))


def _seasons(partial: Sequence[Span], whole: Sequence[Span], world: World) -> tuple[list[Days | None], list[str]]:
    """Apply "summer" or "March" to each year of the other periods, or of the index."""
    # "In July but not in April 2021" is July 2021; "in July but not in 2015" is every July but one.
    spans = [span.days for span in met(whole) or [each for each in whole if each.excluded and each.atom.kind in _SHORT]]
    known = years_of(world)
    if not spans and known is None:
        names = ", ".join(span.atom.kind.removesuffix(" only") for span in partial)
        return [], [f"A {names} without a year was not used: the dates of the index are not known."]
    years: list[int] = []
    for days in spans or [None]:
        first, last = known or (world.today.year, world.today.year)
        low = first if days is None or days[0] == OPEN[0] else days[0].year
        high = last if days is None or days[1] == OPEN[1] else days[1].year
        years += range(low, high + 1)
    years = list(dict.fromkeys(years))[-MAX_PERIODS // len(partial) :]
    found = [span.atom.of_year(year) for year in years for span in partial if span.atom.of_year]
    if not spans:
        # A winter reaches into the next year.
        found = [days for days in found if is_held(days, world)]
    note = [] if spans else [f"No year was named: {_in_years(years)}."]
    beside = _beside(met(whole), found)
    return [*sorted([*beside, *found])] if beside else [*found], note


def _in_years(years: Sequence[int]) -> str:
    if len(years) == 1:
        return f"{years[0]} counts, the only year of the index"
    return f"every year of the index counts, {years[0]} to {years[-1]}"


def _beside(spans: Sequence[Span], found: Sequence[Days]) -> list[Days]:
    """Return the months and days with a year of their own: "in April and in July 2021" is both."""
    return [
        span.days
        for span in spans
        if span.days
        and span.kind == "in"
        and span.atom.kind in _SHORT
        and not any(days[0] <= span.days[1] and span.days[0] <= days[1] for days in found)
    ]


def _without(
    days: Sequence[Days | None], excluded: Sequence[Span], holes: Sequence[Span], world: World
) -> tuple[list[Days], list[str]]:
    """Cut the excluded spans out of the periods, or out of all time where there is none; say where that does nothing.

    Raises:
        QueryError: Nothing is left.
    """
    kept = [each for each in days if each]
    if (excluded or holes) and not kept:
        kept = [OPEN]
    if holes and kept == [OPEN] and years_of(world) is None:
        return [], ["What is to be left out has no year and was not used: the dates of the index are not known."]
    notes: list[str] = []
    named = [(_shown(span.days), [span.days]) for span in excluded if span.days]
    for name, pieces in [*named, *(("that time of the year", each) for each in every_year(holes, kept, world))]:
        cut = [piece for piece in pieces if any(piece[0] <= each[1] and each[0] <= piece[1] for each in kept)]
        if not cut:
            notes.append(f"Leaving out {name} changes nothing: it lies outside the time that was asked for.")
        for piece in cut:
            kept = [rest for each in kept for rest in _cut(each, piece)]
    if (excluded or holes) and not kept:
        raise QueryError("the periods leave nothing: what is asked for is excluded in the same question")
    return [each for each in kept if each != OPEN], notes


def _cut(days: Days, hole: Days) -> list[Days]:
    if hole[1] < days[0] or hole[0] > days[1]:
        return [days]
    pieces = []
    if days[0] < hole[0]:
        pieces.append((days[0], hole[0] - timedelta(days=1)))
    if hole[1] < days[1]:
        pieces.append((hole[1] + timedelta(days=1), days[1]))
    return pieces


def _season_notes(atoms: Sequence[Atom], south: bool | None) -> list[str]:
    if not any(atom.kind in {"winter", "season only", "season"} for atom in atoms):
        return []
    if south is None:
        return ["Seasons are the meteorological ones of the northern hemisphere: no place says otherwise."]
    return ["Seasons are the meteorological ones of the southern hemisphere."] if south else []


def _outside(days: Sequence[Days], world: World) -> list[str]:
    if world.first is None or world.last is None:
        return []
    first, last = world.first.date(), world.last.date()
    lost = [each for each in days if not is_held(each, world)]
    if not lost:
        return []
    return [f"The index holds nothing from {_shown(lost[0])}; its tiles are from {first} to {last}."]


def _shown(days: Days) -> str:
    if days[0] == OPEN[0]:
        return f"before {days[1] + timedelta(days=1)}"
    if days[1] == OPEN[1]:
        return f"{days[0]} on"
    return str(days[0]) if days[0] == days[1] else f"{days[0]} to {days[1]}"


def _interval(days: Days) -> Interval:
    first = None if days[0] == OPEN[0] else datetime.combine(days[0], time(), UTC)
    last = None if days[1] == OPEN[1] else datetime.combine(days[1], time.max, UTC)
    return first, last


def _strike(canvas: Canvas, span: Span) -> None:
    whole = opened(canvas.free, span) if span.days else span
    canvas.strike(canvas.back(whole.start, words.IN), whole.end)


def _weather(canvas: Canvas) -> list[str]:
    """Strike out "the rainy season": when it is depends on the place."""
    found = words.SEASON_OF_WEATHER.search(canvas.free)
    if not found:
        return []
    canvas.strike(found.start(), found.end())
    return [f"When the {found[1]} is differs from place to place and was not used; name its months."]


def _events(canvas: Canvas) -> list[str]:
    """Strike out "after the storm": when it was is not known here."""
    notes = []
    while found := words.EVENT_ALONE.search(canvas.free):
        told = canvas.text[found.start() : found.end()]
        canvas.strike(found.start(), found.end())
        notes.append(f"When {told.split(' ', 1)[1]} was is not known here; name a date to search before or after it.")
    return notes
