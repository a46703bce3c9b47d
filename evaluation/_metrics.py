"""Retrieval figures query by query, so that their mean can be given with an interval.

Shapes: q queries, n candidates. A candidate that is barred (a picture's own entry) has the score minus infinity.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Truth = NDArray[np.bool_]
Values = NDArray[np.float64]

RESAMPLES = 2000
INTERVAL = (2.5, 97.5)


def best(scores: Scores, k: int) -> NDArray[np.int64]:
    """Return the k best candidates of each query, best first; of equal scores the earlier candidate is better."""
    order: NDArray[np.int64] = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order


def precision_at_k(scores: Scores, relevant: Truth, k: int) -> Values:
    """Return the share of relevant candidates among the k best of each query, (q,)."""
    found = np.take_along_axis(relevant, best(scores, k), axis=1)
    return np.asarray(found.mean(axis=1), dtype=np.float64)


def hit_at_k(scores: Scores, relevant: Truth, k: int) -> Values:
    """Return 1 for each query with a relevant candidate among the k best, 0 otherwise, (q,)."""
    found = np.take_along_axis(relevant, best(scores, k), axis=1)
    return np.asarray(found.any(axis=1), dtype=np.float64)


def chance_of_hit(relevant: int, candidates: int, k: int) -> float:
    """Return the probability that k candidates drawn at random include a relevant one."""
    return 1.0 - comb(candidates - relevant, k) / comb(candidates, k)


def bootstrap_interval(values: Values, *, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of the mean, resampling queries with replacement."""
    random = np.random.default_rng(seed)
    means = [values[random.integers(len(values), size=len(values))].mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, INTERVAL)
    return float(low), float(high)
