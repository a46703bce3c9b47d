"""The share of a shard's rows that one test lets pass, from what is known of the shard without looking at rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from retriever._evaluate import matching
from retriever._expression import Expression
from retriever.engine._layout import UNDATED, WHOLE
from retriever.engine._shard import Shard
from retriever.engine._sieve._leaves import together
from retriever.engine._sieve._model import Boxes, CellRanges, Moments, Named, Percents, Sieve
from retriever.engine._time_order import part_of_time

_SAMPLE = 256
"""Rows that are tested to guess at a condition that no column decides: the share is then known to 6 % at worst."""

_REMEMBERED = 256
"""Shares of such conditions that are remembered for each shard."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """Rows that pass a test."""

    low: int
    """At least so many."""
    likely: float
    """Thought to be."""
    high: int
    """At most so many."""


@dataclass(kw_only=True, eq=False)
class _Facts:
    """What has been counted in a shard, once."""

    sensors: NDArray[np.int64]
    """(256,) rows of each place."""
    collections: NDArray[np.int64]
    """(256,) rows of each place."""
    clouds: NDArray[np.int64]
    """(256,) rows of each percentage."""
    all_whole: bool
    """Whether every date is a whole second."""
    sampled: dict[Expression, float] = field(default_factory=dict)
    """Shares of conditions."""


_FACTS: WeakKeyDictionary[Shard, _Facts] = WeakKeyDictionary()
_LOCK = Lock()


def _facts(shard: Shard) -> _Facts:
    with _LOCK:
        found = _FACTS.get(shard)
        if found is None:
            found = _FACTS[shard] = _counted(shard)
        return found


def _counted(shard: Shard) -> _Facts:
    rows = shard.rows
    dated = shard.seconds[:rows] != UNDATED
    columns = (shard.sensor, shard.collection, shard.cloud)
    sensors, collections, clouds = (np.bincount(column[:rows], minlength=256) for column in columns)
    all_whole = bool((shard.flags[:rows][dated] & WHOLE != 0).all())
    return _Facts(sensors=sensors, collections=collections, clouds=clouds, all_whole=all_whole)


def whole_seconds(shard: Shard) -> bool:
    """Return whether every date of a shard is a whole second."""
    return _facts(shard).all_whole


def share_of(test: Boxes | Moments | Named | Percents | CellRanges, shard: Shard) -> Share:
    """Return how many rows of a shard a test lets pass."""
    match test:
        case Boxes():
            return _of_boxes(test, shard)
        case CellRanges():
            return _exactly(int(_cells(test, shard).sum()))
        case Moments():
            return _of_moments(test, shard)
        case Named():
            facts = _facts(shard)
            count = int((facts.sensors if test.column == "sensor" else facts.collections)[test.places].sum())
            return Share(low=0, likely=count, high=count) if test.doubted else _exactly(count)
        case Percents():
            return _of_percents(test, shard)


def _exactly(count: int) -> Share:
    return Share(low=count, likely=count, high=count)


def _of_boxes(test: Boxes, shard: Shard) -> Share:
    from retriever.engine._kernels._sieve import shares  # imports numba

    low, likely, high = shares(shard.zone_bounds, shard.zone_located, test.boxes)
    return Share(low=low if test.plain else 0, likely=likely, high=high)


def _cells(test: CellRanges, shard: Shard) -> NDArray[np.int64]:
    ends = np.searchsorted(shard.cells, test.last, side="right")
    counts: NDArray[np.int64] = ends - np.searchsorted(shard.cells, test.first, side="left")
    return counts


def _of_moments(test: Moments, shard: Shard) -> Share:
    may, sure, _ = ((first, last) for first, last in test.ranges.reshape(3, 2).tolist())
    begin, end = part_of_time(shard, *may)
    surely = (begin, end) if sure == may else part_of_time(shard, *sure)
    return Share(low=max(0, surely[1] - surely[0]), likely=float(end - begin), high=end - begin)


def _of_percents(test: Percents, shard: Shard) -> Share:
    clouds = _facts(shard).clouds
    first, last, sure_first, sure_last = test.ranges.tolist()
    low, high = int(clouds[sure_first : sure_last + 1].sum()), int(clouds[first : last + 1].sum())
    return Share(low=low, likely=(low + high) / 2, high=high)


def residual_share(sieve: Sieve, shard: Shard) -> float:
    """Return the share of rows that pass what no column decides, guessed from a sample of the shard."""
    condition, known = together(sieve.residual), _facts(shard).sampled
    found = known.get(condition)
    if found is None:
        found = _sampled(condition, shard)
        if len(known) < _REMEMBERED:
            known[condition] = found
    return found


def _sampled(condition: Expression, shard: Shard) -> float:
    """Half a row is added to those that pass, so that a share is never thought to be nothing."""
    from retriever.engine._sieve._doubts import scalars_of  # imports numba

    rows = np.unique(np.linspace(0, shard.rows - 1, _SAMPLE).astype(np.int32))
    passed = len(matching(condition, scalars_of(condition, shard, rows)))
    return (passed + 0.5) / (len(rows) + 1)
