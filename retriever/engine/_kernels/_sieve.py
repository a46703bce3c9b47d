"""Filters on the columns of a shard: each kernel takes rows out of a bitmap, block by block.

A block whose rows are out already is passed over, its zone decides it where it can, and only the rest of its rows are
compared. ``words`` is changed in place. Where the narrow columns leave a doubt, the row stays in ``words`` and is put
into ``doubts``; kernels with doubts return how many there are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from retriever.engine._kernels._intrinsics import popcount, trailing_zeros
from retriever.engine._kernels._lanes import above, at_least, at_most, equal, exact_kernel, has_bit, quick_kernel
from retriever.engine._layout import BLOCK, CONNECTED, IS_BOX, WHOLE

_WORDS = BLOCK // 64
_BOX, _WHOLE, _CONNECTED = np.uint8(IS_BOX), np.uint8(WHOLE), np.uint8(CONNECTED)
_NONE = np.uint64(0)
_ALL = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


@exact_kernel
def _is_out(words: Any, block: Any) -> Any:
    """Whether no row of a block is left."""
    at = block * _WORDS
    return words[at] | words[at + 1] | words[at + 2] | words[at + 3] == _NONE


@exact_kernel
def _take_out(words: Any, block: Any) -> None:
    for at in range(block * _WORDS, (block + 1) * _WORDS):
        words[at] = _NONE


@exact_kernel
def _zone_meets(zones: Any, block: Any, boxes: Any, number: Any) -> int:
    """0: no row of a block meets a box, 1: some may, 2: all that have a footprint do. Not true of NaN."""
    west, south, east, north = zones[0, block], zones[1, block], zones[2, block], zones[3, block]
    least_lon, least_lat = boxes[number, 0], boxes[number, 1]
    most_lon, most_lat = boxes[number, 2], boxes[number, 3]
    if not (west <= most_lon and east >= least_lon and south <= most_lat and north >= least_lat):
        return 0
    return 2 if west >= least_lon and east <= most_lon and south >= least_lat and north <= most_lat else 1


@exact_kernel
def _surely(west: Any, south: Any, east: Any, north: Any, flags: Any, at: Any, box: Any, open_rows: Any) -> Any:
    """Bits of the rows, out of some that may meet a box and do not cross the antimeridian, that certainly do.

    Bounds are rounded outward and the box is not: overlap is certain only where it is strict, or where the bounds lie
    between the box's sides. A rectangle then meets the box; one connected shape that reaches its bounds does where it
    lies between two sides; and every shape where it lies inside.
    """
    place = at * 64
    in_lon = at_least(west, place, box[0]) & at_most(east, place, box[2])
    in_lat = at_least(south, place, box[1]) & at_most(north, place, box[3])
    inside = in_lon & in_lat
    if open_rows & ~inside == _NONE:
        return inside
    over_lon = in_lon | ~(at_least(west, place, box[2]) | at_most(east, place, box[0]))
    over_lat = in_lat | ~(at_least(south, place, box[3]) | at_most(north, place, box[1]))
    spans = has_bit(flags, place, _CONNECTED) & (in_lon & over_lat | in_lat & over_lon)
    return inside | spans | has_bit(flags, place, _BOX) & over_lon & over_lat


@exact_kernel
def keep_boxes(
    words: Any, zones: Any, located: Any, bounds: Any, flags: Any, boxes: Any, plain: Any, doubts: Any
) -> int:
    """Keep rows whose footprints may meet one of (b, 4) boxes; certain ones only where the boxes are ``plain``."""
    west, south, east, north = bounds[0], bounds[1], bounds[2], bounds[3]
    doubtful = 0
    for block in range(len(located)):
        if _is_out(words, block):
            continue
        best = 0
        for number in range(len(boxes)):
            best = max(best, _zone_meets(zones, block, boxes, number))
        if best == 0:
            _take_out(words, block)
            continue
        if best == 2 and plain and located[block] == BLOCK:
            continue
        for at in range(block * _WORDS, (block + 1) * _WORDS):
            if words[at] == _NONE:
                continue
            may, sure, place = _NONE, _NONE, at * 64
            for number in range(len(boxes)):
                box = boxes[number, 0], boxes[number, 1], boxes[number, 2], boxes[number, 3]
                met = words[at] & ~sure & at_most(south, place, box[3]) & at_least(north, place, box[1])
                begins, ends = at_most(west, place, box[2]), at_least(east, place, box[0])
                across = above(west, place, east)
                met &= begins & ends | across & (begins | ends)
                may |= met
                if plain and met != _NONE:
                    sure |= met & ~across & _surely(west, south, east, north, flags, at, box, met & ~across)
            words[at] &= may | sure
            doubts[at] |= words[at] & ~sure
            doubtful += popcount(words[at] & ~sure)
    return doubtful


@exact_kernel
def keep_seconds(words: Any, zones: Any, dated: Any, seconds: Any, flags: Any, ranges: Any, doubts: Any) -> int:
    """Keep rows whose dates may lie in a range.

    ``ranges`` is (6,) int32: first and last second that may pass, that pass whatever the fraction of the second, and
    that pass where the date is a whole second.
    """
    first, last, sure_first, sure_last = ranges[0], ranges[1], ranges[2], ranges[3]
    doubtful = 0
    for block in range(len(dated)):
        if _is_out(words, block):
            continue
        if zones[0, block] > last or zones[1, block] < first:
            _take_out(words, block)
            continue
        if zones[0, block] >= sure_first and zones[1, block] <= sure_last and dated[block] == BLOCK:
            continue
        for at in range(block * _WORDS, (block + 1) * _WORDS):
            if words[at] == _NONE:
                continue
            place = at * 64
            words[at] &= at_least(seconds, place, first) & at_most(seconds, place, last)
            edge = words[at] & ~(at_least(seconds, place, sure_first) & at_most(seconds, place, sure_last))
            if edge == _NONE:
                continue
            whole = has_bit(flags, place, _WHOLE) & edge
            words[at] &= ~whole | at_least(seconds, place, ranges[4]) & at_most(seconds, place, ranges[5])
            doubts[at] |= edge & ~whole
            doubtful += popcount(edge & ~whole)
    return doubtful


@exact_kernel
def keep_places(words: Any, zones: Any, column: Any, places: Any, wanted: Any, doubted: Any, doubts: Any) -> int:
    """Keep rows whose place in a list of names is one of some.

    ``zones`` is (4, zones) sets of 256 bits, and ``wanted`` the (4,) one of ``places``; ``doubted`` says that the last
    of the places leaves a doubt.
    """
    doubtful = 0
    for block in range(zones.shape[1]):
        if _is_out(words, block):
            continue
        hit, miss = _NONE, _NONE
        for part in range(4):
            hit |= zones[part, block] & wanted[part]
            miss |= zones[part, block] & ~wanted[part]
        if hit == _NONE:
            _take_out(words, block)
            continue
        if miss == _NONE and not doubted:
            continue
        for at in range(block * _WORDS, (block + 1) * _WORDS):
            if words[at] == _NONE:
                continue
            found, last = _NONE, _NONE
            for number in range(len(places)):
                last = equal(column, at * 64, places[number])
                found |= last
            words[at] &= found
            if doubted:
                doubts[at] |= words[at] & last
                doubtful += popcount(words[at] & last)
    return doubtful


@exact_kernel
def keep_percents(words: Any, zones: Any, column: Any, ranges: Any, doubts: Any) -> int:
    """Keep rows whose percentage may lie in a range.

    ``ranges`` is (4,) uint8: least and greatest that may pass, and that pass for certain. Unknown is more than 100.
    """
    doubtful = 0
    for block in range(zones.shape[1]):
        if _is_out(words, block):
            continue
        if zones[0, block] > ranges[1] or zones[1, block] < ranges[0]:
            _take_out(words, block)
            continue
        for at in range(block * _WORDS, (block + 1) * _WORDS):
            if words[at] == _NONE:
                continue
            words[at] &= at_least(column, at * 64, ranges[0]) & at_most(column, at * 64, ranges[1])
            sure = at_least(column, at * 64, ranges[2]) & at_most(column, at * 64, ranges[3])
            doubts[at] |= words[at] & ~sure
            doubtful += popcount(words[at] & ~sure)
    return doubtful


@exact_kernel
def _bits_between(first: Any, last: Any) -> Any:
    """A word whose bits from ``first`` to before ``last`` are 1; both 0 to 64."""
    low = _ALL << np.uint64(first) if first < 64 else _NONE
    return low & (_ALL >> np.uint64(64 - last)) if last > 0 else _NONE


@exact_kernel
def keep_ranges(words: Any, starts: Any, ends: Any) -> None:
    """Keep rows of some ranges: rising, none overlapping, each from its start to before its end."""
    number, count = 0, len(starts)
    for at in range(len(words)):
        first, last = at * 64, at * 64 + 64
        while number < count and ends[number] <= first:
            number += 1
        kept, here = _NONE, number
        while here < count and starts[here] < last:
            kept |= _bits_between(max(starts[here] - first, 0), min(ends[here] - first, 64))
            here += 1
        words[at] &= kept


@exact_kernel
def mark(rows: Any, words: Any) -> None:
    """Put rows into a bitmap."""
    for number in range(len(rows)):
        row = rows[number]
        words[row >> 6] |= np.uint64(1) << np.uint64(row & 63)


@exact_kernel
def unmark(rows: Any, words: Any) -> None:
    """Take rows out of a bitmap."""
    for number in range(len(rows)):
        row = rows[number]
        words[row >> 6] &= ~(np.uint64(1) << np.uint64(row & 63))


@exact_kernel
def listed(words: Any, rows: Any) -> int:
    """Write the rows of a bitmap, rising; return how many there are."""
    count = 0
    for at in range(len(words)):
        word = words[at]
        while word != _NONE:
            rows[count] = at * 64 + trailing_zeros(word)
            word &= word - np.uint64(1)
            count += 1
    return count


@exact_kernel
def summed(words: Any, blocks: Any) -> tuple[int, int]:
    """Write the blocks that hold a row, rising; return how many there are, and how many rows."""
    found, rows = 0, 0
    for block in range(len(words) // _WORDS):
        if _is_out(words, block):
            continue
        blocks[found] = block
        found += 1
        for at in range(block * _WORDS, (block + 1) * _WORDS):
            rows += popcount(words[at])
    return found, rows


@quick_kernel
def part_between(seconds: Any, by_time: Any, first: Any, last: Any) -> tuple[int, int]:
    """Return the part of the order of time whose seconds lie in a range, both ends included."""
    begin = _first_at(seconds, by_time, 0, first)
    return begin, _first_at(seconds, by_time, begin, last + 1)


@quick_kernel
def _first_at(seconds: Any, by_time: Any, low: Any, least: Any) -> Any:
    """Return the first place from ``low`` on whose second is at least ``least``."""
    high = len(by_time)
    while low < high:
        middle = (low + high) // 2
        if seconds[by_time[middle]] < least:
            low = middle + 1
        else:
            high = middle
    return low


@exact_kernel
def shares(zones: Any, located: Any, boxes: Any) -> tuple[int, float, int]:
    """Return how many rows meet one of (b, 4) boxes: of blocks inside, by the share of each block's area, at most."""
    low, likely, high = 0, 0.0, 0
    for block in range(len(located)):
        best, share = 0, 0.0
        for number in range(len(boxes)):
            meets = _zone_meets(zones, block, boxes, number)
            best = max(best, meets)
            if meets == 1:
                wide = _overlap(zones[0, block], zones[2, block], boxes[number, 0], boxes[number, 2])
                share += wide * _overlap(zones[1, block], zones[3, block], boxes[number, 1], boxes[number, 3])
        if best == 0:
            continue
        high += located[block]
        low += located[block] if best == 2 else 0
        likely += located[block] * (1.0 if best == 2 else min(share, 1.0))
    return low, likely, high


@exact_kernel
def _overlap(first: Any, last: Any, start: Any, end: Any) -> float:
    """The share of a range that lies in another; a range of no length does or does not."""
    shared = min(last, end) - max(first, start)
    return 1.0 if last <= first else max(shared, 0.0) / (last - first)
