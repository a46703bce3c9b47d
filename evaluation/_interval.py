"""Bootstrap intervals that draw whole groups, so that many queries of one scene do not pass for many scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Weights = NDArray[np.int64]

RESAMPLES = 2000
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True)
class Grouped:
    """Values of queries, and the group each query belongs to."""

    values: Values
    """(q,)."""
    groups: tuple[str, ...]
    """(q,) what is drawn together."""


def bootstrap_interval(
    parts: Sequence[Grouped], statistic: Callable[[Sequence[float]], float], *, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of a statistic of the parts' means.

    Groups are drawn with replacement, the same ones for every part; where all queries share one group, queries are.

    Args:
        parts: One or several series of values, e.g. precisions and recalls.
        statistic: From the mean of each part to the figure.
        seed: Of the random draws.
    """
    numbers, count = _numbered(parts)
    sums = [np.bincount(row, part.values, minlength=count) for row, part in zip(numbers, parts, strict=True)]
    counts = [np.bincount(row, minlength=count) for row in numbers]
    drawn = []
    for weights in draw_weights(count, seed):
        means = [_mean(weights @ total, weights @ size) for total, size in zip(sums, counts, strict=True)]
        drawn.append(statistic(means))
    return percentiles(drawn)


def median_interval(part: Grouped, *, seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of the median, drawing groups as `bootstrap_interval` does."""
    (numbers,), count = _numbered([part])
    order = np.argsort(part.values, kind="stable")
    values, numbers = part.values[order], numbers[order]
    return percentiles([weighted_median(values, weights[numbers]) for weights in draw_weights(count, seed)])


def weighted_median(values: Values, weights: Weights) -> float:
    """Return the median of sorted values that each count `weights` times."""
    kept = np.repeat(values, weights)
    return float(np.median(kept)) if len(kept) else float("nan")


def draw_weights(count: int, seed: int) -> Iterator[Weights]:
    """Yield how often each of `count` groups is drawn, for every resample."""
    random = np.random.default_rng(seed)
    return (np.bincount(random.integers(count, size=count), minlength=count) for _ in range(RESAMPLES))


def percentiles(drawn: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the interval; resamples without a query are left out."""
    low, high = np.nanpercentile(drawn, INTERVAL)
    return float(low), float(high)


def units(groups: Sequence[str]) -> tuple[str, ...]:
    """Return what is drawn: the groups, or every query by itself where all share one group."""
    return tuple(groups) if len(set(groups)) > 1 else tuple(str(index) for index in range(len(groups)))


def _numbered(parts: Sequence[Grouped]) -> tuple[list[NDArray[np.int64]], int]:
    """Number the drawn units across parts."""
    named = [units(part.groups) for part in parts]
    number = {name: index for index, name in enumerate(sorted({name for row in named for name in row}))}
    return [np.array([number[name] for name in row], dtype=np.int64) for row in named], len(number)


def _mean(total: Any, count: Any) -> float:
    return float(total / count) if count else float("nan")
