"""Texts changed word by word and line by line."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

_PIECES = re.compile(r"\w+|\s+|.", re.DOTALL)

_ODD = (
    "\0", "\ufeff", "\u2028", "\u202e", "\ud800", "é", "\u0661", "\U0001f600", "\r", "\n", "\n\n", "\t", '"', "'",
    "''", "\\", "(", ")",
    "((", "[", "]", "{", "}", "<", ">", "=", "==", "<=", "-", "--", "---", "*", "/", "%", "^", "#", "######", "```",
    ":", ";", ",", "|", ".",
    "..", "1e999", "-1", "0", "9" * 400, "NaN", "inf", "1.", ".5", "0x10", "null", "true", "2021-01-01", "..\\..",
    "../..", "&a;", "<!--", "%00",
)  # fmt: skip


def mutate_text(rng: random.Random, data: bytes, words: Sequence[str]) -> bytes:
    """Return a text changed in one to five places."""
    text = data.decode("utf-8", "replace")
    for _ in range(rng.choice((1, 1, 2, 3, 5))):
        text = rng.choice(_CHANGES)(rng, _PIECES.findall(text), words)
    # A lone surrogate becomes bytes that are no UTF-8.
    return text.encode("utf-8", "surrogatepass")


def _word(rng: random.Random, words: Sequence[str]) -> str:
    return rng.choice(words) if words and rng.random() < 0.6 else rng.choice(_ODD)


def _spot(rng: random.Random, pieces: list[str]) -> int:
    return rng.randrange(len(pieces) + 1)


def _replace(rng: random.Random, pieces: list[str], words: Sequence[str]) -> str:
    at = _spot(rng, pieces)
    return "".join((*pieces[:at], _word(rng, words), *pieces[at + 1 :]))


def _insert(rng: random.Random, pieces: list[str], words: Sequence[str]) -> str:
    at = _spot(rng, pieces)
    return "".join((*pieces[:at], _word(rng, words), rng.choice(("", " ")), *pieces[at:]))


def _drop(rng: random.Random, pieces: list[str], _: Sequence[str]) -> str:
    at = _spot(rng, pieces)
    return "".join((*pieces[:at], *pieces[at + rng.choice((1, 1, 2, 8)) :]))


def _move(rng: random.Random, pieces: list[str], _: Sequence[str]) -> str:
    first, last = sorted((_spot(rng, pieces), _spot(rng, pieces)))
    at = _spot(rng, pieces)
    return "".join((*pieces[:at], *pieces[first:last][:200], *pieces[at:]))


def _repeat(rng: random.Random, pieces: list[str], words: Sequence[str]) -> str:
    """One piece, or one of the words, up to ten thousand times."""
    at = _spot(rng, pieces)
    piece = _word(rng, words) if rng.random() < 0.5 else "".join(pieces[at : at + rng.choice((1, 2, 5))])
    times = min(rng.choice((2, 5, 20, 200, 2_000, 10_000)), 300_000 // max(1, len(piece)) + 1)
    return "".join((*pieces[:at], piece * times, *pieces[at:]))


def _wrap(rng: random.Random, pieces: list[str], _: Sequence[str]) -> str:
    """Brackets round a part, up to ten thousand deep."""
    first, last = sorted((_spot(rng, pieces), _spot(rng, pieces)))
    opening, closing = rng.choice((("(", ")"), ("[", "]"), ("{", "}"), ("NOT (", ")"), ("> ", ""), ("<a>", "</a>")))
    deep = rng.choice((1, 2, 5, 9, 20, 200, 2_000, 10_000))
    return "".join((*pieces[:first], opening * deep, *pieces[first:last], closing * deep, *pieces[last:]))


def _cut(rng: random.Random, pieces: list[str], _: Sequence[str]) -> str:
    return "".join(pieces[: _spot(rng, pieces)])


_CHANGES: tuple[Callable[[random.Random, list[str], Sequence[str]], str], ...] = (
    _replace, _replace, _insert, _insert, _drop, _move, _repeat, _wrap, _cut,
)  # fmt: skip
