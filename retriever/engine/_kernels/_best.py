"""The best rows in one call: codes choose candidates, stored vectors put them in order, until none can be better.

Every row has a hope, the score it may have: its estimate and its doubt. Candidates are scored by falling hope until the
next one hopes for less than the k-th best score so far. Where all ``room`` of them were scored before that, those with
lesser hopes are gathered, eight times as many, and so on down to the last: many rows that are nearly or quite equal
take longer, and are not lost.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import columns
from retriever.engine._kernels._estimate import gather_blocks, gather_lists, spare
from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._kernels._prepare import Prepared
from retriever.engine._kernels._probe import next_lists, passing_of_lists
from retriever.engine._kernels._scan import (
    ALWAYS,
    FOREVER,
    Seconds,
    Words,
    chosen_blocks,
    some_sensors,
    some_words,
)
from retriever.engine._kernels._score import score_stored
from retriever.engine._kernels._select import (
    HIGHEST,
    LOWEST,
    keep_largest,
    key_row,
    key_score,
    sort_down,
    sort_key,
    unpack,
)
from retriever.engine._shard import Shard

_BATCH = 32
"""Candidates that are scored before asking whether more are needed: enough to fetch them ahead of time."""

_WIDENING = 8
"""How many times more candidates are gathered where those there was room for were not enough."""

_STEP = 32
"""Lists probed, at least, before the k-th best score is asked again how many more are needed."""


class Looked(NamedTuple):
    """What was done for an answer."""

    lists: int
    """Lists probed."""
    examined: int
    """Rows in them between the seconds."""
    scored: int
    """Candidates scored by their vectors."""


def best_of_blocks(
    prepared: Prepared, shard: Shard, words: Words | None, blocks: NDArray[np.int32] | None, *, room: int, keep: int
) -> tuple[NDArray[np.int32], NDArray[np.float32], int]:
    """Return the best rows of a shard in geographic order, best first.

    Args:
        prepared: The query.
        shard: Where to look.
        words: (n / 64,) bit r % 64 of word r // 64 tells whether row r passes; None: all do.
        blocks: Numbers of the blocks to look at; None: all.
        room: Candidates gathered at first, at least ``keep``; see ``room_for``.
        keep: Rows to return at most, at least 1.

    Returns:
        Row numbers (int32), scores by the stored vectors (float32), and how many candidates were scored.
    """
    rows, scores = np.empty(keep, np.int32), np.empty(keep, np.float32)
    chosen = chosen_blocks(blocks)
    count, scored = _best_of_blocks(
        columns(shard), shard.rows, *chosen, prepared.asked(), some_words(words), room, rows, scores
    )
    return rows[:count], scores[:count], scored


def best_of_lists(
    prepared: Prepared,
    shard: Shard,
    *,
    probes: int,
    worth: float,
    seconds: Seconds = ALWAYS,
    sensors: NDArray[np.uint8] | None = None,
    words: Words | None = None,
    room: int,
    keep: int,
    passing: int,
    floor: float = -np.inf,
) -> tuple[NDArray[np.int32], NDArray[np.float32], Looked]:
    """Return the best rows of the most promising inverted lists, best first.

    Args:
        prepared: The query.
        shard: Where to look.
        probes: Lists to begin with; twice as many where they hold too few rows, and so on.
        worth: Share of the best rows that a list must be thought to hold to be probed, once ``keep`` rows are known; 1
            for no more lists than at first, 0 for all.
        seconds: First and last second to look at, both included; ALWAYS takes undated rows too.
        sensors: (256,) 1 where a row of that sensor passes; None: all do.
        words: (n / 64,) bit r % 64 of word r // 64 tells whether row r passes; None: all do.
        room: Candidates gathered at first, at least ``keep``; see ``room_for``.
        keep: Rows to return at most, at least 1.
        passing: Rows that pass, or are thought to; ``keep`` or as many as these are looked for in ever more lists.
        floor: Rows below it are of no use.

    Returns:
        Row numbers (int32), scores by the stored vectors (float32), and what was done.
    """
    rows, scores = np.empty(keep, np.int32), np.empty(keep, np.float32)
    count, *looked = _best_of_lists(
        columns(shard),
        prepared.asked(),
        prepared.hopes,
        probes,
        np.float32(worth),
        *seconds,
        some_sensors(sensors),
        some_words(words),
        passing,
        room,
        np.float32(floor),
        rows,
        scores,
    )
    return rows[:count], scores[:count], Looked(*looked)


def room_for(k: int) -> int:
    """Return how many candidates to gather at first for the best ``k`` rows.

    Measured at 1 M x 384: with as many 0.998 of the best are among them, for queries in words too, so that few queries
    have to gather more.
    """
    return 200 + int(8 * k**0.9)


@kernel
def _best_of_blocks(columns, there, chosen, every, asked, words, room, rows, scores):
    keep, slack, doubt = rows.size, asked.numbers[3], asked.numbers[4]
    best = np.empty(keep + max(_BATCH, keep // 2), np.uint64)
    count, scored, floor, ceiling, more = 0, 0, LOWEST, HIGHEST, True
    while more:
        keys = np.empty(spare(room), np.uint64)
        found, dropped = gather_blocks(
            columns.blocks, there, chosen, every, asked, words, doubt, keys, room, floor - slack, ceiling
        )
        sort_down(keys, found)
        candidates = np.empty(found, np.int32)
        for place in range(found):
            candidates[place] = key_row(keys[place])
        count, floor, tried = _rescore(columns, candidates, keys, asked, slack, keep, best, count, floor)
        scored += tried
        more = dropped and key_score(keys[found - 1]) + slack > floor
        ceiling, room = keys[max(found - 1, 0)], min(room * _WIDENING, there)
    unpack(best, count, rows, scores)
    return count, scored


@kernel
def _best_of_lists(
    columns, asked, hopes, probes, worth, first, last, sensors, words, passing, room, floor, rows, scores
):  # fmt: skip
    keep, lists, enough = rows.size, hopes.size, min(rows.size, passing)
    sizes = passing_of_lists(columns.lists.sizes, columns.blocks.list_of, words, passing)
    best = np.empty(keep + max(_BATCH, keep // 2), np.uint64)
    keys, chosen, probed = np.empty(lists, np.uint64), np.empty(lists, np.int32), np.zeros(lists, np.uint8)
    useful = floor > LOWEST
    count, done, examined, scored = 0, 0, 0, 0
    if useful:
        more = next_lists(asked.dots, asked.steeps, sizes, floor, keep, probed, worth, keys, chosen[: max(probes, 1)])
    else:
        more = _first_lists(hopes, sizes, probed, probes, keys, chosen)
    while more:
        count, floor, looked, tried = _best_of_part(
            columns, chosen[:more], asked, first, last, sensors, words, room, best, keep, count, floor
        )
        examined, scored, done = examined + looked, scored + tried, done + more
        probed[chosen[:more]] = 1
        most = min(max(done, _STEP), lists - done)
        if count < enough and not useful:
            more = _first_lists(hopes, sizes, probed, done, keys, chosen)
        elif floor > LOWEST:
            more = next_lists(asked.dots, asked.steeps, sizes, floor, keep, probed, worth, keys, chosen[:most])
        else:
            more = 0
    unpack(best, count, rows, scores)
    return count, done, examined, scored


@kernel
def _first_lists(hopes, sizes, probed, most, keys, chosen):
    """Write the ``most`` most promising lists to probe while no score is known, or all there are; return how many."""
    count = 0
    for number in range(hopes.size):
        if sizes[number] > 0 and not probed[number]:
            keys[count] = sort_key(hopes[number], number)
            count += 1
    most = min(most, count)
    keep_largest(keys, count, most)
    sort_down(keys, most)
    for place in range(most):
        chosen[place] = key_row(keys[place])
    return most


@kernel
def _best_of_part(columns, order, asked, first, last, sensors, words, room, best, keep, count, floor):
    """Add the best rows of some lists to ``best``; return how many it holds, the least score of use, and the work."""
    slack, ceiling, examined, scored, more = asked.numbers[3], HIGHEST, 0, 0, True
    while more:
        keys = np.empty(spare(room), np.uint64)
        found, examined, _, dropped = gather_lists(
            columns.lists, order, asked, first, last, sensors, words, FOREVER, keys, room, floor - slack, ceiling
        )
        sort_down(keys, found)
        candidates = np.empty(found, np.int32)
        for place in range(found):
            candidates[place] = columns.lists.rows[key_row(keys[place])]
        count, floor, tried = _rescore(columns, candidates, keys, asked, slack, keep, best, count, floor)
        scored += tried
        more = dropped and key_score(keys[found - 1]) + slack > floor
        ceiling, room = keys[max(found - 1, 0)], min(room * _WIDENING, examined + 1)
    return count, floor, examined, scored


@kernel
def _rescore(columns, candidates, hopes, asked, slack, keep, best, count, floor):
    """Add the best of the candidates, which come by falling hope (a sort key), to the ``count`` of ``best``.

    Returns how many there are, the score a row must have to be of use, and how many candidates were scored.
    """
    batch, done = max(_BATCH, keep // 2), 0
    scores = np.empty(batch, np.float32)
    while done < candidates.size and (count < keep or key_score(hopes[done]) + slack > floor):
        upto = min(done + batch, candidates.size)
        score_stored(columns.stored, asked.query, candidates[done:upto], scores)
        for place in range(done, upto):
            if count < keep or scores[place - done] > floor:
                best[count] = sort_key(scores[place - done], candidates[place])
                count += 1
        done = upto
        if count > keep:
            keep_largest(best, count, keep)
            count = keep
        if count == keep:
            floor = max(floor, _least(best, keep))
    return count, floor, done


@kernel
def _least(keys, count):
    """Return the least score of some keys."""
    least = keys[0]
    for place in range(1, count):
        least = min(least, keys[place])
    return key_score(least)
