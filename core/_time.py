"""Instants and intervals: RFC 3339 in, timezone-aware UTC out. A missing date stays None."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from core._errors import InputError, QueryError, SceneError

Interval = tuple[datetime | None, datetime | None]
"""First and last instant, both inclusive; None is open."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

# https://www.rfc-editor.org/rfc/rfc3339#section-5.6; the zone is optional here only to be named when it is missing
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)

_DIRECTIVES = {
    "%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%H": r"\d{2}", "%M": r"\d{2}", "%S": r"\d{2}",
    "%j": r"\d{3}", "%y": r"\d{2}", "%b": r"[A-Za-z]{3}", "%B": r"[A-Za-z]+", "%f": r"\d{1,6}", "%%": "%",
}  # fmt: skip
_NUMERIC = set(_DIRECTIVES) - {"%b", "%B", "%%"}
_HINT = "expected RFC 3339 such as 2020-06-01T00:00:00Z, a day such as 2020-06-01, or A/B with .. for an open end"


def parse_instant(text: str) -> datetime:
    """Return an RFC 3339 instant, or the first instant of a bare day, in UTC.

    Raises:
        QueryError: Neither.
    """
    return _bounds(text.strip())[0]


def parse_interval(text: str) -> Interval:
    """Return the interval of ``A/B``, ``../B``, ``A/..``, a single instant, or a whole day.

    Raises:
        QueryError: Malformed, or A after B.
    """
    first, slash, last = text.strip().partition("/")
    if not slash:
        return _bounds(first)
    start = None if first in ("", "..") else _bounds(first)[0]
    end = None if last in ("", "..") else _bounds(last)[1]
    if start is None and end is None:
        raise QueryError(f"datetime {text!r} is open at both ends; {_HINT}")
    if start and end and start > end:
        raise QueryError(f"datetime {text!r} starts after it ends; {_HINT}")
    return start, end


def _bounds(text: str) -> tuple[datetime, datetime]:
    try:
        if _DATE.fullmatch(text):
            start = datetime.combine(date.fromisoformat(text), time(), UTC)
            return start, start + timedelta(days=1, microseconds=-1)
        if not (match := _INSTANT.fullmatch(text.upper())):
            raise ValueError(text)
        naive = datetime.fromisoformat(match[0])
        instant = naive.astimezone(UTC)
    except (ValueError, OverflowError):
        raise QueryError(f"datetime {text!r} cannot be read; {_HINT}") from None
    if naive.tzinfo is None:
        raise QueryError(f"datetime {text!r} has no time zone; {_HINT}")
    return instant, instant


def rfc3339(instant: datetime) -> str:
    """Return an aware instant as RFC 3339 in UTC with Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


class NamePattern:
    """A strptime pattern searched for in file names, e.g. ``%Y%m%d`` or ``MSIL2A_%Y%m%dT%H%M%S``.

    Args:
        pattern: Literal text and the directives %Y %m %d %H %M %S %j %y %b %B %f.

    Raises:
        InputError: An unknown directive, or no year.
    """

    def __init__(self, pattern: str) -> None:
        parts = re.findall(r"%.|[^%]+|%$", pattern)
        unknown = [part for part in parts if part.startswith("%") and part not in _DIRECTIVES]
        directives = [part for part in parts if part in _DIRECTIVES and part != "%%"]
        if len(directives) > len(set(directives)):
            raise InputError(f"datetime pattern {pattern!r} has a directive twice; each may stand once")
        if unknown or not {"%Y", "%y"} & set(parts):
            known = " ".join(_DIRECTIVES)
            raise InputError(f"datetime pattern {pattern!r} needs a year and only the directives {known}")
        self.pattern = pattern
        body = "".join(_DIRECTIVES.get(part) or re.escape(part) for part in parts)
        before = r"(?<!\d)" if parts[0] in _NUMERIC else ""
        after = r"(?!\d)" if parts[-1] in _NUMERIC else ""
        # The match is looked ahead for, so that one that turns out to be no date cannot hide one that overlaps it.
        self._regex = re.compile(rf"{before}(?=({body}){after})", re.ASCII)

    def find(self, name: str) -> datetime | None:
        """Return the UTC instant in ``name``, or None where the pattern does not occur.

        Raises:
            SceneError: Several different dates match.
        """
        found = {instant for match in self._regex.finditer(name) if (instant := self._parse(match.group(1)))}
        if len(found) > 1:
            dates = ", ".join(sorted(instant.isoformat() for instant in found))
            raise SceneError(f"datetime pattern {self.pattern!r} finds several dates ({dates}); add literal text to it")
        return found.pop() if found else None

    def _parse(self, text: str) -> datetime | None:
        try:
            return datetime.strptime(text, self.pattern).replace(tzinfo=UTC)
        except ValueError:
            return None
