"""The best rows of many queries at once, from a matrix of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import columns, fixed
from retriever.engine._kernels._intrinsics import kernel, widen
from retriever.engine._kernels._scan import Found
from retriever.engine._kernels._score import trim
from retriever.engine._kernels._select import sort_key, unpack
from retriever.engine._shard import Shard

_AT_ONCE = 4096
"""Rows whose scores are in memory at once: 4 MB with 256 queries."""


def best_of_matrix(
    queries: NDArray[np.float32], shard: Shard, rows: NDArray[np.int32] | None, *, keep: int, margin: float = 0.0
) -> list[Found]:
    """Score rows by their stored vectors for many queries, and return the best for each, best first.

    A product of matrices reads each vector once for all queries.

    Args:
        queries: (n, dim).
        shard: Where to look.
        rows: Rows to look at; None: all.
        keep: Rows to return for each query, at least 1; fewer only where there are fewer.
        margin: Rows within it of the last of those are returned too; see ``score_all``.

    Returns:
        For each query row numbers (int32) and scores (float32).
    """
    stored, total = columns(shard).stored, shard.rows if rows is None else len(rows)
    keys = np.empty((len(queries), 2 * keep + 2 * _AT_ONCE), np.uint64)
    counts, floors = np.zeros(len(queries), np.int64), np.full(len(queries), -np.inf, np.float32)
    wide = np.empty((min(_AT_ONCE, total), queries.shape[1]), np.float32)
    for start in range(0, total, _AT_ONCE):
        numbers = fixed(_numbers(rows, start, min(start + _AT_ONCE, total)))
        _widen(stored, numbers, wide)
        scores = queries @ wide[: len(numbers)].T
        while not _collect(scores, numbers, keys, counts, floors, keep, np.float32(margin)):
            keys = np.concatenate([keys, np.empty_like(keys)], axis=1)
    _trim_all(keys, counts, floors, keep, np.float32(margin))
    return [_unpacked(line, int(count)) for line, count in zip(keys, counts, strict=True)]


def _numbers(rows: NDArray[np.int32] | None, start: int, end: int) -> NDArray[np.int32]:
    return np.arange(start, end, dtype=np.int32) if rows is None else rows[start:end]


def _unpacked(keys: NDArray[Any], count: int) -> Found:
    rows, scores = np.empty(count, np.int32), np.empty(count, np.float32)
    unpack(keys, count, rows, scores)
    return rows, scores


@kernel
def _widen(stored, rows, wide):
    for place in range(rows.size):
        for j in range(wide.shape[1]):
            wide[place, j] = widen(stored[rows[place], j])


@kernel
def _collect(scores, rows, keys, counts, floors, keep, margin):
    """Add the scores of rows to the keys of each query; return False, having added none, where there is no room."""
    for query in range(scores.shape[0]):
        if counts[query] > keys.shape[1] - rows.size:
            counts[query], floors[query] = trim(keys[query], counts[query], keep, margin)
            if counts[query] > keys.shape[1] - rows.size:
                return False
    for query in range(scores.shape[0]):
        count, floor = counts[query], floors[query]
        for place in range(rows.size):
            if scores[query, place] >= floor:
                keys[query, count] = sort_key(scores[query, place], rows[place])
                count += 1
        counts[query] = count
    return True


@kernel
def _trim_all(keys, counts, floors, keep, margin):
    for query in range(counts.size):
        counts[query], floors[query] = trim(keys[query], counts[query], keep, margin)
