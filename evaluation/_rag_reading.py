"""Free answers read as classes, so that `Yes, there is a lake.` and `yes` are one answer, and 23 lies in 11-100.

What a class is, the truth says: `yes` and `no`; a number; an area in `m2`; else a word. Areas always count as right in
their bucket. Counts do in RSVQA-LR alone, and exactly elsewhere, as Lobry et al. 2020 score them: the buckets are those
of `VQA_model/VocabEncoder.py` of https://github.com/syvlo/RSVQA, which are used for the counts of LR (`range_numbers`)
and for every area.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from typing import Literal

from core import CHOICE_LETTERS

Form = Literal["yes or no", "number", "area", "word"]
"""What answers look like."""

BUCKETS = (("0", 0.0), ("1-10", 10.0), ("11-100", 100.0), ("101-1000", 1000.0), (">1000", math.inf))
"""Name of a bucket and the largest number in it."""

_UNITS: Mapping[str, float] = {"ha": 1e4, "hectare": 1e4, "hectares": 1e4, "km2": 1e6, "km²": 1e6}
"""Square metres of a unit; any other, and none, is taken for square metres."""
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_NUMBER = r"\d+(?:[.,]\d+)*"
_UNIT = r"(?:\s*(m2|m²|ha|hectares?|km2|km²|square met(?:er|re)s?))?"
_RANGE = re.compile(rf"({_NUMBER}){_UNIT}\s*(?:-|–|to|and)\s*({_NUMBER}){_UNIT}")
_ABOVE = re.compile(rf"(?:more than|over|above|>)\s*({_NUMBER}){_UNIT}")
_ONE = re.compile(rf"({_NUMBER}){_UNIT}")
_AREA = re.compile(r"\d+(?:\.\d+)?\s*m2")


def form_of(answer: str) -> Form:
    """Return what an answer of a dataset looks like."""
    plain = answer.strip().lower()
    if plain in {"yes", "no"}:
        return "yes or no"
    if plain.isdecimal():
        return "number"
    return "area" if _AREA.fullmatch(plain) else "word"


def bucket(value: float) -> str:
    """Return the bucket of a number that is not negative."""
    return next(name for name, largest in BUCKETS if value <= largest)


def read_answer(text: str, form: Form, known: Collection[str] = (), *, exact: bool = False) -> str | None:
    """Return the class that a free answer names; None where it names none.

    Args:
        text: What was answered.
        form: What the right answer looks like.
        known: Words that may be answered, lower case; the first that stands in the text, longest first, counts.
        exact: Whether numbers count exactly rather than in their bucket.
    """
    plain = " ".join(text.lower().split())
    if form == "yes or no":
        found = re.search(r"\b(yes|no)\b", plain)
        return found[1] if found else None
    if form == "word":
        return _word(plain, known)
    value = _value(plain)
    if value is None:
        return None
    return f"{value:g}" if exact and form == "number" else bucket(value)


def chance_of_class(form: Form, known: Collection[str], *, exact: bool = False) -> float:
    """Return how often a guess among the classes is right: two, five buckets, or as many as there are."""
    if form == "yes or no":
        return 1 / 2
    if form == "area" or (form == "number" and not exact):
        return 1 / len(BUCKETS)
    return 1 / max(len(known), 1)


def read_letters(text: str, choices: Collection[str]) -> str:
    """Return the letters that an answer to a question with choices names, in order; empty where it names none.

    A letter at the beginning counts, alone, in brackets or before a stop; else letters in brackets, else one capital
    that stands alone, else the choice whose words are the answer. Close to `eval_your_results.py` of
    https://github.com/yfzhang114/MME-RealWorld, but never a capital inside a word, and not the article.
    """
    known = CHOICE_LETTERS[: len(choices)]
    plain = re.sub(r"(?i)^\W*(?:the )?(?:best |correct |right )?(?:answer|option|choice)s?(?: is| are)?\W*", "", text)
    if re.match(rf"\(?[{known}]\)?\W* or \(?[{known}]\b", plain):
        return ""
    if first := re.match(rf"\(?([{known}])\)?(?:[\s,.;:/&]+(?:and )?\(?([{known}])\)?)*(?=\W*$|[.):,])", plain):
        return "".join(sorted(set(re.findall(rf"\b[{known}]\b", first[0]))))
    found = re.findall(rf"\(([{known}])\)", plain) or re.findall(rf"(?<![\w'])(?!A [a-z])([{known}])(?![\w'])", plain)
    if len(set(found)) == 1:
        return str(found[0])
    said = " ".join(plain.lower().split()).strip(" .")
    named = [letter for letter, choice in zip(known, choices, strict=True) if choice.lower().strip(" .") == said]
    return named[0] if len(named) == 1 else ""


def _word(plain: str, known: Collection[str]) -> str | None:
    names = sorted(known, key=len, reverse=True)
    found = [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", plain)]
    return found[0] if found else None


def _value(plain: str) -> float | None:
    """Return the number of a text, in square metres where it has a unit; of a range its upper end."""
    if found := _RANGE.search(plain):
        return _metres(found[3], found[4] or found[2])
    if found := _ABOVE.search(plain):
        return _metres(found[1], found[2]) + 1
    if found := _ONE.search(plain):
        return _metres(found[1], found[2])
    words = re.findall(r"[a-z]+", plain)
    return next(
        (float(_WORDS.index(word)) if word in _WORDS else 0.0 for word in words if word in {*_WORDS, "none", "no"}),
        None,
    )


def _metres(number: str, unit: str | None) -> float:
    return float(number.replace(",", "")) * _UNITS.get(unit or "", 1.0)
