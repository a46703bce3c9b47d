"""The parts of a query: words, pictures, tiles, places and vectors, each with a weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import QueryError
from retriever._checks import MAX_ID, Names, direction, number, several, words

Picture = Path | bytes | Image.Image | NDArray[np.uint8]
"""A file, the content of one, a Pillow image, or (h, w, 3) numbers 0..255."""

MAX_TERMS = 20
"""Most terms of a query: each text is encoded, each point looked up."""

MAX_MARKS = 100
"""Most tiles marked plus, or minus."""

MAX_WEIGHT = 1000.0
"""Largest weight; beyond it the other terms are lost in rounding."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Term:
    """One part of a query: exactly one of text, image, like, vector and point."""

    text: str | None = None
    """Words."""
    image: Picture | None = None
    """A picture."""
    like: str | None = None
    """Id of a tile; it is left out of the hits."""
    vector: NDArray[np.float32] | None = None
    """(dim,) direction."""
    point: tuple[float, float] | None = None
    """lon, lat: the tiles that cover it, or the nearest; they are left out of the hits."""
    weight: float = 1.0
    """How much it counts; a negative one subtracts."""

    @property
    def subject(self) -> tuple[str, Any]:
        """What is given, and its name."""
        return next((name, getattr(self, name)) for name in SUBJECTS if getattr(self, name) is not None)

    def describe(self) -> dict[str, Any]:
        """Return the term as JSON values; a vector only by its length."""
        name, value = self.subject
        return {name: _SHOWN[name](value) if name in _SHOWN else value, "weight": self.weight}


SUBJECTS = ("text", "image", "like", "vector", "point")


def read_terms(query: object) -> tuple[Term, ...]:
    """Return terms, from terms or mappings of their fields.

    Raises:
        QueryError: One of them is wrong, or there are none or too many.
    """
    if not isinstance(query, Sequence) or isinstance(query, str | bytes) or not 1 <= len(query) <= MAX_TERMS:
        raise QueryError(
            f"query must be a list of 1 to {MAX_TERMS} terms such as {{'text': 'river', 'weight': 2}},"
            f" got {_some(query)}"
        )
    terms = tuple(_term(value, place) for place, value in enumerate(query))
    if all(term.weight == 0 for term in terms):
        raise QueryError("every term of the query has weight 0; give at least one another weight")
    return terms


def read_marks(name: str, value: Names | None) -> tuple[str, ...]:
    """Return tile ids, each once.

    Raises:
        QueryError: They are not texts, or too many.
    """
    marks = tuple(dict.fromkeys(several(name, value)))
    if len(marks) > MAX_MARKS:
        raise QueryError(f"{name} marks {len(marks)} tiles; at most {MAX_MARKS} are accepted")
    return marks


def given_picture(picture: str | Picture) -> Picture:
    """Return a picture; a text is the path of one."""
    return Path(picture) if isinstance(picture, str) else picture


def shown_picture(picture: Picture) -> str:
    """Return what a picture is, in words."""
    if isinstance(picture, Path):
        return str(picture)
    if isinstance(picture, bytes):
        return f"picture of {len(picture):,} bytes"
    width, height = picture.size if isinstance(picture, Image.Image) else picture.shape[1::-1]
    return f"picture of {width} x {height} pixels"


def _term(value: object, place: int) -> Term:
    where = f"term {place + 1} of the query"
    if isinstance(value, Term):
        value = dict([value.subject], weight=value.weight)
    if not isinstance(value, Mapping):
        raise QueryError(f"{where} must be a mapping such as {{'text': 'river', 'weight': 2}}, got {_some(value)}")
    if unknown := sorted(str(name) for name in set(value) - {*SUBJECTS, "weight"}):
        raise QueryError(f"{where} has an unknown field {unknown[0]!r}; known are {', '.join(SUBJECTS)} and weight")
    given = [name for name in SUBJECTS if value.get(name) is not None]
    if len(given) != 1:
        raise QueryError(f"{where} needs exactly one of {', '.join(SUBJECTS)}, got {' and '.join(given) or 'none'}")
    weight = number("weight", value.get("weight", 1.0))
    if abs(weight) > MAX_WEIGHT:
        raise QueryError(f"weight must be between -{MAX_WEIGHT:g} and {MAX_WEIGHT:g}, got {weight:g}")
    term: Term = _READ[given[0]](value[given[0]])
    return replace(term, weight=weight)


def _lon_lat(point: Any) -> tuple[float, float]:
    try:
        lon, lat = (number("point", float(part)) for part in point)
    except (TypeError, ValueError, OverflowError):
        raise QueryError(f"point {_some(point)} is not two numbers; expected [lon, lat] in degrees") from None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise QueryError(f"point {_some(point)} is out of range; expected [lon, lat]: -180..180, then -90..90")
    return lon, lat


def _some(value: object) -> str:
    return f"{value!r:.100}"


_READ: dict[str, Any] = {
    "text": lambda text: Term(text=words(text)),
    "image": lambda image: Term(image=given_picture(image)),
    "like": lambda like: Term(like=words(like, name="like", limit=MAX_ID)),
    "vector": lambda vector: Term(vector=direction(vector)),
    "point": lambda point: Term(point=_lon_lat(point)),
}

_SHOWN: dict[str, Any] = {
    "image": shown_picture,
    "vector": lambda vector: f"{len(vector)} numbers",
    "point": list,
}
