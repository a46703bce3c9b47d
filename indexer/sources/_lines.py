"""Text of others as one line that is safe to print."""

from __future__ import annotations

from core import BadScene, printable
from indexer._signatures import redacted, unsigned


def one_line(text: object, limit: int = 200) -> str:
    """Return text with runs of white space as one space, unprintable characters escaped, and cut at ``limit``.

    Addresses lose their signatures.
    """
    line = printable(redacted(" ".join(str(text).split())))
    return line if len(line) <= limit else line[:limit] + "..."


def tidy(bad: BadScene) -> BadScene:
    """Make the name and the reason of a bad scene one line; names and hrefs in documents may hold anything."""
    bad.href = printable(unsigned(bad.href))
    if (reason := printable(redacted(str(bad.error)))) != str(bad.error):
        bad.error.args = (reason,)
    return bad
