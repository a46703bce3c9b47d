"""Estimates of dot products from codes, LANES rows at a time, and which of them are worth keeping."""

from __future__ import annotations

import numpy as np

from retriever.engine._kernels._intrinsics import kernel, popcount, trailing_zeros
from retriever.engine._kernels._select import keep_largest, key_score, sort_key
from retriever.engine._layout import BLOCK, LANES, UNDATED

_LATEST = 2**31 - 1
_GROUPS = BLOCK // LANES


@kernel
def estimate_group(codes, factors, ones, group, planes, numbers, sums, estimates):
    """Write what each row of a group adds to its centroid's dot product; return the most.

    The inner loops run over rows that lie together, so that one instruction works on several, and the sums are a small
    array that stays in the nearest cache: it reads codes as fast as memory gives them.
    """
    for lane in range(LANES):
        sums[lane] = 0
    for word in range(planes.shape[1]):
        first, second, third, fourth = planes[0, word], planes[1, word], planes[2, word], planes[3, word]
        for lane in range(LANES):
            code = codes[group, word, lane]
            sums[lane] += (
                popcount(code & first)
                + (popcount(code & second) << np.uint64(1))
                + (popcount(code & third) << np.uint64(2))
                + (popcount(code & fourth) << np.uint64(3))
            )
    low, step, total = numbers[0], numbers[1], numbers[2]
    start = group * LANES
    most = np.float32(-np.inf)
    for lane in range(LANES):
        signed = np.float32(2) * (low * np.float32(ones[start + lane]) + step * np.float32(sums[lane])) - total
        estimates[lane] = factors[start + lane] * signed
        most = max(most, estimates[lane])
    return most


@kernel
def spare(room):
    """Return how many keys to hold for ``room`` of them: twice as many are gathered before the lesser half goes."""
    return 2 * max(room, 128)


@kernel
def gather_lists(lists, order, dots, planes, numbers, first, last, sensors, words, keys, room):
    """Gather the slots with the greatest estimates; return how many, rows examined, and rows seen to pass."""
    sums, estimates = np.empty(LANES, np.uint64), np.empty(LANES, np.float32)
    count, examined, passed, threshold = 0, 0, 0, np.float32(-np.inf)
    for number in order:
        begin, end = lists.starts[number], lists.starts[number] + lists.sizes[number]
        if first != UNDATED or last != _LATEST:
            begin, end = _between(lists.seconds, begin, end, first), _between(lists.seconds, begin, end, last + 1)
        examined += max(end - begin, 0)
        for group in range(begin // LANES, (end + LANES - 1) // LANES):
            most = estimate_group(lists.codes, lists.factors, lists.ones, group, planes, numbers, sums, estimates)
            if dots[number] + most <= threshold:
                continue
            start = group * LANES
            for lane in range(max(begin - start, 0), min(end - start, LANES)):
                estimate = dots[number] + estimates[lane]
                if estimate <= threshold:
                    continue
                slot = start + lane
                if sensors.size and not sensors[lists.sensor[slot]]:
                    continue
                if words.size and not _holds(words, lists.rows[slot]):
                    continue
                passed += 1
                keys[count] = sort_key(estimate, slot)
                count += 1
                if count == keys.size:
                    keep_largest(keys, count, room)
                    count, threshold = room, key_score(keys[room - 1])
    keep_largest(keys, count, room)
    return min(count, room), examined, passed


@kernel
def gather_blocks(blocks, rows, chosen, every, dots, planes, numbers, words, keys, room):
    """Gather the rows with the greatest estimates of all blocks, or of the chosen ones; return how many."""
    sums, estimates = np.empty(LANES, np.uint64), np.empty(LANES, np.float32)
    count, threshold = 0, np.float32(-np.inf)
    highest = dots.max()
    for place in range((rows + BLOCK - 1) // BLOCK if every else chosen.size):
        block = place if every else np.int64(chosen[place])
        for group in range(block * _GROUPS, (block + 1) * _GROUPS):
            start = group * LANES
            bits = _lane_bits(words, start, rows)
            if not bits:
                continue
            most = estimate_group(blocks.codes, blocks.factors, blocks.ones, group, planes, numbers, sums, estimates)
            if highest + most <= threshold:
                continue
            while bits:
                lane = np.int64(trailing_zeros(bits))
                bits &= bits - np.uint64(1)
                estimate = dots[blocks.list_of[start + lane]] + estimates[lane]
                if estimate <= threshold:
                    continue
                keys[count] = sort_key(estimate, start + lane)
                count += 1
                if count == keys.size:
                    keep_largest(keys, count, room)
                    count, threshold = room, key_score(keys[room - 1])
    keep_largest(keys, count, room)
    return min(count, room)


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
