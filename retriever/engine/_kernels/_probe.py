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
from retriever.engine._kernels._intrinsics import kernel, popcount, trailing_zeros
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
"""Passing rows up to which all their lists are looked up: some hundredths of a millisecond."""

_LOOKED = 8_192
"""Words of which one row is looked up where more pass: as long."""

_NEARLY_ALL = 0.9
"""Share of passing rows from which a list is taken to have its even share of them: after deletions, say."""

_TURN = 29
"""From word to word another bit is looked for first; odd, so that all 64 have their turn."""


def better_rows(prepared: Prepared, shard: Shard, floor: float) -> NDArray[np.float32]:
    """Return (lists,) how many rows of each list are thought to score above ``floor``."""
    rows = np.empty(len(prepared.dots), np.float32)
    _better_rows(prepared.dots, prepared.steeps, fixed(shard.list_sizes), np.float32(floor), rows)
    return rows


@kernel
def passing_of_lists(sizes, list_of, words, passing):
    """Return (lists,) about how many rows of each list pass; exactly where they are few, so that 0 means none.

    Of many, one row of each of some words is looked up and stands for all that pass beside it. So few fall on a list
    that its number is drawn towards its even share: the mean of what it may be, had it been expected at that share.
    """
    found, total = np.zeros(sizes.size, np.float32), np.int64(0)
    for number in range(sizes.size):
        total += sizes[number]
    if not words.size or passing >= _NEARLY_ALL * total:
        for number in range(sizes.size):
            found[number] = np.float32(sizes[number]) * (np.float32(passing) / np.float32(max(total, 1)))
        return found
    if passing <= _COUNTED:
        for at in range(words.size):
            bits = words[at]
            while bits:
                found[list_of[(at << 6) + np.int64(trailing_zeros(bits))]] += 1
                bits &= bits - np.uint64(1)
        return found
    looked, weights = _sampled(list_of, words, found)
    for number in range(sizes.size):
        even = np.float32(sizes[number]) * np.float32(looked) / np.float32(total)
        found[number] = even * (found[number] * np.float32(looked) / weights + np.float32(1)) / (even + np.float32(1))
        found[number] *= np.float32(passing) / np.float32(looked)
    return found


@kernel
def _sampled(list_of, words, found):
    """Add up, by list, what one row of each of some words stands for; return how many were looked up, and the sum."""
    looked, weights = 0, np.float32(0)
    for at in range(0, words.size, max(1, words.size // _LOOKED)):
        bits = words[at]
        if not bits:
            continue
        turn = np.uint64((at * _TURN) & 63)
        later = bits >> turn << turn
        row = (at << 6) + np.int64(trailing_zeros(later or bits))
        weight = np.float32(popcount(bits))
        found[list_of[row]] += weight
        weights += weight
        looked += 1
    return looked, max(weights, np.float32(1))


@kernel
def next_lists(dots, steeps, sizes, floor, wanted, probed, worth, keys, chosen):
    """Write the lists to probe next, the most promising first, at most as many as ``chosen`` holds; return how many.

    ``steeps`` is FINE / spread; ``probed`` is 1 for lists that were; ``keys`` has room for all lists. Rows above
    ``floor`` count; a list must be thought to hold more than the share ``worth`` of all, which are ``wanted`` at least:
    where other shards gave the floor, fewer may be here.
    """
    rows = np.empty(dots.size, np.float32)
    _better_rows(dots, steeps, sizes, floor, rows)
    total, count = 0.0, 0
    for number in range(rows.size):
        total += rows[number]
    least = np.float32(worth * max(total, wanted))
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
