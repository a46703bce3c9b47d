"""Text cut into pieces that the encoder can read whole.

Paragraphs stay together as far as they fit, and no sentence is cut in two. Overlap: where a paragraph is too long for
one piece, the next piece begins with the last sentence of the one before, if that leaves it three quarters of its room;
between paragraphs there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

MAX_TEXT = 2_000
"""Characters of a piece. 126 tokens are about 560 characters of English; this stops what has no sentences."""

_OVERLAP = 0.25
"""Most of a piece's room that the repeated sentence may take."""

_FRAME = 2
"""Tokens that frame a text."""

_END = re.compile(
    r"(?<=[.!?…])[\"'”’)\]]*\s+"  # the end of a sentence, with its quotes and brackets
    r"|(?<=[。！？])"  # these need no space after them
    r"|(?P<line>\n)(?=[ \t]*(?:[-*+•|>]|\d+[.)])[ \t])"  # lines of a list or a table; other lines are only wrapped
)
_WORD_BEFORE = re.compile(r"(?:\b|^)([\w.]+)\.$")
_SHORT = frozenset("st dr mr mrs no nr vs ca cf al mt ft approx prof fig vol e.g i.e".split())  # noqa: SIM905
"""Abbreviations after whose full stop a sentence goes on."""

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")

Count = Callable[[Sequence[str]], Sequence[int]]
"""Number of tokens of each text, those that frame it included."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of an entry's text."""

    text: str
    """As it stands in the entry."""
    overlong: bool
    """The encoder reads only its beginning."""


@dataclass(frozen=True, kw_only=True)
class _Sentence:
    start: int
    end: int
    tokens: int
    opens: bool
    """Whether it begins a paragraph."""


def pieces(text: str, count: Count, room: int) -> list[Piece]:
    """Cut a text.

    Args:
        text: Paragraphs, separated by blank lines.
        count: Counts tokens.
        room: Tokens of a piece, at least 1, those that frame it not included.
    """
    spans = [part for span in _spans(text) for part in _bounded(text, span)]
    counted = count([text[start:end] for start, end, _ in spans]) if spans else []
    sentences = [
        _Sentence(start=start, end=end, tokens=max(tokens - _FRAME, 1), opens=opens)
        for (start, end, opens), tokens in zip(spans, counted, strict=True)
    ]
    return [_piece(text, group, room) for group in _groups(sentences, room)]


def _piece(text: str, group: Sequence[_Sentence], room: int) -> Piece:
    over = sum(each.tokens for each in group) > room
    return Piece(text=text[group[0].start : group[-1].end], overlong=over)


def _spans(text: str) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each sentence, and whether it begins a paragraph."""
    paragraphs = [found.end() for found in _PARAGRAPH.finditer(text)]
    for first, last in _parts(text, 0, paragraphs, len(text)):
        ends = [found.end() for found in _END.finditer(text, first, last) if _ends(text, found)]
        for number, (start, end) in enumerate(_parts(text, first, ends, last)):
            yield start, end, number == 0


def _ends(text: str, found: re.Match[str]) -> bool:
    """Whether a sentence ends here: not after an abbreviation, an initial, or before a small letter."""
    if text[found.start() - 1] != "." or found["line"]:
        return True
    if text[found.end() : found.end() + 1].islower():
        return False
    word = _WORD_BEFORE.search(text, max(found.start() - 12, 0), found.start())
    return word is None or not (word[1].lower() in _SHORT or (len(word[1]) == 1 and word[1].isalpha()))


def _parts(text: str, first: int, ends: Sequence[int], last: int) -> Iterator[tuple[int, int]]:
    """What lies between the ends, without space around, empty ones left out."""
    start = first
    for end in [*ends, last]:
        part = text[start:end]
        if part.strip():
            yield start + len(part) - len(part.lstrip()), start + len(part.rstrip())
        start = end


def _bounded(text: str, span: tuple[int, int, bool]) -> Iterator[tuple[int, int, bool]]:
    """Cut what goes on for more than ``MAX_TEXT`` characters at spaces: it is no sentence."""
    start, end, opens = span
    while end - start > MAX_TEXT:
        space = text.rfind(" ", start + 1, start + MAX_TEXT)
        cut = space if space > start else start + MAX_TEXT
        yield start, cut, opens
        start, opens = cut + (text[cut] == " "), False
    yield start, end, opens


def _groups(sentences: Sequence[_Sentence], room: int) -> Iterator[list[_Sentence]]:
    group: list[_Sentence] = []
    for at, sentence in enumerate(sentences):
        wanted = _paragraph_tokens(sentences, at) if sentence.opens else sentence.tokens
        wanted = sentence.tokens if wanted > room else wanted
        if group and not _fits(group, sentence, wanted, room):
            yield group
            group = _repeated(group[-1], sentence, room)
        group.append(sentence)
    if group:
        yield group


def _paragraph_tokens(sentences: Sequence[_Sentence], at: int) -> int:
    """Tokens of the paragraph that begins at a sentence."""
    total = 0
    for place in range(at, len(sentences)):
        if place > at and sentences[place].opens:
            break
        total += sentences[place].tokens
    return total


def _fits(group: Sequence[_Sentence], sentence: _Sentence, wanted: int, room: int) -> bool:
    used = sum(each.tokens for each in group)
    return used + wanted <= room and sentence.end - group[0].start <= MAX_TEXT


def _repeated(last: _Sentence, following: _Sentence, room: int) -> list[_Sentence]:
    small = last.tokens <= room * _OVERLAP and last.tokens + following.tokens <= room
    return [last] if small and not following.opens and following.end - last.start <= MAX_TEXT else []
