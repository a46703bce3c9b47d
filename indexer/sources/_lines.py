"""Text of others as one line that is safe to print."""

from __future__ import annotations

from core import BadScene, printable


def one_line(text: object, limit: int = 200) -> str:
    """Return text with runs of white space as one space, unprintable characters escaped, and cut at ``limit``."""
    line = printable(" ".join(str(text).split()))
    return line if len(line) <= limit else line[:limit] + "..."


def tidy(bad: BadScene) -> BadScene:
    """Make the name and the reason of a bad scene one line; names and hrefs in documents may hold anything."""
    bad.href = printable(bad.href)
    if not str(bad.error).isprintable():
        bad.error.args = (printable(str(bad.error)),)
    return bad
