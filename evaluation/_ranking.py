"""Rankings query by query: figures through ir-measures, and what chance reaches on the same queries.

Shapes: q queries, n candidates, d dimensions. Gains are whole numbers: 0 wrong, 1 and up right, -1 no candidate at all
(a picture is never asked for itself). Of equal scores the earlier candidate is better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import ir_measures
import numpy as np
from ir_measures import AP, RR, P, Success, nDCG
from numpy.typing import NDArray

from ._chance import chance_of

Vectors: TypeAlias = NDArray[np.float32]
Gains: TypeAlias = NDArray[np.int32]
Values: TypeAlias = NDArray[np.float64]
GainsOf: TypeAlias = Callable[[slice], Gains]
"""Gains (p, n) of the queries in a slice."""

NO_CANDIDATE = -1
CHUNK = 256
"""Queries scored at a time: 256 x 30,000 candidates are 30 MB of scores."""
SHOWN = 8
"""Best candidates kept of each query, for the picture of examples."""

__all__ = ["AP", "RR", "Gains", "GainsOf", "P", "Ranking", "Success", "Values", "Vectors", "nDCG", "rank_candidates"]


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Figures of every query, and its best candidates."""

    values: dict[Any, Values]
    """(q,) for each measure."""
    chance: dict[Any, Values]
    """(q,) for each measure: its expectation over random orders of the candidates."""
    best: NDArray[np.int64]
    """(q, at most SHOWN) positions of the best candidates, best first."""
    right: NDArray[np.bool_]
    """(q, at most SHOWN): whether they are right."""


def rank_candidates(queries: Vectors, gallery: Vectors, gains_of: GainsOf, measures: Sequence[Any]) -> Ranking:
    """Rank the gallery for each query by dot product and measure the order.

    Args:
        queries: (q, d).
        gallery: (n, d).
        gains_of: Gives the gains of the queries of a slice.
        measures: Measures of ir-measures, e.g. ``P @ 10``.
    """
    parts = [_rank_part(queries[part] @ gallery.T, gains_of(part), measures) for part in chunks(len(queries))]
    return Ranking(
        values={measure: np.concatenate([part.values[measure] for part in parts]) for measure in measures},
        chance={measure: np.concatenate([part.chance[measure] for part in parts]) for measure in measures},
        best=np.concatenate([part.best for part in parts]),
        right=np.concatenate([part.right for part in parts]),
    )


def order_candidates(scores: Vectors, gains: Gains) -> NDArray[np.int64]:
    """Return the positions of all candidates of each query, best first, those that are none last."""
    barred = np.where(gains == NO_CANDIDATE, -np.inf, scores)
    order: NDArray[np.int64] = np.argsort(-barred, axis=1, kind="stable")
    return order


def chunks(count: int) -> Iterator[slice]:
    """Cut a number of queries into slices."""
    return (slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK))


def _rank_part(scores: Vectors, gains: Gains, measures: Sequence[Any]) -> Ranking:
    order = order_candidates(scores, gains)
    found = np.take_along_axis(gains, order, axis=1)
    return Ranking(
        values=_measured(found, measures),
        chance={measure: np.array([chance_of(measure, row) for row in gains]) for measure in measures},
        best=order[:, :SHOWN],
        right=found[:, :SHOWN] > 0,
    )


def _measured(found: Gains, measures: Sequence[Any]) -> dict[Any, Values]:
    """Measure gains in ranked order: candidate i of the run is simply the i-th best."""
    depth = _depth(measures, found.shape[1])
    run = {str(row): _run(gains[:depth]) for row, gains in enumerate(found)}
    known = depth if all(measure.NAME in {"P", "Success"} for measure in measures) else found.shape[1]
    judged = {str(row): _judgements(gains[:known]) for row, gains in enumerate(found)}
    values = {measure: np.zeros(len(found)) for measure in measures}
    for metric in ir_measures.iter_calc(list(measures), judged, run):
        values[metric.measure][int(metric.query_id)] = metric.value
    return values


def _run(gains: Gains) -> dict[str, float]:
    # trec_eval breaks ties by name, so every rank has a score of its own.
    last = int((gains != NO_CANDIDATE).sum())
    return {str(rank): float(last - rank) for rank in range(last)}


def _judgements(gains: Gains) -> dict[str, int]:
    return {str(rank): int(gains[rank]) for rank in np.flatnonzero(gains > 0)} or {"0": 0}


def _depth(measures: Sequence[Any], candidates: int) -> int:
    """How much of a ranking the measures look at; average precision and reciprocal rank look at all of it."""
    cutoffs = [measure.params.get("cutoff") for measure in measures]
    return candidates if None in cutoffs else min(candidates, max(cutoffs))
