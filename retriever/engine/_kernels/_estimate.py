"""The rows with the greatest estimates, of inverted lists or of blocks in geographic order."""

from __future__ import annotations

import numpy as np

from retriever.engine._kernels._group import estimate_listed, estimate_mixed
from retriever.engine._kernels._intrinsics import kernel, prefetch, trailing_zeros
from retriever.engine._kernels._select import keep_largest, key_score, sort_key
from retriever.engine._layout import BLOCK, LANES, UNDATED

_LATEST = 2**31 - 1

_FETCHED = 1024
"""Seconds of a list that are asked for before they are searched."""


@kernel
def spare(room):
    """Return how many keys to hold for ``room`` of them: the surplus is gathered before the least go."""
    return room + max(room // 2, 64)


@kernel
def gather_lists(lists, order, asked, first, last, sensors, words, patience, keys, room, threshold, ceiling):
    """Gather the slots with the greatest hopes; return how many, rows examined, seen to pass, and whether some went.

    A hope is the estimate and the row's doubt, which is 0 where estimates are asked for. Only those above ``threshold``
    count whose key is below ``ceiling``. Once there are ``room`` of them, it stops when ``patience`` lists in a row
    have brought none.
    """
    numbers = asked.numbers.copy()
    estimates = np.empty(LANES, np.float32)
    parts = _parts(lists, order, first, last)
    count, examined, passed, idle, dropped = 0, 0, 0, 0, False
    for place in range(order.size):
        number, begin, end = order[place], parts[place, 0], parts[place, 1]
        examined += end - begin
        before = passed
        numbers[2] = asked.numbers[2] - asked.doubts[number]
        for group in range(begin // LANES, (end + LANES - 1) // LANES):
            bits = estimate_listed(
                lists.codes, lists.factors, lists.offsets, lists.ones, asked.planes, numbers, estimates,
                np.int64(group), threshold, asked.dots[number],
            )  # fmt: skip
            if not bits:
                continue
            start = group * LANES
            bits &= _lanes_between(begin - start, end - start)
            while bits:
                lane = np.int64(trailing_zeros(bits))
                bits &= bits - np.uint64(1)
                if estimates[lane] <= threshold:
                    continue
                slot = start + lane
                if sensors.size and not sensors[lists.sensor[slot]]:
                    continue
                if words.size and not _holds(words, lists.rows[slot]):
                    continue
                key = sort_key(estimates[lane], slot)
                if key >= ceiling:
                    continue
                passed += 1
                keys[count] = key
                count += 1
                if count == keys.size:
                    keep_largest(keys, count, room)
                    count, threshold, dropped = room, key_score(keys[room - 1]), True
        idle = 0 if passed > before else idle + 1
        if idle >= patience and count >= room:
            break
    keep_largest(keys, count, room)
    return min(count, room), examined, passed, dropped or count > room


@kernel
def _parts(lists, order, first, last):
    """Return (n, 2) the slots of some lists that lie between two seconds: the first, and the one after the last."""
    parts = np.empty((order.size, 2), np.int64)
    every = first == UNDATED and last == _LATEST
    for place in range(order.size):
        number = order[place]
        begin, end = lists.starts[number], lists.starts[number] + lists.sizes[number]
        if not every:
            if place + 2 < order.size:
                _fetch_seconds(lists, order[place + 2])
            begin, end = _between(lists.seconds, begin, end, first), _between(lists.seconds, begin, end, last + 1)
            if end > begin:
                _fetch_group(lists, begin // LANES)
        parts[place, 0], parts[place, 1] = begin, max(begin, end)
    return parts


@kernel
def _fetch_group(lists, group):
    """Ask for what estimating a group reads to be fetched."""
    words = lists.codes.shape[1]
    for at in range(0, words * LANES, 8):
        prefetch(lists.codes, group * words * LANES + at)
    for at in range(0, LANES, 16):
        prefetch(lists.factors, group * LANES + at)
        prefetch(lists.offsets, group * LANES + at)
    prefetch(lists.ones, group * LANES)


@kernel
def _fetch_seconds(lists, number):
    """Ask for the seconds of a list to be fetched, as far as there are not very many."""
    begin, size = lists.starts[number], min(np.int64(lists.sizes[number]), _FETCHED)
    for slot in range(begin, begin + size, 16):
        prefetch(lists.seconds, slot)


@kernel
def gather_blocks(blocks, rows, chosen, every, asked, words, doubt, keys, room, threshold, ceiling):
    """Gather the rows with the greatest hopes of some blocks or all; return how many, and whether some went.

    See ``gather_lists``; here all rows have one ``doubt``, times their factor.
    """
    numbers = asked.numbers.copy()
    numbers[2] -= doubt
    dots, estimates = np.empty(BLOCK, np.float32), np.empty(LANES, np.float32)
    count, dropped = 0, False
    for place in range((rows + BLOCK - 1) // BLOCK if every else chosen.size):
        first = BLOCK * (place if every else np.int64(chosen[place]))
        # A block at a time: what was just written number by number cannot be read as a vector at once.
        for row in range(BLOCK):
            dots[row] = asked.dots[blocks.list_of[first + row]]
        for start in range(0, BLOCK, LANES):
            bits = _lane_bits(words, first + start, rows)
            if not bits:
                continue
            bits &= estimate_mixed(
                blocks.codes, blocks.factors, blocks.offsets, blocks.ones, asked.planes, numbers, estimates,
                np.int64((first + start) // LANES), threshold, dots, np.int64(start),
            )  # fmt: skip
            while bits:
                lane = np.int64(trailing_zeros(bits))
                bits &= bits - np.uint64(1)
                if estimates[lane] <= threshold:
                    continue
                key = sort_key(estimates[lane], first + start + lane)
                if key >= ceiling:
                    continue
                keys[count] = key
                count += 1
                if count == keys.size:
                    keep_largest(keys, count, room)
                    count, threshold, dropped = room, key_score(keys[room - 1]), True
    keep_largest(keys, count, room)
    return min(count, room), dropped or count > room


@kernel
def _lane_bits(words, start, rows):
    """Return a bit for each row of the group at ``start`` that is there and passes."""
    bits = np.uint64((1 << LANES) - 1)
    if words.size:
        bits &= words[start >> 6] >> np.uint64(start & 63)
    if start + LANES > rows:
        bits &= (np.uint64(1) << np.uint64(max(rows - start, 0))) - np.uint64(1)
    return bits


@kernel
def _lanes_between(begin, end):
    """Return a bit for each lane from ``begin`` to ``end``, as far as there are such lanes."""
    bits = np.uint64((1 << LANES) - 1)
    if end < LANES:
        bits &= (np.uint64(1) << np.uint64(max(end, 0))) - np.uint64(1)
    if begin > 0:
        bits &= ~((np.uint64(1) << np.uint64(min(begin, LANES))) - np.uint64(1))
    return bits


@kernel
def _holds(words, row):
    return (words[row >> 6] >> np.uint64(row & 63)) & np.uint64(1)


@kernel
def _between(seconds, begin, end, second):
    """Return the first place from ``begin`` to ``end`` whose second is not before ``second``."""
    while begin < end:
        middle = (begin + end) >> 1
        if seconds[middle] < second:
            begin = middle + 1
        else:
            end = middle
    return begin
