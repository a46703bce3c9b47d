"""Numbers that a sentence states and that can be checked: dates, counts of evidence, areas and percentages.

The rule: a model may repeat such a number, not find one. What it says must stand in a computed fact, in the evidence
the claim cites, or in the question. One thing beyond that it may count: the evidence it cites ("two tiles show ..."
citing two or more), unless it speaks of totals. Sizes, heights and numbers of things seen in a picture are not checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?![\d]|[.,]\d)"
_ANY_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DATES = (
    re.compile(rf"(?<![\d.,/-]){_ANY_YEAR}(?P<sign>[./])(?P<mm>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})(?!\d)"),
    re.compile(rf"(?<![\d.,/-])(?P<day>\d{{1,2}})(?P<sign>[./])(?P<mm>\d{{1,2}})(?P=sign){_ANY_YEAR}(?!\d)"),
    re.compile(rf"(?<![\d.,-]){_YEAR}-(?P<mm>\d\d)(?:-(?P<day>\d\d))?(?!\d)"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH},?\s+{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+{_YEAR}", re.IGNORECASE),
    re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?{_YEAR}", re.IGNORECASE),
    re.compile(rf"(?<![\d.,-]){_YEAR}(?P<decade>s\b)?(?!\s*(?:m|km|ha|px|pixels?|met(?:er|re)s?|hectares?|%)\b)"),
)
"""Most telling first: what one has read, the next does not see."""
_SPAN = re.compile(r"(?<![\w.,-])((?:19|20)\d\d)-(?=(?:19|20)\d\d(?!\w))")
"""Between two years the hyphen means "to"; elsewhere what follows one is part of a name or of a date."""

_BELOW_TWENTY = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_COUNTED = {word: number for number, word in enumerate(_BELOW_TWENTY)} | {
    f"{ten}-{one}" if ones else ten: 10 * tens + ones
    for tens, ten in enumerate(_TENS, start=2)
    for ones, one in enumerate(_BELOW_TWENTY[:10])
}
_WORDS = "|".join(sorted(_COUNTED, key=len, reverse=True))
_KINDS = {
    "tile": ("tile", "image", "picture", "scene", "acquisition", "observation", "photo"),
    "date": ("date",),
    "passage": ("passage", "document", "text"),
}
"""Nouns that evidence is counted by; those on a line count the same."""
_KIND_OF = {noun: kind for kind, nouns in _KINDS.items() for noun in nouns}
_COUNT = re.compile(
    rf"(?<![\w.,-])(?P<count>\d{{1,3}}(?:,\d{{3}})+|\d+|{_WORDS})\s+(?:of\s+(?:the|these|its|all)\s+)?"
    rf"(?:(?!{_WORDS})[a-z][\w-]*\s+){{0,2}}?(?P<noun>{'|'.join(_KIND_OF)})s?\b",
    re.IGNORECASE,
)
_TOTAL = re.compile(r"\b(in total|altogether|overall|total of|match\w*|archive (has|holds|contains))\b", re.IGNORECASE)
"""Words of claims about everything there is, which the evidence that happens to be cited cannot carry."""

_UNITS = {
    r"%|per\s?cent\b": ("percent", 1.0),
    r"km²|km\^?2\b|sq\.?\s?km\b|square\s+kilomet(?:re|er)s?\b": ("area", 1.0),
    r"ha\b|hectares?\b": ("area", 0.01),
    r"m²|m\^?2\b|sq\.?\s?m\b|square\s+met(?:re|er)s?\b": ("area", 1e-6),
    # The international acre is 4,046.856 m²: https://www.nist.gov/document/appc-19-hb44-finalpdf
    r"acres?\b": ("area", 0.004_046_856),
    r"sq\.?\s?mi\b|square\s+miles?\b": ("area", 2.589_988),
}
"""Units as patterns; the kind of each, and how many of the kind's own unit (km2 for areas) it is."""
_MEASURE = re.compile(
    r"(?<![\w.,])(?P<value>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s*"
    rf"(?P<unit>{'|'.join(_UNITS)})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Measure:
    """A number with a unit, as it is stated."""

    text: str
    """As it stands there."""
    kind: str
    """``percent`` or ``area``."""
    value: float
    """In percent or km2."""
    half: float
    """Half a unit of its last digit: what rounding allows."""


@dataclass(frozen=True)
class Stated:
    """Every checkable number of some texts."""

    dates: frozenset[str] = frozenset()
    """``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``; ``YYY`` for a decade."""
    counts: frozenset[tuple[int, str]] = frozenset()
    """How many of which kind."""
    measures: frozenset[Measure] = frozenset()
    """Areas and percentages."""

    def __or__(self, other: Stated) -> Stated:
        return Stated(self.dates | other.dates, self.counts | other.counts, self.measures | other.measures)


def stated(texts: Iterable[str]) -> Stated:
    """Return every checkable number of texts."""
    found = Stated()
    for text in texts:
        dates, rest = _dates(text)
        found |= Stated(frozenset(dates), frozenset(_counts(rest)), frozenset(_measures(rest)))
    return found


def unsupported(text: str, given: Stated, *, cited: int) -> str | None:
    """Return which number of a sentence nothing supports; None where there is no such number.

    Args:
        text: The sentence.
        given: Numbers of the facts, the cited evidence and the question.
        cited: How many items of evidence it cites.
    """
    said = stated([text])
    countable = 0 if _TOTAL.search(text) else cited
    wrong = [
        *(date for date in sorted(said.dates) if not any(known.startswith(date) for known in given.dates)),
        *(f"{n} {kind}s" for n, kind in sorted(said.counts) if n > countable and (n, kind) not in given.counts),
        *(each.text for each in said.measures if not any(_agrees(each, known) for known in given.measures)),
    ]
    return wrong[0] if wrong else None


def _agrees(said: Measure, known: Measure) -> bool:
    # A little more than half a digit, because halves are not exact in binary.
    return said.kind == known.kind and abs(said.value - known.value) <= 1.001 * max(said.half, known.half)


def _dates(text: str) -> tuple[list[str], str]:
    """Return the dates of a text, and the text without them."""
    found: list[str] = []
    text = _SPAN.sub(r"\1 , ", text)
    for pattern in _DATES:
        found += [_date(match) for match in pattern.finditer(text)]
        text = pattern.sub(" , ", text)
    return found, text


def _date(match: re.Match[str]) -> str:
    given = match.groupdict()
    if given.get("decade"):
        return str(given["year"][:3])
    month, day = (int(given[name]) if given.get(name) else None for name in ("mm", "day"))
    if given.get("month"):
        month = _MONTHS.index(given["month"][:3].lower()) + 1
    if given.get("sign") and (month or 0) > 12:  # the day is not first everywhere
        month, day = day, month
    return "-".join((given["year"], *(f"{part:02}" for part in (month, day) if part is not None)))


def _counts(text: str) -> Iterator[tuple[int, str]]:
    for match in _COUNT.finditer(text):
        word = match["count"].lower().replace(",", "")
        # More digits than Python turns into a number are no count of anything.
        if len(word) <= 20:
            yield (int(word) if word.isdigit() else _COUNTED[word]), _KIND_OF[match["noun"].lower()]


def _measures(text: str) -> Iterator[Measure]:
    for match in _MEASURE.finditer(text):
        kind, size = next(known for unit, known in _UNITS.items() if re.fullmatch(unit, match["unit"], re.IGNORECASE))
        digits = match["value"].replace(",", "")
        half = 0.5 * 10.0 ** -len(digits.partition(".")[2])
        yield Measure(match[0], kind, float(digits) * size, half * size)
