"""Candidates by their 1-bit codes alone: the rows with the greatest estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import columns, fixed
from retriever.engine._kernels._estimate import gather_blocks, gather_lists, spare
from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._kernels._prepare import Prepared
from retriever.engine._kernels._select import HIGHEST, LOWEST, unpack
from retriever.engine._layout import UNDATED
from retriever.engine._shard import Shard

Words = NDArray[np.uint64]
Seconds = tuple[int, int]
Found = tuple[NDArray[np.int32], NDArray[np.float32]]

ALWAYS: Seconds = (UNDATED, 2**31 - 1)
"""Every row, dated or not."""

FOREVER = 2**31 - 1
"""A patience that no number of lists exhausts."""

_NO_WORDS = fixed(np.empty(0, np.uint64))
_NO_SENSORS = fixed(np.empty(0, np.uint8))
_NO_BLOCKS = fixed(np.empty(0, np.int32))


def scan_blocks(
    prepared: Prepared, shard: Shard, words: Words | None, blocks: NDArray[np.int32] | None, room: int
) -> Found:
    """Return the rows with the greatest estimates, best first, of a shard in geographic order.

    Args:
        prepared: The query.
        shard: Where to look.
        words: (n / 64,) bit r % 64 of word r // 64 tells whether row r passes; None: all do.
        blocks: Numbers of the blocks to look at; None: all.
        room: Rows to return at most, at least 1.

    Returns:
        Row numbers (int32) and estimated scores (float32).
    """
    rows, scores = np.empty(room, np.int32), np.empty(room, np.float32)
    count = _scan_blocks(
        columns(shard).blocks,
        shard.rows,
        *chosen_blocks(blocks),
        prepared.asked(),
        some_words(words),
        rows,
        scores,
    )
    return rows[:count], scores[:count]


def scan_lists(
    prepared: Prepared,
    shard: Shard,
    order: NDArray[np.int32],
    *,
    seconds: Seconds = ALWAYS,
    sensors: NDArray[np.uint8] | None = None,
    words: Words | None = None,
    room: int,
    patience: int = FOREVER,
) -> tuple[NDArray[np.int32], NDArray[np.float32], int, int]:
    """Return the rows with the greatest estimates, best first, of some inverted lists.

    Args:
        prepared: The query.
        shard: Where to look.
        order: Numbers of the lists, most promising first; see ``nearest_lists``.
        seconds: First and last second to look at, both included; ALWAYS takes undated rows too.
        sensors: (256,) 1 where a row of that sensor passes; None: all do.
        words: (n / 64,) bit r % 64 of word r // 64 tells whether row r passes; None: all do.
        room: Rows to return at most, at least 1.
        patience: Lists in a row that may bring nothing, once there are ``room`` rows, before it stops; 64 to 96 do.

    Returns:
        Row numbers (int32), estimated scores (float32), rows in the lists between the seconds, and how many were seen
        to pass: all that do where fewer than ``room`` rows came back, else some of them, since a row that cannot be
        among the best is not tested.
    """
    rows, scores = np.empty(room, np.int32), np.empty(room, np.float32)
    count, examined, passed = _scan_lists(
        columns(shard).lists,
        fixed(order),
        prepared.asked(doubting=False),
        *seconds,
        some_sensors(sensors),
        some_words(words),
        patience,
        rows,
        scores,
    )
    return rows[:count], scores[:count], examined, passed


def some_words(words: Words | None) -> Words:
    """Return the bitmap as kernels take it: empty where all rows pass."""
    return _NO_WORDS if words is None else fixed(words)


def some_sensors(sensors: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return the table of sensors as kernels take it: empty where all pass."""
    return _NO_SENSORS if sensors is None else fixed(sensors)


def chosen_blocks(blocks: NDArray[np.int32] | None) -> tuple[NDArray[np.int32], bool]:
    """Return the numbers of blocks as kernels take them, and whether all are meant."""
    return (_NO_BLOCKS, True) if blocks is None else (fixed(blocks), False)


@kernel
def _scan_blocks(blocks, rows_there, chosen, every, asked, words, rows, scores):
    keys = np.empty(spare(rows.size), np.uint64)
    count, _ = gather_blocks(
        blocks, rows_there, chosen, every, asked, words, np.float32(0), keys, rows.size, LOWEST, HIGHEST
    )
    unpack(keys, count, rows, scores)
    return count


@kernel
def _scan_lists(lists, order, asked, first, last, sensors, words, patience, rows, scores):
    keys = np.empty(spare(rows.size), np.uint64)
    count, examined, passed, _ = gather_lists(
        lists, order, asked, first, last, sensors, words, patience, keys, rows.size, LOWEST, HIGHEST
    )
    unpack(keys, count, rows, scores)
    for place in range(count):
        rows[place] = lists.rows[rows[place]]
    return count, examined, passed
