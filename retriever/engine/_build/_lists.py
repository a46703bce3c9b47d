"""Inverted lists: trained centroids, the nearest one of each row, and the order that puts a list's rows together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever.engine._layout import LANES

LEAST_LISTED = 20_000
"""Rows below which a scan of all codes is as quick as probing lists (20,000 codes: about 0.1 ms)."""

MOST_LISTS = 65_535
"""``list_of`` is 16 bits wide."""

TRAINED_ON = 64
"""Rows a list to train on, for fewer than MOST_TRAINED; FAISS asks for 39 to 256.
https://github.com/facebookresearch/faiss/wiki/Faiss-indexes#cell-probe-methods-indexivf-indexes"""

MOST_TRAINED = 262_144
"""Training takes a time of rows times lists: 70 s of one processor for 6,300 lists of 384 numbers with this many."""

LEAST_TRAINED = 16
"""Rows a list to train on, however many lists."""

LEAST_SAMPLE = 65_536
"""Rows to train on at least."""

MOST_COMPARED = 4_096
"""Centroids that every vector is compared with: 14 s of one processor for a million rows and 2,000 of 384 numbers."""

_NEAR_GROUPS = 8

_ITERATIONS = 8
"""Of k-means: 4 leave the centroids 2 % farther from the rows (measured), more do not help."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ListOrder:
    """Where the rows of a shard stand in list order."""

    starts: NDArray[np.int64]
    """(lists + 1,) see Shard.list_starts."""
    sizes: NDArray[np.int32]
    """(lists,) see Shard.list_sizes."""
    rows: NDArray[np.int32]
    """(m,) see Shard.list_rows."""


def lists_for(rows: int) -> int:
    """Return the number of lists for an archive of so many rows: twice the square root, 0 for a small one."""
    return 0 if rows < LEAST_LISTED else min(2 * math.isqrt(rows), MOST_LISTS)


def sample_size(lists: int) -> int:
    """Return how many rows the centroids of so many lists are trained on."""
    return max(min(TRAINED_ON * lists, MOST_TRAINED), LEAST_TRAINED * lists, LEAST_SAMPLE)


def train(sample: NDArray[np.float32], lists: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Return (max(lists, 1), dim) centroids of a (n, dim) sample; the mean where there are no lists."""
    if not lists:
        return np.ascontiguousarray(sample.mean(axis=0, keepdims=True, dtype=np.float64), np.float32)
    return _means(sample, lists, _ITERATIONS, seed)


def _means(sample: NDArray[np.float32], number: int, iterations: int, seed: int) -> NDArray[np.float32]:
    import faiss

    means = faiss.Kmeans(
        sample.shape[1], number, niter=iterations, seed=seed, min_points_per_centroid=1,
        max_points_per_centroid=-(-len(sample) // number),
    )  # fmt: skip
    means.train(np.ascontiguousarray(sample, np.float32))
    centroids: NDArray[np.float32] = np.ascontiguousarray(means.centroids)
    return centroids


class Nearest:
    """Finds the nearest centroid of vectors; safe to use from several threads.

    Above MOST_COMPARED centroids a vector is compared only with those in the groups nearest to it: three times faster
    at 6,300, and 99 of 100 get the same centroid (measured on clustered vectors), the others one hardly farther away.

    Args:
        centroids: (lists, dim).
    """

    def __init__(self, centroids: NDArray[np.float32]) -> None:
        self._centroids = centroids
        self._halves = np.square(centroids).sum(axis=1) / 2
        self._groups: NDArray[np.float32] | None = None
        if len(centroids) > MOST_COMPARED:
            self._groups = _means(centroids, math.isqrt(len(centroids)), _ITERATIONS, 0)
            group_of = _knn(centroids, self._groups, 1)[:, 0]
            self._members = [np.flatnonzero(group_of == group) for group in range(len(self._groups))]

    def of(self, vectors: NDArray[np.float32]) -> NDArray[np.uint16]:
        """Return (n,) the numbers of the nearest centroids of (n, dim) vectors."""
        if len(self._centroids) == 1:
            return np.zeros(len(vectors), np.uint16)
        if self._groups is None:
            return _knn(vectors, self._centroids, 1)[:, 0].astype(np.uint16)
        return self._in_groups(vectors, _knn(vectors, self._groups, _NEAR_GROUPS))

    def _in_groups(self, vectors: NDArray[np.float32], near: NDArray[np.int64]) -> NDArray[np.uint16]:
        best = np.full(len(vectors), -np.inf, np.float32)
        found = np.zeros(len(vectors), np.uint16)
        for group, members in enumerate(self._members):
            rows = np.flatnonzero((near == group).any(axis=1))
            if len(rows) and len(members):
                # |v - c|^2 is least where v . c - |c|^2 / 2 is greatest
                likeness = vectors[rows] @ self._centroids[members].T - self._halves[members]
                choice = likeness.argmax(axis=1)
                value = likeness[np.arange(len(rows)), choice]
                better = value > best[rows]
                best[rows[better]], found[rows[better]] = value[better], members[choice[better]]
        return found


def _knn(vectors: NDArray[np.float32], centroids: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    """(n, number) the nearest centroids."""
    import faiss

    found: NDArray[np.int64] = faiss.knn(np.ascontiguousarray(vectors), centroids, number)[1]
    return found


def list_order(list_of: NDArray[np.uint16], seconds: NDArray[np.int32], lists: int) -> ListOrder:
    """Return the order of rows by list, then by second; every list begins at a multiple of LANES."""
    if not lists:
        nothing = np.zeros(0, np.int32)
        return ListOrder(starts=np.zeros(1, np.int64), sizes=nothing, rows=nothing)
    order = np.lexsort((seconds, list_of)).astype(np.int32)
    sizes = np.bincount(list_of, minlength=lists)
    starts = np.concatenate([[0], np.cumsum(-(-sizes // LANES) * LANES)])
    slots = np.repeat(starts[:-1] - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(len(order))
    rows = np.full(starts[-1], -1, np.int32)
    rows[slots] = order
    return ListOrder(starts=starts.astype(np.int64), sizes=sizes.astype(np.int32), rows=rows)
