"""Takes rows that do not pass out of a bitmap: by columns, then by exact tests of the rows these leave in doubt.

Importing this imports numba (0.4 s), so it is imported inside functions.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import WORD
from retriever.engine._kernels import _sieve as kernels
from retriever.engine._layout import BLOCK
from retriever.engine._shard import Shard
from retriever.engine._sieve._areas import settle
from retriever.engine._sieve._doubts import drop_apart, drop_failing
from retriever.engine._sieve._model import Boxes, CellRanges, Either, Moments, Named, Percents, Sieve
from retriever.engine._time_order import part_of_time

Words = NDArray[np.uint64]
"""(n / 64,) bitmap of rows."""

_SCATTERED = 128
"""A range of dates with fewer rows than one in so many is marked by the order of time, and its words compared alone."""


def sift(sieve: Sieve, shard: Shard, words: Words, *, exact: bool) -> bool:
    """Take rows out of a bitmap that do not pass.

    Args:
        sieve: The filter.
        shard: Where the rows are.
        words: (n / 64,) bitmap, changed in place.
        exact: Whether to test the rows in doubt; else they stay.

    Returns:
        Whether the rows that are left are exactly those that pass.
    """
    if sieve.never:
        words[:] = 0
        return True
    doubted: list[tuple[Boxes | Moments | Named | Percents, Words]] = []
    sure = True
    for test in sieve.tests:
        if isinstance(test, Either):
            sure &= _keep_either(test, shard, words, exact=exact)
        elif (doubts := _keep(test, shard, words, exact=exact)) is not None and not isinstance(test, CellRanges):
            doubted.append((test, doubts))
    if not exact:
        return sure and not sieve.residual and not any((words & doubts).any() for _, doubts in doubted)
    for test, doubts in reversed(doubted):  # dates and names are tested faster than footprints
        if isinstance(test, Boxes):
            drop_apart(test.areas, shard, words, doubts)
        else:
            drop_failing(test.condition, shard, words, doubts)
    for condition in sieve.residual:
        drop_failing(condition, shard, words, None)
    return True


def _keep_either(test: Either, shard: Shard, words: Words, *, exact: bool) -> bool:
    found, sure = np.zeros_like(words), True
    for sieve in test.sieves:
        part = words.copy()
        sure &= sift(sieve, shard, part, exact=exact)
        found |= part
    words &= found
    return sure


def _keep(
    test: Boxes | Moments | Named | Percents | CellRanges, shard: Shard, words: Words, *, exact: bool
) -> Words | None:
    """Keep the rows that may pass a test; return those in doubt, None where there are none."""
    doubts = _SPARE.take(len(words))
    count = _KEEPERS[type(test)](test, shard, words, doubts)
    if not count:
        _SPARE.array = doubts
        return None
    if exact and isinstance(test, Boxes) and not test.plain:
        settle(test.areas, shard, words, doubts)
    return doubts


class _Spare(threading.local):
    """A thread's bitmap of no rows, kept because fresh memory costs more than what is done with it."""

    array: Words = np.zeros(0, np.uint64)

    def take(self, size: int) -> Words:
        """Hand it out; it comes back only while it is still empty."""
        found, self.array = self.array, np.zeros(0, np.uint64)
        return found if len(found) == size else np.zeros(size, np.uint64)


_SPARE = _Spare()


def _keep_cells(test: CellRanges, shard: Shard, words: Words, _doubts: Words) -> int:
    starts = np.searchsorted(shard.cells, test.first, side="left")
    kernels.keep_ranges(words, starts, np.searchsorted(shard.cells, test.last, side="right"))
    return 0


def _keep_boxes(test: Boxes, shard: Shard, words: Words, doubts: Words) -> int:
    zones, located = shard.zone_bounds, shard.zone_located
    return kernels.keep_boxes(words, zones, located, shard.bounds, shard.flags, test.boxes, test.plain, doubts)


def _keep_moments(test: Moments, shard: Shard, words: Words, doubts: Words) -> int:
    start, end = part_of_time(shard, int(test.ranges[0]), int(test.ranges[1]))
    if (end - start) * _SCATTERED < shard.rows:
        marked = np.zeros_like(words)
        kernels.mark(shard.by_time[start:end], marked)
        words &= marked
    zones, dated = shard.zone_seconds, shard.zone_dated
    return kernels.keep_seconds(words, zones, dated, shard.seconds, shard.flags, test.ranges, doubts)


def _keep_named(test: Named, shard: Shard, words: Words, doubts: Words) -> int:
    zones, column = columns_of_names(test, shard)
    return kernels.keep_places(words, zones, column, test.places, test.wanted, test.doubted, doubts)


def columns_of_names(test: Named, shard: Shard) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Return the zones and the places that a test of names reads."""
    if test.column == "sensor":
        return shard.zone_sensors, shard.sensor
    return shard.zone_collections, shard.collection


def _keep_percents(test: Percents, shard: Shard, words: Words, doubts: Words) -> int:
    return kernels.keep_percents(words, shard.zone_cloud, shard.cloud, test.ranges, doubts)


_KEEPERS: dict[type, Any] = {
    CellRanges: _keep_cells,
    Boxes: _keep_boxes,
    Moments: _keep_moments,
    Named: _keep_named,
    Percents: _keep_percents,
}


def summary(words: Words) -> tuple[NDArray[np.int32], int]:
    """Return the blocks that hold a row of a bitmap, rising, and the number of its rows."""
    blocks = np.empty(len(words) * WORD // BLOCK, dtype=np.int32)
    found, rows = kernels.summed(words, blocks)
    return blocks[:found], rows
