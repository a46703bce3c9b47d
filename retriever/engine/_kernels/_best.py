"""The best rows in one call: codes choose candidates, bytes thin them out, stored vectors put them in order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import columns, fixed
from retriever.engine._kernels._estimate import gather_blocks, gather_lists, spare
from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._kernels._prepare import Prepared
from retriever.engine._kernels._scan import (
    ALWAYS,
    FOREVER,
    Found,
    Seconds,
    Words,
    chosen_blocks,
    some_sensors,
    some_words,
)
from retriever.engine._kernels._score import score_bytes, score_stored
from retriever.engine._kernels._select import keep_largest, key_row, key_score, sort_down, sort_key, unpack
from retriever.engine._shard import Shard

_DOUBT = 2.0
"""Factors above its estimate at which a row's score may lie: three to four standard deviations, one being 0.6 factors
(the square root of 1 - 2 / pi) times the part of the query that is not along the centroid."""

_BATCH = 32
"""Candidates that are scored before asking whether more are needed: enough to fetch them ahead of time."""


def best_of_blocks(
    prepared: Prepared,
    shard: Shard,
    words: Words | None,
    blocks: NDArray[np.int32] | None,
    *,
    room: int,
    rough: int,
    keep: int,
) -> Found:
    """Return the best rows of a shard in geographic order, best first.

    Args:
        prepared: The query.
        shard: Where to look.
        words: (n / 64,) bit r % 64 of word r // 64 tells whether row r passes; None: all do.
        blocks: Numbers of the blocks to look at; None: all.
        room: Candidates taken by their codes, at least ``rough``; see ``rooms``.
        rough: How many of those are left by their bytes, at least ``keep``.
        keep: Rows to return at most, at least 1.

    Returns:
        Row numbers (int32) and scores by the stored vectors (float32).
    """
    rows, scores = np.empty(keep, np.int32), np.empty(keep, np.float32)
    count = _best_of_blocks(
        columns(shard),
        shard.rows,
        *chosen_blocks(blocks),
        prepared.asked(),
        some_words(words),
        room,
        rough,
        rows,
        scores,
    )
    return rows[:count], scores[:count]


def best_of_lists(
    prepared: Prepared,
    shard: Shard,
    order: NDArray[np.int32],
    *,
    seconds: Seconds = ALWAYS,
    sensors: NDArray[np.uint8] | None = None,
    words: Words | None = None,
    room: int,
    rough: int,
    keep: int,
    patience: int = FOREVER,
) -> tuple[NDArray[np.int32], NDArray[np.float32], int, int]:
    """Return the best rows of some inverted lists, best first.

    Args:
        prepared: The query.
        shard: Where to look.
        order: Numbers of the lists, most promising first; see ``nearest_lists``.
        seconds: First and last second to look at, both included; ALWAYS takes undated rows too.
        sensors: (256,) 1 where a row of that sensor passes; None: all do.
        words: (n / 64,) bit r % 64 of word r // 64 tells whether row r passes; None: all do.
        room: Candidates taken by their codes, at least ``rough``; see ``rooms``.
        rough: How many of those are left by their bytes, at least ``keep``.
        keep: Rows to return at most, at least 1.
        patience: Lists in a row that may bring no candidate, once there are ``room``, before it stops; 64 to 96 do.

    Returns:
        Row numbers (int32), scores by the stored vectors (float32), and rows examined and seen to pass, see scan_lists.
    """
    rows, scores = np.empty(keep, np.int32), np.empty(keep, np.float32)
    count, examined, passed = _best_of_lists(
        columns(shard),
        fixed(order),
        prepared.asked(),
        *seconds,
        some_sensors(sensors),
        some_words(words),
        patience,
        room,
        rough,
        rows,
        scores,
    )
    return rows[:count], scores[:count], examined, passed


def rooms(k: int) -> tuple[int, int]:
    """Return how many candidates to take by codes and by bytes for the best ``k`` rows.

    Measured at 1 M x 384: with as many by codes 0.998 of the best are among them, for queries in words too. The bytes
    are passed over, since halves are read and scored as quickly.
    """
    room = 200 + round(8 * k**0.9)
    return room, room


@kernel
def _best_of_blocks(columns, there, chosen, every, asked, words, room, rough, rows, scores):
    keys = np.empty(spare(room), np.uint64)
    count = gather_blocks(columns.blocks, there, chosen, every, asked, words, keys, room)
    sort_down(keys, count)
    found, hopes = np.empty(count, np.int32), np.empty(count, np.float32)
    for place in range(count):
        found[place] = key_row(keys[place])
        hopes[place] = key_score(keys[place]) + _DOUBT * columns.blocks.factors[found[place]]
    return _rescore(columns, found, hopes, asked, rough, keys, rows, scores)


@kernel
def _best_of_lists(columns, order, asked, first, last, sensors, words, patience, room, rough, rows, scores):
    keys = np.empty(spare(room), np.uint64)
    count, examined, passed = gather_lists(
        columns.lists, order, asked, first, last, sensors, words, patience, keys, room
    )
    sort_down(keys, count)
    found, hopes = np.empty(count, np.int32), np.empty(count, np.float32)
    for place in range(count):
        slot = key_row(keys[place])
        found[place] = columns.lists.rows[slot]
        hopes[place] = key_score(keys[place]) + _DOUBT * columns.lists.factors[slot]
    count = _rescore(columns, found, hopes, asked, rough, keys, rows, scores)
    return count, examined, passed


@kernel
def _rescore(columns, found, hopes, asked, rough, keys, rows, scores):
    """Thin the rows ``found`` out by their bytes, and write the best by their stored vectors; return how many.

    They come by falling estimate, ``hopes`` being the most they may score: a batch at a time is scored, until the next
    cannot be among the best.
    """
    some = np.empty(found.size, np.float32)
    if found.size > rough:
        score_bytes(columns.sq8, asked.query_i8, asked.numbers[3], found, some)
        for place in range(found.size):
            keys[place] = sort_key(some[place], found[place])
        keep_largest(keys, found.size, rough)
        sort_down(keys, rough)
        for place in range(rough):
            found[place] = key_row(keys[place])
            hopes[place] = np.inf
    left, count, done = min(found.size, rough), 0, 0
    batch = max(_BATCH, rows.size // 2)
    while done < left and (count < rows.size or hopes[done] >= key_score(keys[rows.size - 1])):
        upto = min(done + batch, left)
        score_stored(columns.stored, asked.query, found[done:upto], some[done:upto])
        for place in range(done, upto):
            keys[count] = sort_key(some[place], found[place])
            count += 1
        keep_largest(keys, count, rows.size)
        count, done = min(count, rows.size), upto
    unpack(keys, count, rows, scores)
    return count
