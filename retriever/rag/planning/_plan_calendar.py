"""Days, months, years and meteorological seasons."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from core import QueryError

Days = tuple[date, date]
"""First and last day, both included."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What dates are counted from."""

    today: date
    """For "last year"."""
    south: bool = False
    """Whether seasons are those of the southern hemisphere."""


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


SEASON_FIRST = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
"""First month of a meteorological season in the north (https://www.noaa.gov/education/resource-collections/climate)."""


def season_days(season: str, year: int, clock: Clock) -> Days:
    """Return the days of a meteorological season that begins in a year."""
    month = (SEASON_FIRST[season] + (5 if clock.south else -1)) % 12 + 1
    return month_days(year, month, 3)


def days_back(today: date, count: int, unit: str) -> date:
    if unit in {"day", "week"}:
        return max(today - timedelta(days=min(count * (7 if unit == "week" else 1), 40_000)), date(1900, 1, 1))
    months = min(count * {"year": 12, "decade": 120, "month": 1}[unit], 12 * 120)
    index = today.year * 12 + today.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))
