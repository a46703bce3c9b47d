"""Protocol `cross-sensor`: one sensor's picture of a place finds the other sensor's, and places of the same classes.

Sites: recall and median rank, right is the same site at the same time. Labelled sets: precision, recall and F1 of label
sets in four directions, as CSMAE publishes them (https://github.com/jakhac/CSMAE retrieval.py: k = 10, precision
|q and r| / |r|, recall |q and r| / |q|, both averaged over hits and queries, F1 of the two means).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import Sample, UnknownNameError

from ._asking import Asked, ask
from ._corpus import Corpus, of_role, require_roles, roles_like
from ._figures import Series, median_rank_figure
from ._job import Findings, Job
from ._label_overlap import overlap_figures
from ._ranking import RR, Gains, Success
from ._report import Example, Figure

PROTOCOL = "cross-sensor"
CUTOFFS = (1, 5, 10)
VARIANTS = ("plain", "centred")
"""`centred` takes each sensor's mean vector off its pictures, as an index that knows its own means could: it measures
how much of a miss is a constant offset between the sensors. It looks at the whole gallery, so no published figure
compares to it."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """All pictures of one sensor."""

    name: str
    """What was asked for, e.g. `s1`."""
    corpus: Corpus
    """The pictures."""

    @property
    def moments(self) -> tuple[str, ...]:
        """What the role says beyond the sensor, e.g. `before`; empty where it says nothing."""
        return tuple(item.role[len(self.name) :].lstrip("-") for item in self.corpus.items)


def cross_sensor(job: Job) -> Findings:
    """Measure both directions between two sensors.

    Raises:
        InputError: The samples have no such views.
        UnknownNameError: There is no such variant.
    """
    variant = job.options.variant or VARIANTS[0]
    if variant not in VARIANTS:
        raise UnknownNameError(f"variant of {PROTOCOL}", variant, VARIANTS)
    require_roles(job.samples, job.options.roles)
    corpus = job.read(lambda sample: _roles(sample, job.options.roles))
    sides = [Side(name=name, corpus=of_role(corpus, name)) for name in job.options.roles]
    if variant == "centred":
        sides = [dataclasses.replace(side, corpus=centred(side.corpus)) for side in sides]
    results: list[Series | Figure] = []
    examples: list[Example] = []
    for asking, asked in (sides, sides[::-1]):
        found, shown = _sites(asking, asked)
        results += found
        examples += shown
    results += overlap_figures(job, sides[0].corpus, sides[1].corpus, job.options.roles)
    return Findings(
        corpus=corpus, results=tuple(results), examples=tuple(examples), notes=(_note(sides),), variant=variant
    )


def centred(corpus: Corpus) -> Corpus:
    """Return the corpus with unit vectors (n, dim) from which their common mean was taken."""
    apart = corpus.vectors - corpus.vectors.mean(axis=0)
    length = np.linalg.norm(apart, axis=1, keepdims=True)
    return dataclasses.replace(corpus, vectors=apart / np.maximum(length, np.finfo(np.float32).tiny))


def _sites(one: Side, other: Side) -> tuple[list[Series | Figure], list[Example]]:
    """Ask with every picture of one sensor that has a right answer in the other."""
    truths = {"": _gains(one, other, timed=True)}
    if len(set(other.moments)) > 1:
        truths[" at any time"] = _gains(one, other, timed=False)
    if one.corpus.items[0].tile_px is not None:
        truths[" and tile"] = _tile_gains(one, other)
    results: list[Series | Figure] = []
    examples: list[Example] = []
    for kind, gains in truths.items():
        rows = np.flatnonzero(gains.any(axis=1))
        asked = _ask(one, other, gains, rows)
        results += _figures(asked, gains[rows], f"{one.name} to {other.name}", kind)
        if not kind:
            shown = asked.examples([one.corpus.items[row] for row in rows], other.corpus.items)
            examples = [dataclasses.replace(example, by_name=True) for example in shown]
    return results, examples


def _ask(one: Side, other: Side, gains: Gains, rows: NDArray[np.int64]) -> Asked:
    return ask(
        (one.corpus.vectors[rows], other.corpus.vectors),
        lambda part: gains[rows[part]],
        [*(Success @ k for k in CUTOFFS), RR],
        groups=[one.corpus.groups[row] for row in rows],
        baseline=(one.corpus.colours[rows], other.corpus.colours),
    )


def _figures(asked: Asked, gains: Gains, direction: str, kind: str) -> list[Series | Figure]:
    right = {"": "the same site at the same time", " at any time": "the same site at any time"}
    what = right.get(kind, "exactly the same tile")
    recalls: list[Series | Figure] = [
        asked.series(
            Success @ k,
            f"{direction} site{kind} recall@{k}",
            f"each picture of the one sensor as a query among the {gains.shape[1]} of the other; right when one of the "
            f"{k} best shows {what}",
        )
        for k in CUTOFFS
    ]
    ranks = asked.series(RR, f"{direction} site{kind} median rank", f"median rank of the first that shows {what}")
    counts = [(int(row.sum()), len(row)) for row in gains]
    return [*recalls, median_rank_figure(_as_ranks(ranks), counts)]


def _as_ranks(reciprocal: Series) -> Series:
    """Turn reciprocal ranks into ranks."""
    return Series(
        name=reciprocal.name,
        meaning=reciprocal.meaning,
        values=np.round(1.0 / reciprocal.values),
        chance=reciprocal.chance,
        groups=reciprocal.groups,
        baseline=None if reciprocal.baseline is None else np.round(1.0 / reciprocal.baseline),
    )


def _gains(one: Side, other: Side, *, timed: bool) -> Gains:
    sites = _equal(one.corpus.samples, other.corpus.samples)
    if not timed:
        return sites.astype(np.int32)
    mine, theirs = np.array(one.moments), np.array(other.moments)
    timeless = (mine == "")[:, None] | (theirs == "")[None, :]
    gains: Gains = (sites & (_equal(one.moments, other.moments) | timeless)).astype(np.int32)
    return gains


def _tile_gains(one: Side, other: Side) -> Gains:
    places = [[(item.row, item.col) for item in side.corpus.items] for side in (one, other)]
    here = np.array([[mine == theirs for theirs in places[1]] for mine in places[0]])
    gains: Gains = np.where(here, _gains(one, other, timed=True), 0).astype(np.int32)
    return gains


def _equal(one: Sequence[str], other: Sequence[str]) -> NDArray[np.bool_]:
    equal: NDArray[np.bool_] = np.array(one)[:, None] == np.array(other)[None, :]
    return equal


def _roles(sample: Sample, wanted: Sequence[str]) -> list[str]:
    return [role for name in wanted for role in roles_like(sample, name)]


def _note(sides: Sequence[Side]) -> str:
    counts = " and ".join(f"{len(side.corpus.items)} of {side.name}" for side in sides)
    return f"Pictures: {counts}. A picture without a counterpart asks nothing, but can be found."
