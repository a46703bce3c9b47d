"""From values query by query to figures with an interval."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ._chance import chance_of_median_rank
from ._interval import Grouped, Values, bootstrap_interval, median_interval, units
from ._report import Figure


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value a query, and what it is to be held against."""

    name: str
    """Of the figure that is their mean."""
    meaning: str
    """See Figure."""
    values: Values
    """(q,)."""
    chance: Values
    """(q,) what a random ranking reaches on the same queries."""
    groups: tuple[str, ...]
    """(q,) what an interval draws together."""
    baseline: Values | None = None
    """(q,) what colour reaches; None where it cannot answer."""
    classes: tuple[str, ...] | None = None
    """(q,) class of each query; None where it has none."""
    interval: tuple[float, float] | None = None
    """95 % interval, where more than the queries was drawn for it; None draws the queries' groups."""

    def of_classes(self, wanted: frozenset[str]) -> Series | None:
        """Return the queries of some classes, or None where there is none."""
        kept = np.array([name in wanted for name in self.classes or ()], dtype=np.bool_)
        if not kept.any():
            return None
        return Series(
            name=f"{self.name}, held-out classes",
            meaning=f"the same, only queries of {', '.join(sorted(wanted))}",
            values=self.values[kept],
            chance=self.chance[kept],
            groups=_kept(self.groups, kept),
            baseline=None if self.baseline is None else self.baseline[kept],
            classes=_kept(self.classes or (), kept),
        )

    def by_class(self) -> dict[str, float]:
        """Return the mean of each class."""
        classes = np.array(self.classes or ())
        return {str(name): float(self.values[classes == name].mean()) for name in np.unique(classes)}

    def grouped(self) -> Grouped:
        """Return the values with their groups."""
        return Grouped(values=self.values, groups=self.groups)


def mean_figure(series: Series) -> Figure:
    """Return the mean of a series as a figure."""
    figure = combined_figure(series.name, [series], lambda means: means[0], series.meaning)
    if series.interval is None:
        return figure
    return dataclasses.replace(figure, low=series.interval[0], high=series.interval[1])


def combined_figure(
    name: str, parts: Sequence[Series], statistic: Callable[[Sequence[float]], float], meaning: str
) -> Figure:
    """Return a figure made of the means of several series, e.g. the harmonic mean of precision and recall."""
    low, high = bootstrap_interval([part.grouped() for part in parts], statistic)
    baselines = [float(part.baseline.mean()) for part in parts if part.baseline is not None]
    return Figure(
        name=name,
        value=statistic([float(part.values.mean()) for part in parts]),
        low=low,
        high=high,
        chance=statistic([float(part.chance.mean()) for part in parts]),
        baseline=statistic(baselines) if len(baselines) == len(parts) else None,
        queries=max(len(part.values) for part in parts),
        units=max(len(set(units(part.groups))) for part in parts),
        meaning=meaning,
    )


def median_rank_figure(ranks: Series, counts: Sequence[tuple[int, int]]) -> Figure:
    """Return the median rank of the first right candidate as a figure.

    Args:
        ranks: Ranks, 1 is best; their `chance` is not used.
        counts: Right candidates and candidates of each query, from which chance is worked out.
    """
    low, high = median_interval(ranks.grouped())
    better: Literal["lower"] = "lower"
    return Figure(
        name=ranks.name,
        value=float(np.median(ranks.values)),
        low=low,
        high=high,
        chance=float(np.median([chance_of_median_rank(*count) for count in counts])),
        baseline=None if ranks.baseline is None else float(np.median(ranks.baseline)),
        queries=len(ranks.values),
        units=len(set(units(ranks.groups))),
        meaning=ranks.meaning,
        better=better,
    )


def _kept(names: Sequence[str], kept: Values | np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> tuple[str, ...]:
    return tuple(name for name, keep in zip(names, kept, strict=True) if keep)
