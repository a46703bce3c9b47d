"""What routes cost and how far lists are probed: straight lines and curves, measured on the machine and the archive.

``Layout.costs`` holds them by name. ``exact`` is what a route costs before the first row, ``exact.rows`` what each row
adds, and so on for every route and field of Work, in nanoseconds. For the ``depth`` best rows of an archive,
``worth@depth`` is the share of them that a list must be thought to hold to be probed, and ``probes@depth`` how many
lists were probed then, on the mean.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, get_args

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
    """Candidates scored by their stored vectors."""

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

BUILT_IN_PROBES: Mapping[str, float] = {
    "worth@10": 2e-5,
    "worth@100": 1e-4,
    "worth@10000": 3e-4,
    "probes@10": 60.0,
    "probes@1000": 120.0,
    "probes@10000": 320.0,
}
"""The same archive, for 2,048 lists; more are probed than was measured, since other archives are not like it."""

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
            known |= BUILT_IN_PROBES
        self._slopes = {route: _slopes(known, route) for route in (*get_args(Route), "sieve")}
        self._lists = lists
        self._worth, self._probes = _curve(known, "worth@"), _curve(known, "probes@")

    def time(self, route: Route | Literal["sieve"], work: Work) -> float:
        """Return the nanoseconds a route, or making a bitmap, is thought to take for some work."""
        start, rows, codes, lists, kept = self._slopes[route]
        return start + rows * work.rows + codes * work.codes + lists * work.lists + kept * work.kept

    def worth(self, depth: float) -> float:
        """Return the share of the ``depth`` best rows that a list must be thought to hold to be probed."""
        return _on_curve(self._worth, depth)

    def recall(self, route: Route, k: int) -> float | None:
        """Return what a route was measured to find of the true best, at the nearest k; None where it was not."""
        known = [int(name.partition("@")[2]) for name in self._recall if name.startswith(f"{route}@")]
        return self._recall[f"{route}@{min(known, key=lambda other: abs(other - k))}"] if known else None

    def probes(self, depth: float) -> int:
        """Return how many lists are probed then, on the mean."""
        return max(1, min(self._lists, math.ceil(_on_curve(self._probes, depth))))


def _slopes(known: Mapping[str, float], route: str) -> tuple[float, ...]:
    """What a route costs before anything, and for one more of each field of Work."""
    return (known[route], *(known.get(f"{route}.{name}", 0.0) for name in FIELDS))


class Curve(NamedTuple):
    """Values at some depths."""

    places: list[float]
    """Logarithms of the depths, rising."""
    values: list[float]
    """The value at each."""


def _curve(known: Mapping[str, float], prefix: str) -> Curve:
    named = {name.removeprefix(prefix): value for name, value in known.items() if name.startswith(prefix)}
    points = sorted((math.log(float(depth)), value) for depth, value in named.items())
    return Curve([place for place, _ in points], [value for _, value in points])


def _on_curve(curve: Curve, depth: float) -> float:
    """Straight between two points, level beyond the ends."""
    place, (places, values) = math.log(max(depth, 1.0)), curve
    right = bisect_left(places, place)
    if right in (0, len(places)):
        return values[min(right, len(values) - 1)]
    share = (place - places[right - 1]) / (places[right] - places[right - 1])
    return values[right - 1] + (values[right] - values[right - 1]) * share
