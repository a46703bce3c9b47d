"""Which inverted lists to probe next, and when no more are needed.

The scores of a list's rows lie about normally round the query's product with the centroid, the list's spread wide. So,
once the k-th best score is known, each list is thought to hold so many better rows. Lists are probed by that number,
as long as it is worth it: until no list is thought to hold more than a given share of all better rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import fixed
from retriever.engine._kernels._intrinsics import kernel, trailing_zeros
from retriever.engine._kernels._select import keep_largest, key_row, sort_down, sort_key
from retriever.engine._shard import Shard

if TYPE_CHECKING:
    from retriever.engine._kernels._prepare import Prepared

FINE = 32
"""Entries of the table below for one spread: between two of them the share changes by a fifth at most."""

_LEAST, _MOST = -4, 12
"""Spreads beyond the centroid where the table begins and ends."""

_TAILS = np.array(
    [math.erfc((_LEAST + place / FINE) / math.sqrt(2)) / 2 for place in range((_MOST - _LEAST) * FINE + 1)], np.float32
)
"""The share of a normal distribution that lies beyond so many spreads."""

_COUNTED = 16_384
"""Passing rows of which the lists are looked up: a hundredth of a millisecond."""

_UNSEEN = 0.1
"""Part of its even share of passing rows that a list is given besides, where only a part of them was looked up."""


def better_rows(prepared: Prepared, shard: Shard, floor: float) -> NDArray[np.float32]:
    """Return (lists,) how many rows of each list are thought to score above ``floor``."""
    rows = np.empty(len(prepared.dots), np.float32)
    _better_rows(prepared.dots, prepared.steeps, fixed(shard.list_sizes), np.float32(floor), rows)
    return rows


@kernel
def passing_of_lists(sizes, list_of, words, passing):
    """Return (lists,) about how many rows of each list pass; exactly where it is 0 and they are few.

    Of many, a part is counted. A list of which that part holds none is given some, as there may be.
    """
    found = np.zeros(sizes.size, np.float32)
    if not words.size:
        found[:] = sizes
        return found
    step, counted, total = max(1, passing // _COUNTED), 0, 0
    for at in range(0, words.size, step):
        bits = words[at]
        while bits:
            row = (at << 6) + np.int64(trailing_zeros(bits))
            bits &= bits - np.uint64(1)
            found[list_of[row]] += 1
            counted += 1
    for number in range(sizes.size):
        total += sizes[number]
    if step > 1:
        scale = np.float32(passing) / np.float32(max(counted, 1))
        least = np.float32(_UNSEEN * passing / max(total, 1))
        for number in range(sizes.size):
            found[number] = found[number] * scale + least * np.float32(sizes[number])
    return found


@kernel
def next_lists(dots, steeps, sizes, floor, probed, worth, keys, chosen):
    """Write the lists to probe next, the most promising first, at most as many as ``chosen`` holds; return how many.

    ``steeps`` is FINE / spread; ``probed`` is 1 for lists that were; ``keys`` has room for all lists. Rows above
    ``floor`` count; a list must be thought to hold more than the share ``worth`` of all.
    """
    rows = np.empty(dots.size, np.float32)
    _better_rows(dots, steeps, sizes, floor, rows)
    total, count = 0.0, 0
    for number in range(rows.size):
        total += rows[number]
    least = np.float32(worth * total)
    for number in range(rows.size):
        if rows[number] > least and not probed[number]:
            keys[count] = sort_key(rows[number], number)
            count += 1
    found = min(count, chosen.size)
    keep_largest(keys, count, found)
    sort_down(keys, found)
    for place in range(found):
        chosen[place] = key_row(keys[place])
    return found


@kernel
def _better_rows(dots, steeps, sizes, floor, rows):
    for number in range(dots.size):
        place = (floor - dots[number]) * steeps[number] - np.float32(_LEAST * FINE)
        place = min(max(place, np.float32(0)), np.float32(_TAILS.size - 1))
        rows[number] = np.float32(sizes[number]) * _TAILS[np.int32(place)]
