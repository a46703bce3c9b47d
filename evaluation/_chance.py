"""What a random order of the candidates reaches, worked out and not drawn."""

from __future__ import annotations

from functools import lru_cache
from math import comb, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import InputError


def chance_of(measure: Any, gains: NDArray[np.int32]) -> float:
    """Return the expectation of a measure of ir-measures over all orders of one query's candidates.

    Args:
        measure: P, Success, AP, RR or nDCG, with or without a cutoff.
        gains: (n,) gains; negative ones are no candidates.

    Raises:
        InputError: The measure has no formula here.
    """
    candidates, right = int((gains >= 0).sum()), int((gains > 0).sum())
    cutoff = measure.params.get("cutoff")
    match measure.NAME:
        case "P":
            return right / candidates
        case "Success":
            return chance_of_hit(right, candidates, cutoff)
        case "AP":
            return chance_of_average_precision(right, candidates)
        case "RR":
            return chance_of_reciprocal_rank(right, candidates)
        case "nDCG":
            return chance_of_ndcg(gains[gains >= 0], cutoff)
    raise InputError(f"no chance level is known for {measure}; there is one for P, Success, AP, RR and nDCG")


@lru_cache(maxsize=4096)
def chance_of_hit(right: int, candidates: int, k: int) -> float:
    """Return the probability that k candidates drawn at random include a right one."""
    return 1.0 - comb(candidates - right, k) / comb(candidates, k) if k <= candidates else float(right > 0)


@lru_cache(maxsize=4096)
def chance_of_average_precision(right: int, candidates: int) -> float:
    """Return the mean average precision over all orders.

    A right candidate at rank i has, in the mean, (i - 1) (right - 1) / (candidates - 1) right ones before it.
    """
    if right == 0:
        return 0.0
    if candidates == 1:
        return 1.0
    harmonic = float((1.0 / np.arange(1, candidates + 1)).sum())
    return (harmonic + (right - 1) / (candidates - 1) * (candidates - harmonic)) / candidates


@lru_cache(maxsize=4096)
def chance_of_reciprocal_rank(right: int, candidates: int) -> float:
    """Return the mean over all orders of one over the rank of the first right candidate."""
    if right == 0:
        return 0.0
    total, none_before = 0.0, 1.0
    for rank in range(1, candidates - right + 2):
        first = right / (candidates - rank + 1)
        total += none_before * first / rank
        none_before *= 1.0 - first
    return total


@lru_cache(maxsize=4096)
def chance_of_median_rank(right: int, candidates: int) -> float:
    """Return the median over all orders of the rank of the first right candidate."""
    below = 0.0
    for rank in range(1, candidates + 1):
        below = chance_of_hit(right, candidates, rank)
        if below >= 0.5:
            return float(rank)
    return float(candidates)


def chance_of_ndcg(gains: NDArray[np.int32], cutoff: int | None) -> float:
    """Return the mean over all orders of the discounted gain, over the ideal one."""
    depth = min(cutoff or len(gains), len(gains))
    discounts = np.array([1.0 / log2(rank + 1) for rank in range(1, depth + 1)])
    ideal = float(np.sort(gains)[::-1][:depth] @ discounts)
    return float(gains.mean() * discounts.sum() / ideal) if ideal else 0.0
