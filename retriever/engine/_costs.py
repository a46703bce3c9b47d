"""What routes cost and how far lists are probed: straight lines and curves, measured on the machine and the archive.

``Layout.costs`` holds them by name. ``exact`` is what a route costs before the first row, ``exact.rows`` what each row
adds, and so on for every route and field of Work, in nanoseconds. For the ``depth`` best rows of an archive,
``picture.reach@depth`` says how far below the score of the last of them a list may lie that is still probed for a query
like a picture, ``picture.score@depth`` above which score a query surely is one, and ``picture.probes@depth`` how many
lists that were; likewise ``text``, surely one below its score. A query is taken for what its scores are like.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Literal, NamedTuple

from retriever.engine._plan import Route


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a route does in one shard."""

    rows: float = 0.0
    """Stored vectors scored because they pass."""
    codes: float = 0.0
    """Codes compared."""
    lists: float = 0.0
    """Inverted lists opened."""
    kept: float = 0.0
    """Candidates scored again, by bytes or vectors."""

    def __add__(self, other: Work) -> Work:
        """Return both."""
        return Work(**{name: getattr(self, name) + getattr(other, name) for name in FIELDS})


FIELDS = tuple(field.name for field in fields(Work))

BUILT_IN: Mapping[str, float] = {
    "exact": 20_000.0,
    "exact.rows": 110.0,
    "slice": 20_000.0,
    "slice.rows": 150.0,
    "blocks": 40_000.0,
    "blocks.codes": 5.0,
    "blocks.kept": 100.0,
    "lists": 60_000.0,
    "lists.lists": 100.0,
    "lists.codes": 6.0,
    "lists.kept": 100.0,
    "sieve": 20_000.0,
    "sieve.rows": 0.3,
}
"""Used until an archive has its own; one core of a server of 2023, 1 M x 384."""

KINDS = ("picture", "text")
"""Of queries: pictures score high and their best rows may lie in odd lists, texts score low and need many lists."""

APART = 0.1
"""Scores of pictures and texts nearer than this do not tell them apart; then the wider reach is taken."""

CAUTION = 0.5
"""How far on the way to pictures a text is always taken to be, since texts are made up when an archive is measured.
Recall@10 of 150 texts at 1 M x 384: .984 at 0, .997 at 0.25, .998 at 0.5, for 30, 70 and 157 thousand codes."""

BUILT_IN_REACH: Mapping[str, float] = {
    "picture.reach@10": 0.75,
    "picture.reach@100": 0.7,
    "picture.reach@10000": 0.65,
    "picture.score@10": 0.8,
    "picture.score@10000": 0.5,
    "picture.probes@10": 60.0,
    "picture.probes@1000": 120.0,
    "picture.probes@10000": 320.0,
    "text.reach@10": 0.75,
    "text.reach@100": 0.7,
    "text.reach@10000": 0.65,
    "text.score@10": 0.4,
    "text.score@10000": 0.3,
    "text.probes@10": 60.0,
    "text.probes@1000": 120.0,
    "text.probes@10000": 320.0,
}
"""The same archive, for 2,048 lists; wider than was measured, since other archives are not like it."""


class Reach(NamedTuple):
    """How far below the k-th best score the hope of a probed list may lie: a line between two kinds of queries."""

    low: float
    """Score of a text, for which it is ``near``."""
    high: float
    """Score of a picture, for which it is ``far``."""
    near: float
    """At ``low``."""
    far: float
    """At ``high``, at least ``near``."""
    least: float
    """Share of the way to ``high`` that is always gone."""

    def at(self, score: float) -> float:
        """Return how far it is for a k-th best score."""
        share = min(max((score - self.low) / (self.high - self.low), self.least), 1.0)
        return self.near + (self.far - self.near) * share


NOWHERE = Reach(low=0.0, high=1.0, near=-1e9, far=-1e9, least=0.0)
"""No more lists are probed than at first."""

TRUSTED = 0.99
"""Measured recall below which a route is only taken where nothing better can be borne."""


class Costs:
    """Fitted or built-in costs of one archive, and what its routes were measured to find.

    Args:
        measured: ``Layout.costs``.
        lists: Inverted lists of the archive.
        recall: ``Layout.recall``.
    """

    def __init__(self, measured: Mapping[str, float], lists: int, recall: Mapping[str, float] | None = None) -> None:
        self._recall = recall or {}
        known = {**BUILT_IN, **measured}
        if not any("@" in name for name in measured):
            known |= BUILT_IN_REACH
        self._slopes = known
        self._lists = lists
        self._reach, self._score, self._probes = (
            [_curve(known, f"{kind}.{name}@") for kind in KINDS] for name in ("reach", "score", "probes")
        )

    def time(self, route: Route | Literal["sieve"], work: Work) -> float:
        """Return the nanoseconds a route, or making a bitmap, is thought to take for some work."""
        slopes = self._slopes
        slope = slopes.get
        return (
            slopes[route]
            + slope(f"{route}.rows", 0.0) * work.rows
            + slope(f"{route}.codes", 0.0) * work.codes
            + slope(f"{route}.lists", 0.0) * work.lists
            + slope(f"{route}.kept", 0.0) * work.kept
        )

    def reach(self, depth: float) -> Reach:
        """Return how far below the score of the ``depth``-th best row lists are probed."""
        (high, low), (picture, text) = (
            [_on_curve(curve, depth) for curve in curves] for curves in (self._score, self._reach)
        )
        far = max(picture, text)
        if high - low < APART:
            return Reach(low=0.0, high=1.0, near=far, far=far, least=0.0)
        return Reach(low=low, high=high, near=text, far=far, least=CAUTION)

    def recall(self, route: Route, k: int) -> float | None:
        """Return what a route was measured to find of the true best, at the nearest k; None where it was not."""
        known = [int(name.partition("@")[2]) for name in self._recall if name.startswith(f"{route}@")]
        return self._recall[f"{route}@{min(known, key=lambda other: abs(other - k))}"] if known else None

    def probes(self, depth: float) -> int:
        """Return how many lists that is on the mean."""
        lists = sum(_on_curve(curve, depth) for curve in self._probes) / len(KINDS)
        return max(1, min(self._lists, math.ceil(lists)))


Curve = list[tuple[float, float]]
"""Logarithms of depths, rising, and the value at each."""


def _curve(known: Mapping[str, float], prefix: str) -> Curve:
    points = {name.removeprefix(prefix): value for name, value in known.items() if name.startswith(prefix)}
    return sorted((math.log(float(depth)), value) for depth, value in points.items())


def _on_curve(curve: Curve, depth: float) -> float:
    """Straight between two points, level beyond the ends."""
    place = math.log(max(depth, 1.0))
    if place <= curve[0][0]:
        return curve[0][1]
    for (left, low), (right, high) in pairwise(curve):
        if place <= right:
            return low + (high - low) * (place - left) / (right - left)
    return curve[-1][1]
