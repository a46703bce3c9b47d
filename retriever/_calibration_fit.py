"""Fit a calibration to labelled pairs of query and tile, and say how well it holds on queries that were left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core import InputError, VectorSpace, builtin_sensors
from retriever._calibration import Calibration, Method, SensorLine, probabilities
from retriever._reliability import (
    Reliability,
    Threshold,
    absence_threshold,
    log_loss,
    mean_average_precision,
    reliability,
)

SHOWN = 10
"""Hits of each query whose probabilities are judged apart: those a search shows."""

FOLDS = 5
"""Parts into which the queries are cut; each is predicted by a fit on the others."""

_STEPS = 100
_TOLERANCE = 1e-10

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledTiles:
    """Tiles and queries of which it is known what belongs together."""

    vectors: NDArray[np.float32]
    """(tiles, dim) unit vectors."""
    sensors: tuple[str, ...]
    """Sensor of each tile."""
    queries: tuple[str, ...]
    """What was asked, in words; at least two."""
    query_vectors: NDArray[np.float32]
    """(queries, dim) unit vectors."""
    truth: Truth
    """(queries, tiles): whether the tile shows it."""
    left_out: int = 0
    """Tiles that could not be read or encoded."""


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """A calibration and what it is worth."""

    calibration: Calibration
    """The fit on all pairs."""
    reliability: tuple[Reliability, ...]
    """Of all sensors together and of each, on queries left out; empty for ``background``."""
    threshold: Threshold | None
    """When to say that nothing matches, and how often that is right on queries left out; None for ``background``."""
    remarks: tuple[str, ...] = ()
    """What to know: a sensor whose scores say nothing, how folds were cut."""


def fit_calibration(
    tiles: LabelledTiles,
    *,
    space: VectorSpace,
    centres: Mapping[str, Floats],
    method: Literal["auto", "platt", "centred"] = "auto",
    source: str = "",
) -> FitReport:
    """Fit one line for each sensor.

    Args:
        tiles: Labelled tiles.
        space: What their vectors are.
        centres: (dim,) mean vector of each sensor's tiles in the index.
        method: ``auto`` takes the one that ranks better on queries left out, by mean average precision of the merged
            lists; where both rank alike, as of one sensor they do, the one with the smaller log loss.
        source: What the tiles are, in one line.

    Raises:
        InputError: Fewer than two queries, or no pair that belongs together or none that does not.
    """
    _check(tiles)
    fits: tuple[Method, ...] = ("platt", "centred") if method == "auto" else (method,)
    tried = {name: _Pairs(tiles, centres if name == "centred" else {}) for name in fits}
    held_out = {name: pairs.held_out() for name, pairs in tried.items()}
    best = min(fits, key=lambda name: _badness(held_out[name], tiles.truth))
    return _report(tried[best], held_out[best], method=best, space=space, source=source)


def _badness(held_out: Floats, truth: Truth) -> tuple[float, float]:
    # Nine digits: sums in another order are no difference.
    return -round(mean_average_precision(held_out, truth), 9), log_loss(held_out, truth)


def background_calibration(centres: Mapping[str, Floats], *, space: VectorSpace, source: str) -> Calibration:
    """Return a calibration without labels: scores are compared after each sensor's centre is taken out."""
    lines = {name: SensorLine(slope=1.0, intercept=0.0, centre=_numbers(centre)) for name, centre in centres.items()}
    return Calibration(space=space, method="background", sensors=lines, source=source)


def fit_logistic(scores: Floats, truth: Truth) -> tuple[float, float]:
    """Return slope and intercept of the log odds that a score means truth.

    Platt's targets, (n1 + 1) / (n1 + 2) and 1 / (n0 + 2) instead of 1 and 0, keep the fit finite where scores separate
    truth wholly (Platt 1999, Probabilistic outputs for support vector machines); Newton's method with step halving
    (Lin, Lin and Weng 2007, https://doi.org/10.1007/s10994-007-5018-6).

    Args:
        scores: (n,) scores.
        truth: (n,).

    Returns:
        Slope and intercept; a falling or undefined line becomes slope 0 at the share of truth.
    """
    hits, misses = int(truth.sum()), int((~truth).sum())
    target = np.where(truth, (hits + 1) / (hits + 2), 1 / (misses + 2))
    middle, spread = float(scores.mean()), float(scores.std())
    level = float(np.log(target.mean() / (1 - target.mean())))
    if spread < 1e-12:
        return 0.0, level
    slope, intercept = _newton((scores - middle) / spread, target, level)
    return (slope / spread, intercept - slope * middle / spread) if slope > 0 else (0.0, level)


def _newton(x: Floats, target: Floats, level: float) -> tuple[float, float]:
    """Minimise the cross entropy of ``a * x + b`` against targets inside 0..1: convex, with one finite minimum."""
    at, loss = np.array([0.0, level]), _cross_entropy(level + 0 * x, target)
    for _ in range(_STEPS):
        p = probabilities(at[0] * x + at[1])
        weight, off = np.maximum(p * (1 - p), 1e-15), p - target
        gradient = np.array([float((off * x).sum()), float(off.sum())])
        cross = float((weight * x).sum())
        hessian = np.array([[float((weight * x * x).sum()), cross], [cross, float(weight.sum())]])
        step = np.linalg.solve(hessian + 1e-12 * np.eye(2), gradient)
        at, loss, moved = _descend(at, step, x, target, loss)
        if moved < _TOLERANCE:
            break
    return float(at[0]), float(at[1])


def _descend(at: Floats, step: Floats, x: Floats, target: Floats, loss: float) -> tuple[Floats, float, float]:
    for halving in range(30):
        tried = at - step / 2**halving
        found = _cross_entropy(tried[0] * x + tried[1], target)
        if found <= loss:
            return tried, found, float(np.abs(tried - at).max())
    return at, loss, 0.0


def _cross_entropy(log_odds: Floats, target: Floats) -> float:
    return float((np.logaddexp(0, log_odds) - target * log_odds).sum())


class _Pairs:
    """Scores of all pairs, fitted sensor by sensor."""

    def __init__(self, tiles: LabelledTiles, centres: Mapping[str, Floats]) -> None:
        self.tiles = tiles
        self.names = tuple(sorted(set(tiles.sensors)))
        self.of = {name: np.array([each == name for each in tiles.sensors]) for name in self.names}
        self.centres = {name: np.asarray(_numbers(centre)) for name, centre in centres.items()}
        queries = tiles.query_vectors.astype(np.float64)
        self.scores: Floats = queries @ tiles.vectors.astype(np.float64).T
        for name, centre in self.centres.items():
            if name in self.of:
                self.scores[:, self.of[name]] -= (queries @ centre)[:, None]

    def line(self, columns: Truth, rows: Truth, name: str | None) -> SensorLine:
        scores, truth = self.scores[np.ix_(rows, columns)].ravel(), self.tiles.truth[np.ix_(rows, columns)].ravel()
        slope, intercept = fit_logistic(scores, truth)
        centre = _numbers(self.centres[name]) if name in self.centres else None
        return SensorLine(slope=slope, intercept=intercept, centre=centre, pairs=len(truth), positives=int(truth.sum()))

    def lines(self) -> dict[str, SensorLine]:
        everything = np.ones(len(self.scores), dtype=np.bool_)
        return {name: self.line(self.of[name], everything, name) for name in self.names}

    def held_out(self) -> Floats:
        """(queries, tiles) probabilities, each from a fit on other queries."""
        found = np.empty_like(self.scores)
        part = np.arange(len(self.scores)) % FOLDS
        for fold in range(FOLDS):
            for columns in self.of.values():
                if not (part == fold).any() or not columns.any():
                    continue
                line = self.line(columns, part != fold, None)
                chosen = np.ix_(part == fold, columns)
                found[chosen] = probabilities(line.slope * self.scores[chosen] + line.intercept)
        return found

    def kinds(self) -> dict[str, SensorLine]:
        """Lines of all optical and of all SAR tiles."""
        known, found = builtin_sensors(), {}
        everything = np.ones(len(self.scores), dtype=np.bool_)
        for kind in ("optical", "sar"):
            members = [name for name in self.names if name in known and known[name].kind == kind]
            if members:
                columns = np.any([self.of[name] for name in members], axis=0)
                found[kind] = self.line(columns, everything, None)
        return found


def _report(pairs: _Pairs, held_out: Floats, *, method: Method, space: VectorSpace, source: str) -> FitReport:
    truth = pairs.tiles.truth
    threshold = absence_threshold(held_out, truth)
    lines, kinds = pairs.lines(), pairs.kinds()
    alike = _lines_by_kind(pairs.centres, lines, kinds) if method == "centred" else {}
    # A line on centred scores needs the centre of its sensor, so it cannot stand for one that comes later.
    calibration = Calibration(
        space=space,
        method=method,
        sensors={**lines, **alike},
        kinds={} if method == "centred" else kinds,
        threshold=threshold.value,
        source=source,
    )
    groups = {"all": np.ones(len(pairs.tiles.sensors), dtype=np.bool_), **pairs.of}
    flat = [name for name, line in lines.items() if line.slope == 0]
    return FitReport(
        calibration=calibration,
        reliability=(
            *(reliability(name, held_out[:, of].ravel(), truth[:, of].ravel()) for name, of in groups.items()),
            _of_first_hits(held_out, truth),
        ),
        threshold=threshold,
        remarks=(
            *(
                f"the scores of {name} say nothing about its labels: all its tiles get the same probability"
                for name in flat
            ),
            *([f"{pairs.tiles.left_out:,} tiles could not be read or encoded"] if pairs.tiles.left_out else []),
            *(f"no tile of {name} has a label; it is read like the other sensors of its kind" for name in alike),
        ),
    )


def _of_first_hits(held_out: Floats, truth: Truth) -> Reliability:
    """Return how far the probabilities of the hits that a search shows can be believed."""
    first = np.argsort(-held_out, axis=1, kind="stable")[:, :SHOWN]
    shown = np.take_along_axis(held_out, first, axis=1), np.take_along_axis(truth, first, axis=1)
    return reliability(f"first {SHOWN} hits", shown[0].ravel(), shown[1].ravel())


def _lines_by_kind(
    centres: Mapping[str, Floats], lines: Mapping[str, SensorLine], kinds: Mapping[str, SensorLine]
) -> dict[str, SensorLine]:
    """Return lines of sensors that the index holds and no label tells about."""
    known = builtin_sensors()
    return {
        name: replace(kinds[known[name].kind], centre=_numbers(centre), pairs=0, positives=0)
        for name, centre in centres.items()
        if name not in lines and name in known and known[name].kind in kinds
    }


def sensor_centres(chunks: Iterable[tuple[Sequence[str], NDArray[np.floating[Any]]]]) -> dict[str, Floats]:
    """Return the (dim,) mean vector of each sensor over chunks of sensor names and (n, dim) vectors."""
    sums: dict[str, Floats] = {}
    counts: dict[str, int] = {}
    for names, vectors in chunks:
        held = np.asarray(names)
        for name in dict.fromkeys(names):
            part = vectors[held == name].astype(np.float64)
            sums[name] = sums.get(name, np.zeros(vectors.shape[1])) + part.sum(axis=0)
            counts[name] = counts.get(name, 0) + len(part)
    return {name: sums[name] / counts[name] for name in sorted(sums)}


def _check(tiles: LabelledTiles) -> None:
    if len(tiles.queries) < 2:
        raise InputError(f"a calibration needs at least 2 different labels, got {len(tiles.queries)}")
    if not tiles.truth.any() or tiles.truth.all():
        raise InputError("a calibration needs tiles that show a label and tiles that do not")


def _numbers(centre: Floats) -> tuple[float, ...]:
    """Seven digits: as many as float32 holds."""
    return tuple(float(f"{number:.7g}") for number in centre)
