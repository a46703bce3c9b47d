"""How many rows pass, before any row is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retriever.engine._layout import UNDATED, ShardEntry
from retriever.engine._shard import Shard
from retriever.engine._sieve._leaves import EARLIEST, LATEST
from retriever.engine._sieve._model import Either, Estimate, ListTest, Named, Sieve
from retriever.engine._sieve._shares import Share, residual_share, share_of, whole_seconds


def may_match(sieve: Sieve, entry: ShardEntry) -> bool:
    """Return whether a shard that is not opened yet may hold a row that passes."""
    if sieve.never or not entry.rows:
        return False
    if sieve.boxes and not all(_reach(test.boxes, entry.bounds) for test in sieve.boxes):
        return False
    if sieve.moments is not None:
        first, last = sieve.moments.ranges[:2]
        if entry.seconds is None or entry.seconds[0] > last or entry.seconds[1] < first:
            return False
    named = _has(sieve.sensors, entry.sensors) and _has(sieve.collections, entry.collections)
    return named and all(any(may_match(part, entry) for part in test.sieves) for test in sieve.either)


def _reach(boxes: NDArray[np.float32], bounds: tuple[float, float, float, float] | None) -> bool:
    if bounds is None:
        return False
    west, south, east, north = bounds
    return any(west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1] for box in boxes.tolist())


def _has(test: Named | None, tiles: Sequence[int]) -> bool:
    """Whether a shard has tiles of a name that may pass."""
    return test is None or any(count and test.table[min(place, 255)] for place, count in enumerate(tiles))


def estimate(sieve: Sieve, shard: Shard) -> Estimate:
    """Return how many rows of a shard pass, from its zones, its order of time and a sample.

    ``likely`` takes the tests as independent of each other, which they need not be.
    """
    share = _estimated(sieve, shard)
    return Estimate(low=share.low, likely=min(max(round(share.likely), share.low), share.high), high=share.high)


def _estimated(sieve: Sieve, shard: Shard) -> Share:
    rows = shard.rows
    if sieve.never or not rows:
        return Share(low=0, likely=0.0, high=0)
    found = [_either(test, shard) if isinstance(test, Either) else share_of(test, shard) for test in sieve.tests]
    missing = sum(rows - share.low for share in found)
    likely = rows * math.prod(share.likely / rows for share in found)
    high = min([rows, *(share.high for share in found)])
    if sieve.residual:
        return Share(low=0, likely=likely * residual_share(sieve, shard), high=high)
    return Share(low=max(0, rows - missing), likely=likely, high=high)


def _either(test: Either, shard: Shard) -> Share:
    parts = [_estimated(sieve, shard) for sieve in test.sieves]
    none = math.prod(1 - part.likely / shard.rows for part in parts)
    return Share(
        low=max(part.low for part in parts),
        likely=shard.rows * (1 - none),
        high=min(shard.rows, sum(part.high for part in parts)),
    )


def list_test(sieve: Sieve, shard: Shard) -> ListTest:
    """Return what the kernels of inverted lists can test of a filter, and whether that is all of it."""
    if sieve.never:
        return ListTest(first=LATEST, last=EARLIEST, sensors=None, exact=True)
    others = sieve.boxes or sieve.collections or sieve.cloud or sieve.cells or sieve.either or sieve.residual
    sensors = sieve.sensors
    exact = not others and not (sensors is not None and sensors.doubted)
    first, last = UNDATED, LATEST
    if sieve.moments is not None:
        may, sure, whole = (tuple(map(int, pair)) for pair in sieve.moments.ranges.reshape(3, 2))
        all_whole = whole_seconds(shard)
        first, last = whole if all_whole else may
        exact = exact and (all_whole or sure == may)
    return ListTest(first=first, last=last, sensors=None if sensors is None else sensors.table, exact=exact)
