"""When: the dates of a question joined to periods by the words between and before them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from core import Interval, QueryError
from retriever.rag import _plan_period_words as words
from retriever.rag._plan_calendar import Clock, Days
from retriever.rag._plan_dates import Atom, find_dates
from retriever.rag._plan_text import Canvas
from retriever.rag._plan_world import World

MAX_PERIODS = 60
"""Most periods of a plan: sixty summers."""

_OPEN = date.min, date.max


@dataclass(frozen=True, kw_only=True)
class PeriodsRead:
    """What a question says about when."""

    periods: tuple[Interval, ...] = ()
    """See ``QueryPlan``."""
    notes: tuple[str, ...] = ()
    """See ``QueryPlan``."""
    events: tuple[str, ...] = ()
    """Things that happened at no stated date, e.g. ``after the storm``."""


@dataclass(frozen=True, kw_only=True)
class _Span:
    """One or two dates that belong together."""

    start: int
    end: int
    days: Days | None
    atom: Atom
    excluded: bool = False
    kind: str = "in"


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
    text = canvas.free
    atoms = [atom for atom in find_dates(text, clock) if _is_date(text, atom)]
    atoms = _with_years(text, atoms)
    spans = _joined(text, atoms)
    partial = [span for span in spans if span.days is None]
    whole = [_opened(text, span) for span in spans if span.days is not None]
    if len(whole) == 1 and whole[0].kind == "in" and words.BOTH_SIDES.search(text):
        whole = [replace(whole[0], kind="both")]
    notes = [atom.note for atom in atoms if atom.note]
    for span in spans:
        _strike(canvas, span)
    days, more = _seasons(partial, whole, world) if partial else ([span.days for span in _met(whole)], [])
    kept = _without(days, [span for span in whole if span.excluded])
    notes += more + _season_notes(atoms, south) + _outside(kept, world)
    events = _events(canvas)
    periods = tuple(dict.fromkeys(map(_interval, kept)))
    return PeriodsRead(periods=periods, notes=tuple(dict.fromkeys([*notes, *events])))


def _is_date(text: str, atom: Atom) -> bool:
    """Whether an atom is a date here: "march" and "may" alone, "now" and numbers of things often are none."""
    before, after = text[max(0, atom.start - 40) : atom.start], text[atom.end : atom.end + 24]
    if atom.kind == "now":
        return bool(words.TO_NOW.search(before))
    if atom.kind == "month only":
        beside = words.TO_MONTH.match(after) or before.rstrip(" |").endswith(",")
        return bool(beside or (words.MONTH_TOLD.search(before) and not words.EVENT_NEXT.match(after)))
    if atom.kind == "season only":
        return not words.SUMMER_HOUSE.match(after) and not before.endswith("hot ")
    if atom.kind == "year":
        return not (words.HOW_MANY.search(before) and words.THINGS.match(after))
    return True


def _with_years(text: str, atoms: Sequence[Atom]) -> list[Atom]:
    """Give dates without a year that of the date they stand beside: "June to August 2019", "3 May to 10 May 2017"."""
    result = list(atoms)
    for at in range(len(result) - 2, -1, -1):
        one, other = result[at], result[at + 1]
        glue = text[one.end : other.start]
        if one.of_year and other.days and other.kind in _OWN_YEAR and _beside(glue) and other.days[0].year:
            days = one.of_year(other.days[0].year)
            if days[0] > other.days[1] and words.RANGE_GLUE.fullmatch(glue):
                days = one.of_year(other.days[0].year - 1)
            result[at] = replace(one, days=days, of_year=None)
    for at in range(1, len(result)):
        one, other = result[at - 1], result[at]
        if other.of_year and one.days and one.kind in _OWN_YEAR and _beside(text[one.end : other.start]):
            result[at] = replace(other, days=other.of_year(one.days[1].year), of_year=None)
    return result


_OWN_YEAR = {"day", "days", "month", "winter", "numeric", "day only", "month only", "season only", "month day only"}


def _beside(glue: str) -> bool:
    return bool(words.RANGE_GLUE.fullmatch(glue) or words.LIST_GLUE.fullmatch(glue))


def _joined(text: str, atoms: Sequence[Atom]) -> list[_Span]:
    """Join two dates to one span where the words say "from ... to", "between ... and" or "A - B"."""
    spans: list[_Span] = []
    at = 0
    while at < len(atoms):
        one = atoms[at]
        other = atoms[at + 1] if at + 1 < len(atoms) else None
        joined = other is not None and _is_range(text, one, other)
        if joined and other is not None and one.days and other.days:
            days = min(one.days[0], other.days[0]), max(one.days[1], other.days[1])
            spans.append(_Span(start=one.start, end=other.end, days=days, atom=one, kind="range"))
            at += 2
            continue
        if joined and other is not None and one.of_year and other.of_year and one.kind != "season only":
            both = _both_parts(one, other)
            spans.append(_Span(start=one.start, end=other.end, days=None, atom=both))
            at += 2
            continue
        spans.append(_Span(start=one.start, end=one.end, days=one.days, atom=one))
        at += 1
    return spans


def _both_parts(one: Atom, other: Atom) -> Atom:
    def of_year(year: int) -> Days:
        first, last = one.of_year(year), other.of_year(year)  # type: ignore[misc]  # both are partial
        if last[1] < first[0]:
            last = other.of_year(year + 1)  # type: ignore[misc]
        return first[0], last[1]

    return replace(one, end=other.end, of_year=of_year)


def _is_range(text: str, one: Atom, other: Atom) -> bool:
    glue, before = text[one.end : other.start], text[: one.start]
    if words.RANGE_GLUE.fullmatch(glue):
        compared = (
            glue.strip() == "to" and not words.FROM_ONLY.search(before[-40:]) and re.search(r"\bcompare\b", before)
        )
        return not compared
    if not words.AND_GLUE.fullmatch(glue) or not words.BETWEEN.search(before[-40:]):
        return False
    # "the difference between 2015 and 2020" is about two years, "moved between 2015 and 2020" about the time between.
    return not (words.COMPARED.search(text) and not words.THAN.search(text) and "chang" not in text)


def _opened(text: str, span: _Span) -> _Span:
    """Open a span at one end, or leave it out, as the words before and behind it say."""
    before, after = text[max(0, span.start - 60) : span.start], text[span.end : span.end + 40]
    event = words.EVENT_AHEAD.search(before)
    if span.kind == "range":
        return replace(span, excluded=bool(words.NOT.search(before)))
    if words.BOTH.search(before):
        return replace(span, kind="both")
    if event:
        start = span.start - (len(before) - event.start())
        return replace(_until(span) if event[1] == "before" else _since(span), start=start)
    if words.AFTER.search(before) or words.BEFORE.search(before):
        return _beyond(span, words.EVENT_BEHIND.match(after), late=bool(words.AFTER.search(before)))
    if words.NOT.search(before):
        return replace(span, excluded=True)
    return _with_end(span, before, after)


def _with_end(span: _Span, before: str, after: str) -> _Span:
    """Read "since A", "A onwards", "until A", "A or earlier"."""
    onward, earlier = words.ONWARD.match(after), words.EARLIER.match(after)
    if onward or (words.SINCE.search(before) and not words.FROM_ONLY.search(before)):
        return replace(_since(span), end=span.end + (onward.end() if onward else 0))
    if earlier or words.UNTIL.search(before):
        return replace(_until(span), end=span.end + (earlier.end() if earlier else 0))
    return span


def _beyond(span: _Span, event: re.Match[str] | None, *, late: bool) -> _Span:
    """Read "after A" and "before A"; a storm of March is followed by days of March."""
    first, last = _days(span)
    end = span.end + (event.end() if event else 0)
    if late:
        opened = first if event else last + timedelta(days=1)
        return replace(span, kind="since", end=end, days=(opened, _OPEN[1]))
    return replace(span, kind="until", end=end, days=(_OPEN[0], first - timedelta(days=1)))


def _since(span: _Span) -> _Span:
    return replace(span, kind="since", days=(_days(span)[0], _OPEN[1]))


def _until(span: _Span) -> _Span:
    return replace(span, kind="until", days=(_OPEN[0], _days(span)[1]))


def _days(span: _Span) -> Days:
    if span.days is None:
        raise ValueError("a span without a year has no days")
    return span.days


def _met(spans: Sequence[_Span]) -> list[_Span]:
    """Split "before and after", and let "after A and before B" be the time between.

    Raises:
        QueryError: They exclude each other.
    """
    kept: list[_Span] = []
    for span in spans:
        if span.excluded or span.days is None:
            continue
        previous = kept[-1] if kept else None
        if previous and previous.days and {previous.kind, span.kind} == {"since", "until"}:
            first, last = max(previous.days[0], span.days[0]), min(previous.days[1], span.days[1])
            if first <= last:
                kept[-1] = replace(span, kind="in", days=(first, last))
                continue
            if previous.kind == "since":
                raise QueryError(
                    f"nothing is both after {first - timedelta(days=1)} and before {last + timedelta(days=1)};"
                    f" ask for example between {last.year} and {first.year}"
                )
        kept += _split(span) if span.kind == "both" else [span]
    return kept


def _split(span: _Span) -> list[_Span]:
    first, last = _days(span)
    return [
        replace(span, days=(_OPEN[0], first - timedelta(days=1))),
        replace(span, days=(last + timedelta(days=1), _OPEN[1])),
    ]


def _seasons(partial: Sequence[_Span], whole: Sequence[_Span], world: World) -> tuple[list[Days | None], list[str]]:
    """Apply "summer" or "March" to each year of the other periods, or of the index."""
    spans = [span.days for span in _met(whole)]
    known = _years_of(world)
    if not spans and known is None:
        names = ", ".join(span.atom.kind.removesuffix(" only") for span in partial)
        return [], [f"A {names} without a year was not used: the dates of the index are not known."]
    years: list[int] = []
    for days in spans or [None]:
        first, last = known or (world.today.year, world.today.year)
        low = first if days is None or days[0] == _OPEN[0] else days[0].year
        high = last if days is None or days[1] == _OPEN[1] else days[1].year
        years += range(low, high + 1)
    years = list(dict.fromkeys(years))[-MAX_PERIODS // len(partial) :]
    found = [span.atom.of_year(year) for year in years for span in partial if span.atom.of_year]
    if not spans and world.first and world.last:
        # A winter reaches into the next year.
        held = world.first.date(), world.last.date()
        found = [days for days in found if days[1] >= held[0] and days[0] <= held[1]]
    note = [] if spans else [f"No year was named: every year of the index counts, {years[0]} to {years[-1]}."]
    return list(found), note


def _years_of(world: World) -> tuple[int, int] | None:
    if world.first is None or world.last is None:
        return None
    return world.first.year, world.last.year


def _without(days: Sequence[Days | None], excluded: Sequence[_Span]) -> list[Days]:
    """Cut the excluded spans out of the periods, or out of all time where there is none."""
    kept = [each for each in days if each]
    if excluded and not kept:
        kept = [_OPEN]
    for span in excluded:
        if span.days:
            kept = [piece for each in kept for piece in _cut(each, span.days)]
    if excluded and not kept:
        raise QueryError("the periods leave nothing: what is asked for is excluded in the same question")
    return kept


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
    lost = [each for each in days if each[1] < first or each[0] > last]
    if not lost:
        return []
    return [f"The index holds nothing from {_shown(lost[0])}; its tiles are from {first} to {last}."]


def _shown(days: Days) -> str:
    if days[0] == _OPEN[0]:
        return f"before {days[1] + timedelta(days=1)}"
    if days[1] == _OPEN[1]:
        return f"{days[0]} on"
    return str(days[0]) if days[0] == days[1] else f"{days[0]} to {days[1]}"


def _interval(days: Days) -> Interval:
    first = None if days[0] == _OPEN[0] else datetime.combine(days[0], time(), UTC)
    last = None if days[1] == _OPEN[1] else datetime.combine(days[1], time.max, UTC)
    return first, last


def _strike(canvas: Canvas, span: _Span) -> None:
    opened = _opened(canvas.free, span) if span.days else span
    canvas.strike(canvas.back(opened.start, words.IN), opened.end)


def _events(canvas: Canvas) -> list[str]:
    """Strike out "after the storm": when it was is not known here."""
    notes = []
    while found := words.EVENT_ALONE.search(canvas.free):
        told = canvas.text[found.start() : found.end()]
        canvas.strike(found.start(), found.end())
        notes.append(f"When {told.split(' ', 1)[1]} was is not known here; name a date to search before or after it.")
    return notes
