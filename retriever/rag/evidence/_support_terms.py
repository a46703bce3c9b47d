"""Words that scores are held against: what overhead pictures show, and what an encoder was taught."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "support.toml"

_EMPTY = frozenset(
    {"the", "with", "and", "from", "for", "after", "along", "beside", "over", "near", "under", "between", "are"}
)
"""Words that name nothing, beside those of one or two letters."""


def terms() -> tuple[str, ...]:
    """Return everyday words for what overhead pictures show."""
    return tuple(_table()["terms"])


def untaught(phrase: str, encoder: str) -> tuple[str, ...]:
    """Return the words of a phrase, in the singular, that an encoder never saw in training; none where nobody knows.

    Args:
        phrase: What is sought.
        encoder: Its registry name.
    """
    taught = _taught(encoder)
    return () if taught is None else tuple(word for word in _words(phrase) if taught.isdisjoint(_forms(word)))


def _words(phrase: str) -> list[str]:
    # Other scripts are words as well, and in some of them two letters, or one, are a whole word.
    words = re.findall(r"[^\W\d_]+", phrase.lower())
    return [_singular(word) for word in words if word not in _EMPTY and (len(word) > 2 or not word.isascii())]


def _forms(word: str) -> set[str]:
    """Return a word and what it may be derived from: "flooding" and "flooded" say what "flood" says."""
    stems = {word.removesuffix(ending) for ending in ("ing", "ed", "ly")}
    return {word, *stems, *(stem + "e" for stem in stems if stem != word)}


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:  # "ties" is the plural of "tie"
        return word[:-3] + "y"
    if re.search(r"(ch|sh|ss|x)es$", word):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


@cache
def _taught(encoder: str) -> frozenset[str] | None:
    listed = _table()["taught"].get(encoder)
    return None if listed is None else frozenset(listed.split())


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))
