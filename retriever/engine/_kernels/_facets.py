"""Counts over rows of a shard, which lie in the order of their cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from retriever.engine._kernels._lanes import exact_kernel


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
def extremes(values: Any, known: Any, rows: Any, ends: Any) -> int:
    """Write the least and the greatest known value of some rows to ``ends``; return how many have none."""
    unknown = 0
    for place in range(len(rows)):
        row = rows[place]
        if known[row]:
            ends[0] = min(ends[0], values[row])
            ends[1] = max(ends[1], values[row])
        else:
            unknown += 1
    return unknown


@exact_kernel
def count_bins(values: Any, known: Any, rows: Any, edges: Any, counts: Any) -> int:
    """Add the rows in each bin to (n,) counts; return how many have no value.

    A bin holds its first edge and not its second, which is the next one's; the outer ones hold all that is beyond.
    The bins are of about one width, so that a division nearly finds the one of a value.
    """
    last, unknown = len(counts) - 1, 0
    scale = len(counts) / np.float64(edges[last + 1] - edges[0]) if edges[last + 1] > edges[0] else 0.0
    for place in range(len(rows)):
        row = rows[place]
        if not known[row]:
            unknown += 1
            continue
        value = values[row]
        if np.isnan(value):  # sorts last
            counts[last] += 1
            continue
        number = min(max(int(np.float64(value - edges[0]) * scale), 0), last)
        while number > 0 and value < edges[number]:
            number -= 1
        while number < last and value >= edges[number + 1]:
            number += 1
        counts[number] += 1
    return unknown


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
