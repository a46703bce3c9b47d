"""How far probabilities can be believed: the reliability curve, its errors and its picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

EDGES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Bins of a reliability curve: ten of equal width (Guo et al. 2017, https://arxiv.org/abs/1706.04599), the lowest cut
finer, because most pairs of query and tile do not belong together."""

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]

_COLOURS = ((20, 20, 20), (31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189), (140, 86, 75))
_SIDE, _MARGIN = 480, 60


@dataclass(frozen=True, kw_only=True)
class ReliabilityPoint:
    """Pairs of about the same predicted probability."""

    predicted: float
    """Their mean predicted probability."""
    observed: float
    """Share of them that belong together."""
    pairs: int
    """How many."""


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How far probabilities can be believed, on queries left out of the fit."""

    name: str
    """Sensor, ``all``, or ``first 10 hits`` for the pairs that a search would show."""
    pairs: int
    """Query and tile pairs."""
    base_rate: float
    """Share of pairs that belong together: what a guess without looking would say."""
    ece: float
    """Expected calibration error: mean distance between predicted and observed over the points, by their pairs."""
    brier: float
    """Mean squared error of the probabilities; ``base_rate * (1 - base_rate)`` for the guess."""
    log_loss: float
    """Mean negative log likelihood, in nats."""
    points: tuple[ReliabilityPoint, ...]
    """The curve, by rising probability."""


def reliability(name: str, predicted: Floats, truth: Truth) -> Reliability:
    """Return how (n,) predicted probabilities compare with (n,) truth, over the bins that are not empty."""
    places = np.clip(np.searchsorted(EDGES, predicted, side="right") - 1, 0, len(EDGES) - 2)
    bins = [part for part in (np.flatnonzero(places == place) for place in range(len(EDGES) - 1)) if len(part)]
    points = tuple(
        ReliabilityPoint(predicted=float(predicted[part].mean()), observed=float(truth[part].mean()), pairs=len(part))
        for part in bins
    )
    return Reliability(
        name=name,
        pairs=len(truth),
        base_rate=float(truth.mean()),
        ece=sum(point.pairs * abs(point.predicted - point.observed) for point in points) / len(truth),
        brier=float(((predicted - truth) ** 2).mean()),
        log_loss=log_loss(predicted, truth),
        points=points,
    )


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The probability below which the best hit most likely means that nothing matches."""

    value: float
    """0..1."""
    noticed_there: float
    """Share of queries whose best hit reaches it while their tiles are there."""
    noticed_absent: float
    """Share of queries whose best hit stays below it once all their tiles are taken out."""


def absence_threshold(predicted: Floats, truth: Truth) -> Threshold:
    """Return the threshold at which the sum of both shares is largest; the lowest of equals.

    Args:
        predicted: (queries, tiles) probabilities.
        truth: (queries, tiles); queries without a tile that fits and one that does not are passed over.
    """
    both = truth.any(axis=1) & ~truth.all(axis=1)
    there = predicted[both].max(axis=1)
    absent = np.where(truth[both], -1.0, predicted[both]).max(axis=1)
    tried = np.unique(there)
    shares = [(float((there >= value).mean()), float((absent < value).mean())) for value in tried]
    best = int(np.argmax([sum(pair) for pair in shares]))
    return Threshold(value=float(tried[best]), noticed_there=shares[best][0], noticed_absent=shares[best][1])


def mean_average_precision(predicted: Floats, truth: Truth) -> float:
    """Return the mean over queries of the mean precision at each tile that fits; equal predictions as they stand."""
    order = np.argsort(-predicted, axis=1, kind="stable")
    hits = np.take_along_axis(truth, order, axis=1)
    precision = np.cumsum(hits, axis=1) / np.arange(1, truth.shape[1] + 1)
    asked = truth.any(axis=1)
    means = np.where(hits, precision, 0).sum(axis=1)[asked] / truth.sum(axis=1)[asked]
    return float(means.mean())


def log_loss(predicted: Floats, truth: Truth) -> float:
    """Return the mean negative log likelihood of the truth, in nats."""
    likely = np.clip(np.where(truth, predicted, 1 - predicted), 1e-15, 1.0)
    return float(-np.log(likely).mean())


def reliability_picture(curves: Sequence[Reliability]) -> Image.Image:
    """Return the curves as an RGB picture: predicted probability to the right, observed share upwards.

    On the diagonal, probabilities are what they say. Both axes are square roots, so that the many pairs of small
    probability do not fall into one corner; a dot's area grows with its pairs.
    """
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (_SIDE + 2 * _MARGIN, _SIDE + 2 * _MARGIN), "white")
    pen = ImageDraw.Draw(picture)
    for share in (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0):
        place = _at(share, share)
        pen.line([(place[0], _MARGIN), (place[0], _MARGIN + _SIDE)], fill=(228, 228, 228))
        pen.line([(_MARGIN, place[1]), (_MARGIN + _SIDE, place[1])], fill=(228, 228, 228))
        pen.text((place[0] - 10, _MARGIN + _SIDE + 6), f"{share:g}", fill="black")
        pen.text((_MARGIN - 34, place[1] - 6), f"{share:g}", fill="black")
    pen.line([_at(0, 0), _at(1, 1)], fill=(160, 160, 160))
    for number, curve in enumerate(curves):
        _draw(pen, curve, _COLOURS[number % len(_COLOURS)], number)
    pen.text((_MARGIN + _SIDE // 2 - 70, 2 * _MARGIN + _SIDE - 24), "predicted probability", fill="black")
    pen.text((8, _MARGIN - 24), "observed share", fill="black")
    return picture


def _draw(pen: ImageDraw.ImageDraw, curve: Reliability, colour: tuple[int, int, int], number: int) -> None:
    places = [_at(point.predicted, point.observed) for point in curve.points]
    pen.line(places, fill=colour, width=2)
    for (x, y), point in zip(places, curve.points, strict=True):
        size = 2 + 10 * (point.pairs / curve.pairs) ** 0.5
        pen.ellipse([(x - size, y - size), (x + size, y + size)], outline=colour, width=2)
    text = f"{curve.name}: ECE {curve.ece:.3f}, {curve.pairs:,} pairs"
    pen.text((_MARGIN + 12, _MARGIN + 10 + 18 * number), text, fill=colour)


def _at(predicted: float, observed: float) -> tuple[float, float]:
    return _MARGIN + _SIDE * predicted**0.5, _MARGIN + _SIDE * (1 - observed**0.5)
