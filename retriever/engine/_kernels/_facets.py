"""Counts over rows of a shard, whose order is that of cells, and of whose dates there is an order too."""

from __future__ import annotations

from typing import Any

import numpy as np

from retriever.engine._kernels._lanes import exact_kernel
from retriever.engine._layout import UNDATED, WHOLE

_ONE = np.uint64(1)


@exact_kernel
def count_cells(
    cells: Any, rows: Any, scores: Any, kept_bits: Any, set_bits: Any, found: Any, counts: Any, best: Any
) -> tuple[int, int]:
    """Count the rows in each cell of a coarser resolution; a cell's rows follow one another.

    The coarser cell is ``cell & kept_bits | set_bits``. ``rows`` rise, ``scores`` are theirs or empty. Writes (n,)
    cells, counts and best scores; returns how many cells there are, and how many rows have none.
    """
    size, unknown = 0, 0
    for place in range(len(rows)):
        cell = cells[rows[place]]
        if cell == np.uint64(0):
            unknown += 1
            continue
        cell = cell & kept_bits | set_bits
        if size == 0 or found[size - 1] != cell:
            found[size], counts[size], best[size] = cell, 0, -np.inf
            size += 1
        counts[size - 1] += 1
        if len(scores):
            best[size - 1] = max(best[size - 1], scores[place])
    return size, unknown


@exact_kernel
def count_seconds(by_time: Any, words: Any, seconds: Any, flags: Any, found: Any, counts: Any, rest: Any) -> Any:
    """Count the rows of a bitmap at each second, in the order of time.

    Writes (n,) seconds and their counts, and the rows whose dates are no whole seconds. Returns how many seconds there
    are, how many such rows, and how many rows have no date.
    """
    size, others, undated = 0, 0, 0
    for place in range(len(by_time)):
        row = by_time[place]
        if not words[row >> 6] >> np.uint64(row & 63) & _ONE:
            continue
        if seconds[row] == UNDATED:
            undated += 1
        elif not flags[row] & WHOLE:
            rest[others] = row
            others += 1
        elif size > 0 and found[size - 1] == seconds[row]:
            counts[size - 1] += 1
        else:
            found[size], counts[size] = seconds[row], 1
            size += 1
    return size, others, undated


@exact_kernel
def count_places(column: Any, rows: Any, counts: Any) -> None:
    """Add the rows of each place in a list of names to (n,) counts."""
    for place in range(len(rows)):
        counts[column[rows[place]]] += 1


@exact_kernel
def judge(scores: Any, rows: Any, places: Any, least: Any, margin: Any, verdicts: Any) -> None:
    """Write for each row 0, 1 or 2: its score is too low, within ``margin`` of the least of its place, or enough."""
    for place in range(len(rows)):
        above = scores[place] - least[places[rows[place]]]
        verdicts[place] = 2 if above > margin else 1 if above >= -margin else 0
