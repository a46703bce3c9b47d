"""Foreign text (titles, passages, names, what a model says) made into data: plain, short, unable to leave a fence."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

_INVISIBLE = re.compile(
    # Letters and marks that show nothing, which the category alone does not tell: Hangul fillers, the blank Braille
    # pattern, Mongolian and other variation selectors. https://www.unicode.org/reports/tr36/ names them as a risk.
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_GONE = frozenset(("Cc", "Cf", "Cn", "Co", "Cs"))
"""Categories that are removed: controls, formats (bidirectional and zero-width marks, tags), unassigned, private."""

_BRACKETS = str.maketrans("[]", "()")
"""Square brackets mark citations, and control words of some models (``[INST]``)."""

_FENCE = str.maketrans({"<": "\\u003c", ">": "\\u003e", "`": "\\u0060"})
"""What fences and the control words of most models (``<|im_end|>``) are made of; JSON itself needs none of them."""

_NOT_TOKEN = re.compile(r"[^A-Za-z0-9._:/ -]")

LONGEST_TOKEN = 80
"""Characters of a name in a prompt; the longest built-in collection name has 27."""


def visible(text: str) -> str:
    """Return text on one line without anything that does not show."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    shown = (char for char in _INVISIBLE.sub("", spaced) if unicodedata.category(char) not in _GONE)
    return " ".join(unicodedata.normalize("NFC", "".join(shown)).split())


def plain(text: str, limit: int) -> str:
    """Return text on one line, without anything invisible, of at most ``limit`` characters.

    Square brackets become round ones, so that it can neither look like a citation nor like a control word.
    """
    line = visible(text[: 8 * limit]).translate(_BRACKETS)
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def token(text: str) -> str:
    """Return a name with only ``A-Z a-z 0-9 . _ : / -`` and spaces, of at most 80 characters."""
    return _NOT_TOKEN.sub("_", plain(text, LONGEST_TOKEN))[:LONGEST_TOKEN]


def as_data(value: Any) -> str:
    """Return a JSON value on one line in which no fence and no control word can be written."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": ")).translate(_FENCE)


def fenced(name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as one line of JSON each, between ``<name>`` and ``</name>``."""
    return "\n".join((f"<{name}>", *map(as_data, rows), f"</{name}>"))
