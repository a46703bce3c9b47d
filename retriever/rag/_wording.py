"""Numbers, dates and places as people write them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

_WINDS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def plural(count: int, noun: str, several: str | None = None) -> str:
    """Return a count with its noun: ``1 tile``, ``1,204 tiles``."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def counted(count: int, noun: str, several: str | None = None) -> str:
    """Return a count with its noun to begin a sentence with: ``One tile``, ``Twelve tiles``, ``13 tiles``."""
    number = _SMALL[count].capitalize() if count < len(_SMALL) else f"{count:,}"
    return f"{number} {noun if count == 1 else several or noun + 's'}"


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {last} {parts[-1]}"


def shortened(parts: Sequence[str], most: int) -> str:
    """Return ``listed``, with ``4 more`` in place of what is too many."""
    return listed(parts) if len(parts) <= most else listed([*parts[: most - 1], f"{len(parts) - most + 1:,} more"])


def amount(value: float) -> str:
    """Return a number to three digits that count, more where they stand before the point: ``1,234``, ``0.0345``."""
    size = abs(value)
    if size >= 99.95:
        return f"{value:,.0f}"
    if size >= 9.995:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 0.9995 or not size else f"{float(f'{value:.3g}'):.10f}".rstrip("0").rstrip(".")


def square_km(km2: float) -> str:
    """Return an area: ``61.2 km²``, ``3,400 m²`` below a hundredth of a square kilometre."""
    return f"{amount(km2)} km²" if km2 >= 0.01 or not km2 else f"{amount(km2 * 1e6)} m²"


def distance(metres: float) -> str:
    """Return a distance: ``480 m``, ``5.31 km``."""
    return f"{metres:.0f} m" if metres < 999.5 else f"{amount(metres / 1000)} km"


def share(fraction: float) -> str:
    """Return a share in percent: ``14.3 %``, ``0.25 %``."""
    percent = fraction * 100
    return f"{percent:.1f} %" if percent >= 0.95 or not percent else f"{amount(percent)} %"


def wind(azimuth: float) -> str:
    """Return the direction of an azimuth in degrees, clockwise from north: ``south-west``."""
    return _WINDS[round(azimuth / 45) % 8]


def point(lon: float, lat: float) -> str:
    """Return ``8.47° S, 74.4° W``: two decimals, which is a kilometre."""
    return f"{abs(lat):.2f}° {'N' if lat >= 0 else 'S'}, {abs(lon):.2f}° {'E' if lon >= 0 else 'W'}"


def day(instant: datetime) -> date:
    """Return the day of an instant in UTC."""
    return instant.astimezone(UTC).date()


def only_years(instants: Iterable[datetime]) -> bool:
    """Return whether dates tell the year only: two or more, all the first instant of a year, as ``%Y`` reads them."""
    found = {instant.astimezone(UTC) for instant in instants}
    return len(found) > 1 and all(
        (each.month, each.day, each.hour, each.minute, each.second) == (1, 1, 0, 0, 0) for each in found
    )


def dated(when: date, *, years: bool = False) -> str:
    """Return ``2009-08-18``, or ``1985`` where dates tell the year only."""
    return f"{when.year:04}" if years else when.isoformat()


def span(first: date, last: date, *, years: bool = False) -> str:
    """Return ``on 2009-08-18``, or ``from 2009-08-18 to 2020-08-31``; ``in 1985``, ``from 1985 to 2020``."""
    if first == last:
        return f"{'in' if years else 'on'} {dated(first, years=years)}"
    return f"from {dated(first, years=years)} to {dated(last, years=years)}"
