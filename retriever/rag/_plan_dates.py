"""Dates as people write them: days, months, seasons, quarters, years, decades, and times counted from today."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from core import QueryError

Days = tuple[date, date]
"""First and last day, both included."""

_MONTHS = (
    "jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?", "july?", "aug(?:ust)?",
    "sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?",
)  # fmt: skip
_MONTH = rf"({'|'.join(_MONTHS)})\b\.?"
_YEAR = r"((?:19|20)[0-9]{2})(?![0-9])"
_DAY = r"([0-9]{1,2})(?:st|nd|rd|th)?"
_SEASON = r"(spring|summer|autumn|fall|winter)"
_MORE_YEARS = rf"(?!(?:, ?|,? (?:and|or|&) ){_YEAR})"
"""What follows is no list of years: "June 2018 and 2019" is June of both."""
_SMALL = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "fifteen",
    "twenty",
    "thirty",
]
_COUNTS = dict(zip(_SMALL, [*range(1, 13), 15, 20, 30], strict=True)) | {
    "couple of": 2,
    "few": 3,
    "several": 5,
    "a": 1,
    "an": 1,
}
"""Words for numbers; "few" and "several" are said in a note where they are used."""
_COUNT = rf"([0-9]{{1,4}}|{'|'.join(sorted(_COUNTS, key=len, reverse=True))})"
_UNIT = r"(year|month|week|day|decade)s?"
_TH = r"(first|second|third|fourth|last|1st|2nd|3rd|4th)"
_TENS = {
    "twenties": 20,
    "thirties": 30,
    "forties": 40,
    "fifties": 50,
    "sixties": 60,
    "seventies": 70,
    "eighties": 80,
    "nineties": 90,
}

_SEASON_FIRST = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""First month of a meteorological season in the north (https://www.noaa.gov/education/resource-collections/climate)."""

Reader = Callable[[re.Match[str], "Clock"], "Days | Callable[[int], Days]"]


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What dates are counted from."""

    today: date
    """For "last year"."""
    south: bool = False
    """Whether seasons are those of the southern hemisphere."""


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


def month_number(name: str) -> int:
    """Return 1..12 of a month's name or its beginning."""
    return next(number for number, month in enumerate(_MONTHS, 1) if name[:3] == month[:3])


def day_of(year: int, month: int, day: int) -> date:
    """Return a date.

    Raises:
        QueryError: It does not exist.
    """
    try:
        return date(year, month, day)
    except ValueError:
        if 1 <= month <= 12:
            length = calendar.monthrange(year, month)[1]
            hint = f"{calendar.month_name[month]} {year} has {length} days"
        else:
            hint = "months are 1 to 12"
        raise QueryError(
            f"{day}.{month}.{year} is no date: {hint}; write e.g. {min(max(day, 1), 28)} May {year}"
        ) from None


def month_days(year: int, month: int, months: int = 1) -> Days:
    """Return the days of one or more months in a row."""
    last_year, last_month = year + (month + months - 2) // 12, (month + months - 2) % 12 + 1
    return date(year, month, 1), date(last_year, last_month, calendar.monthrange(last_year, last_month)[1])


def year_days(first: int, last: int | None = None) -> Days:
    """Return the days of one or more years."""
    return date(first, 1, 1), date(last or first, 12, 31)


def season_days(season: str, year: int, clock: Clock) -> Days:
    """Return the days of a meteorological season that begins in a year."""
    month = (_SEASON_FIRST[season] + (5 if clock.south else -1)) % 12 + 1
    return month_days(year, month, 3)


def _iso(match: re.Match[str], _: Clock) -> Days:
    day = day_of(int(match[1]), int(match[2]), int(match[3]))
    return day, day


def _iso_month(match: re.Match[str], _: Clock) -> Days:
    day_of(int(match[1]), int(match[2]), 1)
    return month_days(int(match[1]), int(match[2]))


def _numeric(match: re.Match[str], _: Clock) -> Days:
    one, other, year = int(match[1]), int(match[2]), int(match[3])
    day, month = (other, one) if other > 12 >= one else (one, other)
    found = day_of(year, month, day)
    return found, found


def _day_month(match: re.Match[str], _: Clock) -> Days:
    day = day_of(int(match[3]), month_number(match[2]), int(match[1]))
    return day, day


def _month_day(match: re.Match[str], _: Clock) -> Days:
    day = day_of(int(match[3]), month_number(match[1]), int(match[2]))
    return day, day


def _days_month(match: re.Match[str], _: Clock) -> Days:
    year, month = int(match[4]), month_number(match[3])
    return day_of(year, month, int(match[1])), day_of(year, month, int(match[2]))


def _month_days(match: re.Match[str], _: Clock) -> Days:
    year, month = int(match[4]), month_number(match[1])
    return day_of(year, month, int(match[2])), day_of(year, month, int(match[3]))


def _day_only(match: re.Match[str], _: Clock) -> Callable[[int], Days]:
    day, month = int(match[1]), month_number(match[2])
    return lambda year: (day_of(year, month, day), day_of(year, month, day))


def _month_day_only(match: re.Match[str], _: Clock) -> Callable[[int], Days]:
    day, month = int(match[2]), month_number(match[1])
    return lambda year: (day_of(year, month, day), day_of(year, month, day))


def _month_year(match: re.Match[str], _: Clock) -> Days:
    year, month = int(match[3]), month_number(match[2])
    first, last = month_days(year, month)
    third = {"early": (1, 10), "mid": (11, 20), "late": (21, last.day)}.get((match[1] or "").strip(" -"))
    return (first, last) if third is None else (date(year, month, third[0]), date(year, month, third[1]))


def _month_only(match: re.Match[str], _: Clock) -> Callable[[int], Days]:
    month = month_number(match[1])
    return lambda year: month_days(year, month)


def _season_year(match: re.Match[str], clock: Clock) -> Days:
    return season_days(match[1], int(match[2]), clock)


def _year_season(match: re.Match[str], clock: Clock) -> Days:
    return season_days(match[2], int(match[1]), clock)


def _season_only(match: re.Match[str], clock: Clock) -> Callable[[int], Days]:
    season = match[1]
    return lambda year: season_days(season, year, clock)


def _last_season(match: re.Match[str], clock: Clock) -> Days:
    years = range(clock.today.year + 1, clock.today.year - 3, -1)
    every = [season_days(match[2], year, clock) for year in years]
    if match[1] == "this":
        return next((days for days in every if days[0] <= clock.today), every[-1])
    return next(days for days in every if days[1] < clock.today)


def _half(match: re.Match[str], _: Clock) -> Days:
    second = match[1] in {"second", "2nd", "last"}
    return month_days(int(match[2]), 7 if second else 1, 6)


def _quarter(match: re.Match[str], _: Clock) -> Days:
    quarter = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 4}.get(match[1]) or int(match[1][0])
    return month_days(int(match[2]), 3 * quarter - 2, 3)


def _quarter_behind(match: re.Match[str], _: Clock) -> Days:
    return month_days(int(match[1]), 3 * int(match[2]) - 2, 3)


def _half_short(match: re.Match[str], _: Clock) -> Days:
    return month_days(int(match[2]), 6 * int(match[1]) - 5, 6)


_THIRDS = {"early": (1, 4), "the beginning of": (1, 3), "the start of": (1, 3), "mid": (5, 4), "the middle of": (5, 4),
           "late": (9, 4), "the end of": (10, 3)}  # fmt: skip
"""First month and number of months of a vague part of a year."""


def _part_of_year(match: re.Match[str], _: Clock) -> Days:
    word = match[1].rstrip(" -")
    key = next(name for name in _THIRDS if name.removeprefix("the ") == word.removeprefix("the "))
    return month_days(int(match[2]), *_THIRDS[key])


def _decade(match: re.Match[str], clock: Clock) -> Days:
    short = match[3]
    if match[2]:
        first = int(match[2])
    else:
        tens = _TENS[short] if short in _TENS else int(short.strip("'")[:2])
        first = 1900 + tens if 1900 + tens > clock.today.year - 100 and tens > clock.today.year % 100 else 2000 + tens
    part = {"early": (0, 3), "mid": (4, 6), "late": (7, 9)}.get((match[1] or "").strip(" -"), (0, 9))
    return year_days(first + part[0], first + part[1])


def _century(match: re.Match[str], _: Clock) -> Days:
    first = (int(match[1]) - 1) * 100 + 1 if match[1].isdigit() else 1901
    return year_days(first, first + 99)


def _year_range(match: re.Match[str], _: Clock) -> Days:
    return _in_order(year_days(int(match[1])), year_days(int(match[2])))


def _year_short_range(match: re.Match[str], _: Clock) -> Days:
    first = int(match[1])
    return year_days(first, first // 100 * 100 + int(match[2]))


def _in_order(one: Days, other: Days) -> Days:
    return min(one[0], other[0]), max(one[1], other[1])


def _year(match: re.Match[str], _: Clock) -> Days:
    return year_days(int(match[1]))


def _last_unit(match: re.Match[str], clock: Clock) -> Days:
    """This or last year, month or week: the one of the calendar."""
    back, today = 0 if match[1] in {"this", "the current", "current"} else 1, clock.today
    if match[2] == "year":
        return year_days(today.year - back)
    if match[2] == "month":
        index = today.year * 12 + today.month - 1 - back
        return month_days(index // 12, index % 12 + 1)
    monday = today - timedelta(days=today.weekday() + 7 * back)
    return monday, monday + timedelta(days=6)


def _past(match: re.Match[str], clock: Clock) -> Days:
    return _back(clock.today, _counted(match[1]), match[2]), clock.today


def _past_one(match: re.Match[str], clock: Clock) -> Days:
    return _back(clock.today, 1, match[1]), clock.today


def _ago(match: re.Match[str], clock: Clock) -> Days:
    then = _back(clock.today, _counted(match[1]), match[2])
    if match[2] in {"year", "decade"}:
        return year_days(then.year)
    if match[2] == "month":
        return month_days(then.year, then.month)
    return then, then + timedelta(days=6 if match[2] == "week" else 0)


def _counted(word: str) -> int:
    return int(word) if word.isdigit() else _COUNTS[word]


def _back(today: date, count: int, unit: str) -> date:
    if unit in {"day", "week"}:
        return max(today - timedelta(days=min(count * (7 if unit == "week" else 1), 40_000)), date(1900, 1, 1))
    months = min(count * {"year": 12, "decade": 120, "month": 1}[unit], 12 * 120)
    index = today.year * 12 + today.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def _today(match: re.Match[str], clock: Clock) -> Days:
    day = clock.today - timedelta(days=1 if match[0] == "yesterday" else 0)
    return day, day


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


_KINDS: tuple[tuple[str, re.Pattern[str], Reader], ...] = (
    ("day", _pattern(r"((?:19|20)[0-9]{2})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?:[t ][0-9:.]{5,15}z?)?(?![0-9])"), _iso),
    ("year range", _pattern(rf"{_YEAR} ?[-/] ?{_YEAR}"), _year_range),
    ("month", _pattern(r"((?:19|20)[0-9]{2})-([0-9]{2})(?![0-9-])"), _iso_month),
    ("numeric", _pattern(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]((?:19|20)[0-9]{2})(?![0-9])"), _numeric),
    ("days", _pattern(
        rf"{_DAY} ?(?:-|to|and|until|till|through) ?(?:the )?{_DAY} (?:of )?{_MONTH},? {_YEAR}"
    ), _days_month),
    ("days", _pattern(rf"{_MONTH} {_DAY} ?(?:-|to|and|until|till|through) ?{_DAY},? {_YEAR}"), _month_days),
    ("day", _pattern(rf"{_DAY} (?:of )?{_MONTH},? (?:of )?{_YEAR}"), _day_month),
    ("day", _pattern(rf"{_MONTH} (?:the )?{_DAY},? (?:of )?{_YEAR}"), _month_day),
    ("day only", _pattern(rf"{_DAY} (?:of )?{_MONTH}(?! ?[0-9])"), _day_only),
    ("vague month", _pattern(rf"(early |mid[ -]|late ){_MONTH},? (?:of )?{_YEAR}"), _month_year),
    ("month", _pattern(rf"(){_MONTH},? (?:of |in )?(?:the year )?{_YEAR}{_MORE_YEARS}"), _month_year),
    ("month day only", _pattern(rf"{_MONTH} {_DAY}(?![0-9])"), _month_day_only),
    ("winter", _pattern(
        rf"{_SEASON} (?:of |in )?(?:the year )?{_YEAR}(?: ?[/-] ?(?:20|19)?[0-9]{{2}}(?![0-9]))?"
        rf"{_MORE_YEARS}"
    ), _season_year),
    ("winter", _pattern(rf"{_YEAR} {_SEASON}\b"), _year_season),
    ("season", _pattern(rf"(last|this|past|previous) {_SEASON}\b"), _last_season),
    ("season only", _pattern(rf"{_SEASON}(?:s|time)?\b"), _season_only),
    ("half", _pattern(rf"{_TH} half of (?:the year )?{_YEAR}"), _half),
    ("half", _pattern(rf"h([12])[ /-]?{_YEAR}"), _half_short),
    ("quarter", _pattern(rf"{_TH} quarter (?:of )?(?:the year )?{_YEAR}"), _quarter),
    ("quarter", _pattern(rf"q([1-4])(?: of)?[ /-]?{_YEAR}"), _quarter),
    ("quarter", _pattern(rf"{_YEAR}[ -/]?q([1-4])\b"), _quarter_behind),
    ("decade", _pattern(
        r"(?:the )?(early |mid[ -]|late )?(?:the )?(?:((?:19|20)[0-9]0)'?s|('?[0-9]0'?s"
        rf"|{'|'.join(_TENS)}))(?!\w)"
    ), _decade),
    ("vague year", _pattern(
        rf"(early |mid[ -]|late |(?:the )?(?:beginning|start|middle|end) of )(?:the year )?{_YEAR}"
    ), _part_of_year),
    ("month only", _pattern(rf"{_MONTH}(?!\w)"), _month_only),
    ("past", _pattern(rf"(?:the )?(?:last|past|previous|recent|preceding) {_COUNT} {_UNIT}\b"), _past),
    ("past", _pattern(r"the (?:last|past|previous) (year|month|week|day|decade)(?: or so)?\b"), _past_one),
    ("past", _pattern(r"(?:past|previous|last) (decade)\b"), _past_one),
    ("calendar", _pattern(r"(last|past|previous|this|the current|current) (year|month|week)\b"), _last_unit),
    ("ago", _pattern(rf"{_COUNT} {_UNIT} (?:ago|back|earlier)\b"), _ago),
    ("century", _pattern(r"(?:the )?(20|21)(?:st|th) century"), _century),
    ("today", _pattern(r"(?:today|yesterday)\b"), _today),
    ("now", _pattern(r"(?:now|present|the present|the present day|nowadays)\b"), _today),
    ("year", _pattern(rf"{_YEAR}(?!\.[0-9]| ?(?:km|m|px|metres|meters|%|x)\b)"), _year),
)  # fmt: skip
"""Kind, pattern and reader; the first that fits at an offset is taken."""

_ANY = re.compile(
    r"(?<![0-9a-z.])(?:(?=[0-9]{1,4})|(?=early|mid|late|the |'[0-9]0|past|previous|recent"
    r"|preceding|this|current|h[12]|q[1-4]|a |an |now|pres)"
    rf"|(?={_MONTH})|(?={_SEASON})|(?={_TH}\b)|(?=(?:{'|'.join(_TENS)})\b)|(?=today|yesterday"
    rf"|beginning|start|middle|end of)|(?={_COUNT} {_UNIT}))"
)
"""Where a date may begin."""


def _numeric_note(match: re.Match[str], _: Clock) -> str | None:
    one, other = int(match[1]), int(match[2])
    return f"{match[0]} was read as day, month, year." if one <= 12 and other <= 12 and one != other else None


def _winter_note(match: re.Match[str], clock: Clock) -> str | None:
    groups = [group for group in match.groups() if group]
    season, year = next(group for group in groups if group in _SEASON_FIRST), next(g for g in groups if g.isdigit())
    first, last = season_days(season, int(year), clock)
    if first.year == last.year:
        return None
    return f"{season.capitalize()} {year} was read as {first:%B %Y} to {last:%B %Y}."


def _vague_note(match: re.Match[str], clock: Clock) -> str | None:
    reader = _part_of_year if len(match.groups()) == 2 else _month_year
    first, last = reader(match, clock)
    return f'"{match[0]}" was read as {first.isoformat()} to {last.isoformat()}.'


_NOTES: dict[str, Callable[[re.Match[str], Clock], str | None]] = {
    "numeric": _numeric_note,
    "winter": _winter_note,
    "vague year": _vague_note,
    "vague month": _vague_note,
}
"""How something was read, by kind."""
