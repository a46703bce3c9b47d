"""Dates as people write them: days, months, seasons, quarters, years, decades, and times counted from today."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from retriever.rag.planning import _plan_date_readers as readers
from retriever.rag.planning._plan_calendar import SEASON_FIRST, Clock, Days, season_days
from retriever.rag.planning._plan_date_readers import COUNTS, MONTHS, TENS

_MONTH = rf"({'|'.join(MONTHS)})\b\.?"

_YEAR = r"((?:19|20)[0-9]{2})(?![0-9])"

_DAY = r"([0-9]{1,2})(?:st|nd|rd|th)?"

_SEASON = r"(spring|summer|autumn|fall|winter)"

_MORE_YEARS = rf"(?!(?:, ?|,? (?:and|or|&) ){_YEAR})"
"""What follows is no list of years: "June 2018 and 2019" is June of both."""

_COUNT = rf"([0-9]{{1,4}}|{'|'.join(sorted(COUNTS, key=len, reverse=True))})"

_UNIT = r"(year|month|week|day|decade)s?"

_TH = r"(first|second|third|fourth|last|1st|2nd|3rd|4th)"

Reader = Callable[[re.Match[str], "Clock"], "Days | Callable[[int], Days]"]


@dataclass(frozen=True, kw_only=True)
class Atom:
    """One date or time span in a text."""

    start: int
    """Offset of its first character."""
    end: int
    """Offset behind its last one."""
    kind: str
    """``day``, ``month``, ``year``, ``season``, ``relative``..."""
    days: Days | None = None
    """When it is; None where the year is missing."""
    of_year: Callable[[int], Days] | None = None
    """When it would be in a year; None where the year is there."""
    note: str | None = None
    """How it was read, where that is not plain."""


def find_dates(text: str, clock: Clock) -> tuple[Atom, ...]:
    """Return the dates of a text in their order; where two could be read, the longer kind of pattern.

    Raises:
        QueryError: A date that does not exist.
    """
    return tuple(_atoms(text, clock))


def _atoms(text: str, clock: Clock) -> Iterator[Atom]:
    at = 0
    while found := _ANY.search(text, at):
        at = found.start() + 1
        atom = _read(text, found.start(), clock)
        if atom is not None:
            at = atom.end
            yield atom


def _read(text: str, start: int, clock: Clock) -> Atom | None:
    for kind, pattern, reader in _KINDS:
        match = pattern.match(text, start)
        if match:
            read = reader(match, clock)
            note = _NOTES[kind](match, clock) if kind in _NOTES else None
            if callable(read):
                return Atom(start=start, end=match.end(), kind=kind, of_year=read, note=note)
            return Atom(start=start, end=match.end(), kind=kind, days=read, note=note)
    return None


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


_KINDS: tuple[tuple[str, re.Pattern[str], Reader], ...] = (
    ("day", _pattern(
        r"((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[t ][0-9:.]{5,15}z?)?(?![0-9])"
    ), readers.read_iso),
    ("year range", _pattern(rf"{_YEAR} ?[-/] ?{_YEAR}"), readers.read_year_range),
    ("month", _pattern(r"((?:19|20)[0-9]{2})-([0-9]{2})(?![0-9-])"), readers.read_iso_month),
    ("numeric", _pattern(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]((?:19|20)[0-9]{2})(?![0-9])"), readers.read_numeric),
    ("days", _pattern(
        rf"{_DAY} ?(?:-|to|and|until|till|through) ?(?:the )?{_DAY} (?:of )?{_MONTH},? {_YEAR}"
    ), readers.read_days_month),
    ("days", _pattern(rf"{_MONTH} {_DAY} ?(?:-|to|and|until|till|through) ?{_DAY},? {_YEAR}"), readers.read_month_days),
    ("day", _pattern(rf"{_DAY} (?:of )?{_MONTH},? (?:of )?{_YEAR}"), readers.read_day_month),
    ("day", _pattern(rf"{_MONTH} (?:the )?{_DAY},? (?:of )?{_YEAR}"), readers.read_month_day),
    ("day only", _pattern(rf"{_DAY} (?:of )?{_MONTH}(?! ?[0-9])"), readers.read_day_only),
    ("vague month", _pattern(rf"(early |mid[ -]|late ){_MONTH},? (?:of )?{_YEAR}"), readers.read_month_year),
    ("month", _pattern(rf"(){_MONTH},? (?:of |in )?(?:the year )?{_YEAR}{_MORE_YEARS}"), readers.read_month_year),
    ("month day only", _pattern(rf"{_MONTH} {_DAY}(?![0-9])"), readers.read_month_day_only),
    ("winter", _pattern(
        rf"{_SEASON} (?:of |in )?(?:the year )?{_YEAR}(?: ?[/-] ?(?:20|19)?[0-9]{{2}}(?![0-9]))?"
        rf"{_MORE_YEARS}"
    ), readers.read_season_year),
    ("winter", _pattern(rf"{_YEAR} {_SEASON}\b"), readers.read_year_season),
    ("season", _pattern(rf"(last|this|past|previous) {_SEASON}\b"), readers.read_last_season),
    ("season only", _pattern(rf"{_SEASON}(?:s|time)?\b"), readers.read_season_only),
    ("half", _pattern(rf"{_TH} half of (?:the year )?{_YEAR}"), readers.read_half),
    ("half", _pattern(rf"h([12])[ /-]?{_YEAR}"), readers.read_half_short),
    ("quarter", _pattern(rf"{_TH} quarter (?:of )?(?:the year )?{_YEAR}"), readers.read_quarter),
    ("quarter", _pattern(rf"q([1-4])(?: of)?[ /-]?{_YEAR}"), readers.read_quarter),
    ("quarter", _pattern(rf"{_YEAR}[ -/]?q([1-4])\b"), readers.read_quarter_behind),
    ("decade", _pattern(
        r"(?:the )?(early |mid[ -]|late )?(?:the )?(?:((?:19|20)[0-9]0)'?s|('?[0-9]0'?s"
        rf"|{'|'.join(TENS)}))(?!\w)"
    ), readers.read_decade),
    ("vague year", _pattern(
        rf"(early |mid[ -]|late |(?:the )?(?:beginning|start|middle|end) of )(?:the year )?{_YEAR}"
    ), readers.read_part_of_year),
    ("month only", _pattern(rf"{_MONTH}(?!\w)"), readers.read_month_only),
    ("past", _pattern(rf"(?:the )?(?:last|past|previous|recent|preceding) {_COUNT} {_UNIT}\b"), readers.read_past),
    ("past", _pattern(r"the (?:last|past|previous) (year|month|week|day|decade)(?: or so)?\b"), readers.read_past_one),
    ("past", _pattern(r"(?:past|previous|last) (decade)\b"), readers.read_past_one),
    ("calendar", _pattern(
        r"(last|past|previous|this|the current|current) (year|month|week)\b"
    ), readers.read_last_unit),
    ("ago", _pattern(rf"{_COUNT} {_UNIT} (?:ago|back|earlier)\b"), readers.read_ago),
    ("century", _pattern(r"(?:the )?(20|21)(?:st|th) century"), readers.read_century),
    ("today", _pattern(r"(?:today|yesterday)\b"), readers.read_today),
    ("now", _pattern(r"(?:now|present|the present|the present day|nowadays)\b"), readers.read_now),
    ("year", _pattern(rf"{_YEAR}(?!\.[0-9]| ?(?:km|m|px|metres|meters|%|x)\b)"), readers.read_year),
)  # fmt: skip
"""Kind, pattern and reader; the first that fits at an offset is taken."""

_ANY = re.compile(
    r"(?<![0-9a-z.])(?:(?=[0-9]{1,4})|(?=early|mid|late|the |'[0-9]0|past|previous|recent"
    r"|preceding|this|current|h[12]|q[1-4]|a |an |now|pres)"
    rf"|(?={_MONTH})|(?={_SEASON})|(?={_TH}\b)|(?=(?:{'|'.join(TENS)})\b)|(?=today|yesterday"
    rf"|beginning|start|middle|end of)|(?={_COUNT} {_UNIT}))"
)
"""Where a date may begin."""


def _numeric_note(match: re.Match[str], _: Clock) -> str | None:
    one, other = int(match[1]), int(match[2])
    return f"{match[0]} was read as day, month, year." if one <= 12 and other <= 12 and one != other else None


def _winter_note(match: re.Match[str], clock: Clock) -> str | None:
    groups = [group for group in match.groups() if group]
    season, year = next(group for group in groups if group in SEASON_FIRST), next(g for g in groups if g.isdigit())
    first, last = season_days(season, int(year), clock)
    if first.year == last.year:
        return None
    return f"{season.capitalize()} {year} was read as {first:%B %Y} to {last:%B %Y}."


def _vague_note(match: re.Match[str], clock: Clock) -> str | None:
    reader = readers.read_part_of_year if len(match.groups()) == 2 else readers.read_month_year
    first, last = reader(match, clock)
    return f'"{match[0]}" was read as {first.isoformat()} to {last.isoformat()}.'


_NOTES: dict[str, Callable[[re.Match[str], Clock], str | None]] = {
    "numeric": _numeric_note,
    "winter": _winter_note,
    "vague year": _vague_note,
    "vague month": _vague_note,
}
"""How something was read, by kind."""
