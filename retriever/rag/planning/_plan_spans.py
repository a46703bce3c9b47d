"""Dates joined: "from ... to", "between ... and", "since", "before and after", and what shuts what out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from core import QueryError
from retriever.rag.planning import _plan_period_words as words
from retriever.rag.planning._plan_calendar import Days
from retriever.rag.planning._plan_dates import Atom

OPEN = date.min, date.max


@dataclass(frozen=True, kw_only=True)
class Span:
    """One or two dates that belong together."""

    start: int
    end: int
    days: Days | None
    atom: Atom
    excluded: bool = False
    kind: str = "in"


def is_date(text: str, atom: Atom) -> bool:
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


def with_years(text: str, atoms: Sequence[Atom]) -> list[Atom]:
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


def joined(text: str, atoms: Sequence[Atom]) -> list[Span]:
    """Join two dates to one span where the words say "from ... to", "between ... and" or "A - B"."""
    spans: list[Span] = []
    at = 0
    while at < len(atoms):
        pair = _pair(text, atoms[at], atoms[at + 1]) if at + 1 < len(atoms) else None
        one = atoms[at]
        spans.append(pair or Span(start=one.start, end=one.end, days=one.days, atom=one))
        at += 2 if pair else 1
    return spans


def _pair(text: str, one: Atom, other: Atom) -> Span | None:
    if not _is_range(text, one, other):
        return None
    if one.days and other.days:
        days = min(one.days[0], other.days[0]), max(one.days[1], other.days[1])
        return Span(start=one.start, end=other.end, days=days, atom=one, kind="range")
    if one.of_year and other.of_year and one.kind != "season only":
        both = replace(one, end=other.end, of_year=_from_to(one.of_year, other.of_year))
        return Span(start=one.start, end=other.end, days=None, atom=both)
    return None


def _from_to(first: Callable[[int], Days], last: Callable[[int], Days]) -> Callable[[int], Days]:
    """From one time of the year to another, which may lie in the next."""

    def of_year(year: int) -> Days:
        start, end = first(year)[0], last(year)[1]
        return start, end if end >= start else last(year + 1)[1]

    return of_year


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


def opened(text: str, span: Span) -> Span:
    """Open a span at one end, or leave it out, as the words before and behind it say."""
    before, after = text[max(0, span.start - 60) : span.start], text[span.end : span.end + 40]
    event = words.EVENT_AHEAD.search(before)
    if span.kind == "range" or span.atom.kind == "now":
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


def _with_end(span: Span, before: str, after: str) -> Span:
    """Read "since A", "A onwards", "until A", "A or earlier"."""
    onward, earlier = words.ONWARD.match(after), words.EARLIER.match(after)
    if words.FROM_ONLY.search(before):
        onward = onward or words.ON.match(after)
    if onward or (words.SINCE.search(before) and not words.FROM_ONLY.search(before)):
        return replace(_since(span), end=span.end + (onward.end() if onward else 0))
    if earlier or words.UNTIL.search(before):
        return replace(_until(span), end=span.end + (earlier.end() if earlier else 0))
    return span


def _beyond(span: Span, event: re.Match[str] | None, *, late: bool) -> Span:
    """Read "after A" and "before A"; a storm of March is followed by days of March."""
    first, last = _days(span)
    end = span.end + (event.end() if event else 0)
    if late:
        start = first if event else last + timedelta(days=1)
        return replace(span, kind="since", end=end, days=(start, OPEN[1]))
    return replace(span, kind="until", end=end, days=(OPEN[0], first - timedelta(days=1)))


def _since(span: Span) -> Span:
    return replace(span, kind="since", days=(_days(span)[0], OPEN[1]))


def _until(span: Span) -> Span:
    return replace(span, kind="until", days=(OPEN[0], _days(span)[1]))


def _days(span: Span) -> Days:
    if span.days is None:
        raise ValueError("a span without a year has no days")
    return span.days


def met(spans: Sequence[Span]) -> list[Span]:
    """Split "before and after", and let "after A and before B" be the time between.

    Raises:
        QueryError: They exclude each other.
    """
    kept: list[Span] = []
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


def _split(span: Span) -> list[Span]:
    first, last = _days(span)
    return [
        replace(span, days=(OPEN[0], first - timedelta(days=1))),
        replace(span, days=(last + timedelta(days=1), OPEN[1])),
    ]
