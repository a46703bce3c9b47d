"""What people call things, in words the encoder knows: land-cover classes and crises of published schemes.

A query that names a class ("broad-leaved forest", "CLC 311", "flooded road") is looked up as a whole; its synonyms are
encoded beside it and their vectors averaged. Only the direction of the query changes: filters, k and what matches stay.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core import QueryError

TABLE = Path(__file__).parent / "vocabulary.toml"

Expand = Literal["auto", "on", "off"]
"""``auto`` adds synonyms where a class is named, ``on`` also says when none is; ``off`` takes the text as typed.

Synonyms are the default because they measured better (docs/design/text.md)."""

MAX_TERMS = 6
"""Most texts encoded for one query, the text itself included."""

_SCHEMES = {
    "clc": "corine",
    "corine": "corine",
    "corine land cover": "corine",
    "dw": "dynamic-world",
    "dynamic world": "dynamic-world",
    "dynamicworld": "dynamic-world",
    "wc": "worldcover",
    "worldcover": "worldcover",
    "esa worldcover": "worldcover",
    "esa world cover": "worldcover",
    "world cover": "worldcover",
}
_TITLES = {"corine": "CORINE", "dynamic-world": "Dynamic World", "worldcover": "ESA WorldCover"}
_CODE = re.compile(rf"({'|'.join(sorted(map(re.escape, _SCHEMES), key=len, reverse=True))})[\s:#-]*(\d{{1,3}})")
_ARTICLE = re.compile(r"^(?:an?|the|some)\s+")


@dataclass(frozen=True, kw_only=True)
class LandClass:
    """One class of a published scheme, or one everyday phrase."""

    scheme: str
    """``corine``, ``dynamic-world``, ``worldcover``, ``crisislandmark`` or ``everyday``."""
    code: str | None
    """Number in the scheme; None where classes have none."""
    name: str
    """As its authors write it."""
    aliases: tuple[str, ...]
    """Other spellings."""
    bigearthnet: str | None
    """BigEarthNet-19 class that a CORINE class belongs to."""
    words: tuple[str, ...]
    """Everyday words for it, the most telling first."""
    labels: tuple[str, ...]
    """Class names of CrisisLandMark for it, the nearest first."""

    @property
    def title(self) -> str:
        """E.g. ``CORINE 311 Broad-leaved forest``."""
        return " ".join(part for part in (_TITLES.get(self.scheme, self.scheme), self.code, self.name) if part)


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """What is encoded for a query, and why."""

    terms: tuple[str, ...]
    """Texts to be encoded and averaged; the query itself comes first, or the class a code stands for."""
    classes: tuple[str, ...] = ()
    """Classes that were recognised, e.g. ``CORINE 311 Broad-leaved forest``."""
    remark: str | None = None
    """What the user should know: nothing was found, and what comes near."""


def expand(text: str, mode: Expand = "auto", *, vocabulary: Literal["plain", "labels"] = "plain") -> Expansion:
    """Return the texts that stand for a query.

    Args:
        text: As typed.
        mode: See ``Expand``.
        vocabulary: Everyday words, or class names for encoders trained on labels.

    Raises:
        QueryError: A code of a known scheme that has no such class; the message shows the scheme's codes.
    """
    if mode == "off":
        return Expansion(terms=(text,))
    coded = _by_code(text)
    if coded is not None:
        return _found(coded.name, (coded,), vocabulary)
    named = _by_name().get(plain_words(text), ())
    if named:
        return _found(text, named, vocabulary)
    return _unknown(text) if mode == "on" else Expansion(terms=(text,))


def land_classes() -> tuple[LandClass, ...]:
    """Return every class in the order of the table."""
    return _table()


def plain_words(text: str) -> str:
    """Return a name as it is looked up: no case, article, hyphen or plural of its last word."""
    words = re.sub(r"[\s/_,;-]+", " ", text.lower()).strip(" .!?")
    return re.sub(r"(?<=[sc]h)es$|(?<=[^s])s$", "", _ARTICLE.sub("", words))


def _found(text: str, classes: Sequence[LandClass], vocabulary: str) -> Expansion:
    distinct = {plain_words(text): text}
    for found in classes:
        for word in found.labels if vocabulary == "labels" else found.words:
            distinct.setdefault(plain_words(word), word)
    terms = tuple(distinct.values())[:MAX_TERMS]
    return Expansion(terms=terms, classes=tuple(found.title for found in classes))


def _unknown(text: str) -> Expansion:
    near = get_close_matches(plain_words(text), _by_name(), n=3, cutoff=0.7)
    hint = f"; the nearest are {', '.join(_by_name()[name][0].name for name in near)}" if near else ""
    return Expansion(terms=(text,), remark=f"no synonyms are known for {text!r}: it was searched as typed{hint}")


def _by_code(text: str) -> LandClass | None:
    """Return the class whose code this is; None where the text is no code."""
    match = _CODE.fullmatch(" ".join(text.lower().split()))
    if match is None:
        return None
    scheme, code = _SCHEMES[match[1]], match[2]
    known = {row.code: row for row in _table() if row.scheme == scheme}
    if code not in known:
        examples = ", ".join(f"{row.code} {row.name}" for row in list(known.values())[:3])
        raise QueryError(
            f"{_TITLES[scheme]} has no class {code}; it has {len(known)}: {', '.join(str(each) for each in known)}"
            f" (e.g. {examples})"
        )
    return known[code]


@cache
def _by_name() -> dict[str, tuple[LandClass, ...]]:
    """Plain name to every class of that name, alias or BigEarthNet name, in the order of the table."""
    names: dict[str, tuple[LandClass, ...]] = {}
    for row in _table():
        spellings = (row.name, *row.aliases, *filter(None, [row.bigearthnet]))
        for name in dict.fromkeys(map(plain_words, spellings)):
            names[name] = (*names.get(name, ()), row)
    return names


@cache
def _table() -> tuple[LandClass, ...]:
    rows: list[dict[str, Any]] = tomllib.loads(TABLE.read_text(encoding="utf-8"))["class"]
    return tuple(
        LandClass(
            scheme=row["scheme"],
            code=row.get("code"),
            name=row["name"],
            aliases=tuple(row.get("aliases", ())),
            bigearthnet=row.get("bigearthnet"),
            words=tuple(row["words"]),
            labels=tuple(row["labels"]),
        )
        for row in rows
    )
