"""What each way of writing a date means: a match of its pattern in, days out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

from retriever.rag.planning._plan_calendar import (
    Clock,
    Days,
    day_of,
    days_back,
    month_days,
    season_days,
    year_days,
)

MONTHS = (
    "jan(?:uary)?", "feb(?:ruary)?", "mar(?:ch)?", "apr(?:il)?", "may", "june?", "july?", "aug(?:ust)?",
    "sept?(?:ember)?", "oct(?:ober)?", "nov(?:ember)?", "dec(?:ember)?",
)  # fmt: skip

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

COUNTS = dict(zip(_SMALL, [*range(1, 13), 15, 20, 30], strict=True)) | {
    "couple of": 2,
    "few": 3,
    "several": 5,
    "a": 1,
    "an": 1,
}
"""Words for numbers; "few" and "several" are said in a note where they are used."""

TENS = {
    "twenties": 20,
    "thirties": 30,
    "forties": 40,
    "fifties": 50,
    "sixties": 60,
    "seventies": 70,
    "eighties": 80,
    "nineties": 90,
}


def month_number(name: str) -> int:
    """Return 1..12 of a month's name or its beginning."""
    return next(number for number, month in enumerate(MONTHS, 1) if name[:3] == month[:3])


def read_iso(match: re.Match[str], _: Clock) -> Days:
    day = day_of(int(match[1]), int(match[2]), int(match[3]))
    return day, day


def read_iso_month(match: re.Match[str], _: Clock) -> Days:
    day_of(int(match[1]), int(match[2]), 1)
    return month_days(int(match[1]), int(match[2]))


def read_numeric(match: re.Match[str], _: Clock) -> Days:
    one, other, year = int(match[1]), int(match[2]), int(match[3])
    day, month = (other, one) if other > 12 >= one else (one, other)
    found = day_of(year, month, day)
    return found, found


def read_day_month(match: re.Match[str], _: Clock) -> Days:
    day = day_of(int(match[3]), month_number(match[2]), int(match[1]))
    return day, day


def read_month_day(match: re.Match[str], _: Clock) -> Days:
    day = day_of(int(match[3]), month_number(match[1]), int(match[2]))
    return day, day


def read_days_month(match: re.Match[str], _: Clock) -> Days:
    year, month = int(match[4]), month_number(match[3])
    return day_of(year, month, int(match[1])), day_of(year, month, int(match[2]))


def read_month_days(match: re.Match[str], _: Clock) -> Days:
    year, month = int(match[4]), month_number(match[1])
    return day_of(year, month, int(match[2])), day_of(year, month, int(match[3]))


def read_day_only(match: re.Match[str], _: Clock) -> Callable[[int], Days]:
    day, month = int(match[1]), month_number(match[2])
    return lambda year: (day_of(year, month, day), day_of(year, month, day))


def read_month_day_only(match: re.Match[str], _: Clock) -> Callable[[int], Days]:
    day, month = int(match[2]), month_number(match[1])
    return lambda year: (day_of(year, month, day), day_of(year, month, day))


def read_month_year(match: re.Match[str], _: Clock) -> Days:
    year, month = int(match[3]), month_number(match[2])
    first, last = month_days(year, month)
    third = {"early": (1, 10), "mid": (11, 20), "late": (21, last.day)}.get((match[1] or "").strip(" -"))
    return (first, last) if third is None else (date(year, month, third[0]), date(year, month, third[1]))


def read_month_only(match: re.Match[str], _: Clock) -> Callable[[int], Days]:
    month = month_number(match[1])
    return lambda year: month_days(year, month)


def read_season_year(match: re.Match[str], clock: Clock) -> Days:
    return season_days(match[1], int(match[2]), clock)


def read_year_season(match: re.Match[str], clock: Clock) -> Days:
    return season_days(match[2], int(match[1]), clock)


def read_season_only(match: re.Match[str], clock: Clock) -> Callable[[int], Days]:
    season = match[1]
    return lambda year: season_days(season, year, clock)


def read_last_season(match: re.Match[str], clock: Clock) -> Days:
    years = range(clock.today.year + 1, clock.today.year - 3, -1)
    every = [season_days(match[2], year, clock) for year in years]
    if match[1] == "this":
        return next((days for days in every if days[0] <= clock.today), every[-1])
    return next(days for days in every if days[1] < clock.today)


def read_half(match: re.Match[str], _: Clock) -> Days:
    second = match[1] in {"second", "2nd", "last"}
    return month_days(int(match[2]), 7 if second else 1, 6)


def read_quarter(match: re.Match[str], _: Clock) -> Days:
    quarter = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 4}.get(match[1]) or int(match[1][0])
    return month_days(int(match[2]), 3 * quarter - 2, 3)


def read_quarter_behind(match: re.Match[str], _: Clock) -> Days:
    return month_days(int(match[1]), 3 * int(match[2]) - 2, 3)


def read_half_short(match: re.Match[str], _: Clock) -> Days:
    return month_days(int(match[2]), 6 * int(match[1]) - 5, 6)


_THIRDS = {"early": (1, 4), "the beginning of": (1, 3), "the start of": (1, 3), "mid": (5, 4), "the middle of": (5, 4),
           "late": (9, 4), "the end of": (10, 3)}  # fmt: skip
"""First month and number of months of a vague part of a year."""


def read_part_of_year(match: re.Match[str], _: Clock) -> Days:
    word = match[1].rstrip(" -")
    key = next(name for name in _THIRDS if name.removeprefix("the ") == word.removeprefix("the "))
    return month_days(int(match[2]), *_THIRDS[key])


def read_decade(match: re.Match[str], clock: Clock) -> Days:
    short = match[3]
    if match[2]:
        first = int(match[2])
    else:
        tens = TENS[short] if short in TENS else int(short.strip("'")[:2])
        first = 1900 + tens if 1900 + tens > clock.today.year - 100 and tens > clock.today.year % 100 else 2000 + tens
    part = {"early": (0, 3), "mid": (4, 6), "late": (7, 9)}.get((match[1] or "").strip(" -"), (0, 9))
    return year_days(first + part[0], first + part[1])


def read_century(match: re.Match[str], _: Clock) -> Days:
    first = (int(match[1]) - 1) * 100 + 1 if match[1].isdigit() else 1901
    return year_days(first, first + 99)


def read_year_range(match: re.Match[str], _: Clock) -> Days:
    return _in_order(year_days(int(match[1])), year_days(int(match[2])))


def _in_order(one: Days, other: Days) -> Days:
    return min(one[0], other[0]), max(one[1], other[1])


def read_year(match: re.Match[str], _: Clock) -> Days:
    return year_days(int(match[1]))


def read_last_unit(match: re.Match[str], clock: Clock) -> Days:
    """This or last year, month or week: the one of the calendar."""
    back, today = 0 if match[1] in {"this", "the current", "current"} else 1, clock.today
    if match[2] == "year":
        return year_days(today.year - back)
    if match[2] == "month":
        index = today.year * 12 + today.month - 1 - back
        return month_days(index // 12, index % 12 + 1)
    monday = today - timedelta(days=today.weekday() + 7 * back)
    return monday, monday + timedelta(days=6)


def read_past(match: re.Match[str], clock: Clock) -> Days:
    return days_back(clock.today, _counted(match[1]), match[2]), clock.today


def read_past_one(match: re.Match[str], clock: Clock) -> Days:
    return days_back(clock.today, 1, match[1]), clock.today


def read_ago(match: re.Match[str], clock: Clock) -> Days:
    then = days_back(clock.today, _counted(match[1]), match[2])
    if match[2] in {"year", "decade"}:
        return year_days(then.year)
    if match[2] == "month":
        return month_days(then.year, then.month)
    return then, then + timedelta(days=6 if match[2] == "week" else 0)


def _counted(word: str) -> int:
    return int(word) if word.isdigit() else COUNTS[word]


def read_now(_: re.Match[str], clock: Clock) -> Days:
    """The newest pictures: those of the last twelve months."""
    return days_back(clock.today, 1, "year"), clock.today


def read_today(match: re.Match[str], clock: Clock) -> Days:
    day = clock.today - timedelta(days=1 if match[0] == "yesterday" else 0)
    return day, day
