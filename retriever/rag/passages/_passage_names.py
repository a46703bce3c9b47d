"""Names of places in a text: whole words, without case, accents and plural; the longest first."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from retriever._expansion import land_classes, plain_words

LEAST_LETTERS = 3
"""Letters of the shortest name: "Ob" and "Å" are rivers, but also syllables and initials in questions."""

_PLURAL_LETTERS = 4
"""Letters that must be left when an ending is taken off: "Bos" is no plural of "Bo"."""

_ENDINGS = ("'s", "es", "s")

# Letters that NFKD leaves whole (https://www.unicode.org/reports/tr15/).
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "’": "'", "ʼ": "'", "`": "'"}
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")

# What headings call parts of a text, and words for kinds of places: no place is meant by them alone.
_COMMON = frozenset(
    """
    about abstract access airport area background bay beach bridge canal capital city climate coast contents country
    delta description desert details district event events field fields flood geography glacier gulf harbor harbour
    history image images introduction island lake location map mine mountain name north note notes ocean overview park
    place places plain port province reef references region reservoir river road sea see sentinel site sites source
    south summary text title today tile tiles town untitled valley village volcano water west east year
    """.split()  # noqa: SIM905  # as a list it would be a hundred lines
)


@dataclass(frozen=True, kw_only=True)
class Named:
    """Where a name stands in a text."""

    name: str
    """As the table writes it."""
    entry: int
    """Its number, as given to ``Names``."""
    start: int
    """Offset of its first character."""
    end: int
    """Offset behind its last one, a plural ending included."""


class Names:
    """Names to look for.

    Args:
        names: Name and number of its entry; one name may have several entries.
    """

    def __init__(self, names: Iterable[tuple[str, int]]) -> None:
        self._entries: dict[str, list[tuple[str, int]]] = {}
        self._longest = 0
        for name, entry in names:
            for form in _forms(name):
                known = self._entries.setdefault(form, [])
                if (name, entry) not in known:
                    known.append((name, entry))
                self._longest = max(self._longest, form.count(" ") + 1)

    def find(self, text: str) -> list[tuple[Named, ...]]:
        """Return the names in a text, longest first, none overlapping another; each with all entries that have it."""
        words = _words(text)
        spans = [(at, length) for length in range(min(self._longest, len(words)), 0, -1) for at in range(len(words))]
        taken: set[int] = set()
        found = []
        for at, length in spans:
            covered = range(at, at + length)
            if at + length > len(words) or taken & set(covered):
                continue
            entries = self._known([word for word, _, _ in words[at : at + length]])
            if entries:
                taken |= set(covered)
                start, end = words[at][1], words[at + length - 1][2]
                found.append(tuple(Named(name=name, entry=each, start=start, end=end) for name, each in entries))
        return sorted(found, key=lambda each: (each[0].start - each[0].end, each[0].start))

    def _known(self, words: list[str]) -> list[tuple[str, int]]:
        *before, last = words
        for form in (last, *_singular(last)):
            if (known := self._entries.get(" ".join([*before, form]))) is not None:
                return known
        return []


def _singular(word: str) -> list[str]:
    ended = [word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending)]
    return [word for word in ended if len(word) >= _PLURAL_LETTERS]


def _forms(name: str) -> list[str]:
    """What a name is found by: itself, and what stands before its first comma or bracket."""
    forms = [" ".join(word for word, _, _ in _words(part)) for part in (name, re.split(r"[,(;]| [-–—] ", name)[0])]
    return [form for form in dict.fromkeys(forms) if _is_name(form)]


def _is_name(form: str) -> bool:
    """Whether a question that says this can only mean the place: not a number, not a word for a thing."""
    short = len(form) < LEAST_LETTERS and form.isascii()
    if short or not any(char.isalpha() for char in form):
        return False
    return plain_words(form) not in _things() and not set(form.split()) <= _COMMON


@cache
def _things() -> frozenset[str]:
    """What the vocabulary of land cover and crises calls things, as ``plain_words`` writes it."""
    return frozenset(
        plain_words(name) for each in land_classes() for name in (each.name, *each.aliases, *each.words, *each.labels)
    )


def _words(text: str) -> list[tuple[str, int, int]]:
    """Words in plain letters, with where they stand in the text."""
    plain, origin = _folded(text)
    return [
        (found[0], origin[found.start()], _behind(text, origin[found.end() - 1])) for found in _WORD.finditer(plain)
    ]


def _behind(text: str, last: int) -> int:
    """The offset behind a character and the accents that are written after it."""
    end = last + 1
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


def _folded(text: str) -> tuple[str, list[int]]:
    """The text without case and accents, and for each of its characters the offset it comes from."""
    plain: list[str] = []
    origin: list[int] = []
    for at, char in enumerate(text):
        decomposed = unicodedata.normalize("NFKD", char.casefold()).translate(_PLAIN)
        kept = [each for each in decomposed.casefold() if not unicodedata.combining(each)]
        plain += kept
        origin += [at] * len(kept)
    return "".join(plain), origin
