"""A question as the rules read it: one line, and a copy in which what has been understood is struck out.

Every pattern of the planner is linear: runs of white space are gone, repeats are bounded or cannot overlap.
"""

from __future__ import annotations

import re

from core import QueryError

MAX_QUESTION = 2_000
"""Most characters of a question."""

STRUCK = "|"
"""Stands for what has been understood."""

_SAME = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u2032": "'", "`": "'", "\u201c": '"', "\u201d": '"', "\u2033": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u00ba": "°",
    STRUCK: " ",
})  # fmt: skip
"""Other spellings of one character."""

_CUES = 60
"""Characters looked back at for the words before something."""


def read_question(question: str) -> str:
    """Return a question as one line of plain characters.

    Raises:
        QueryError: It is empty or has more than 2,000 characters.
    """
    if len(question) > MAX_QUESTION:
        raise QueryError(
            f"the question has {len(question):,} characters; at most {MAX_QUESTION:,} are read: shorten it"
        )
    plain = "".join(char if char.isprintable() else " " for char in question.translate(_SAME))
    text = " ".join(plain.replace("''", '"').split())
    if not any(map(str.isalnum, text)):
        raise QueryError('the question has no words; ask for example "Which harbours were flooded in March 2019?"')
    return text


class Canvas:
    """A question of which the rules strike out what they have read."""

    def __init__(self, text: str) -> None:
        self.text = text
        """As typed, on one line."""
        self.free = "".join(lower if len(lower := char.lower()) == 1 else char for char in text)
        """In lower case, as long as ``text``, with what has been read struck out."""

    def strike(self, start: int, end: int) -> None:
        """Strike out what has been read."""
        self.free = self.free[:start] + STRUCK * (end - start) + self.free[end:]

    def back(self, at: int, words: re.Pattern[str]) -> int:
        """Return where words before an offset begin; the pattern is anchored at its end."""
        found = words.search(self.free, max(0, at - _CUES), at)
        return found.start() if found else at

    def before(self, at: int) -> str:
        """Return what stands shortly before an offset."""
        return self.free[max(0, at - _CUES) : at]

    def is_free(self, start: int, end: int) -> bool:
        """Return whether nothing in between has been read."""
        return STRUCK not in self.free[start:end]
