"""Text of others, made safe to print."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return text with what a terminal would obey, or cannot show, as an escape."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
