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
"""Rows a list to train on; FAISS warns below 39 and takes at most 256.
https://github.com/facebookresearch/faiss/wiki/Faiss-indexes#cell-probe-methods-indexivf-indexes"""

_ITERATIONS = 10


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
    return 0 if rows < LEAST_LISTED else min(2 ** round(math.log2(2 * math.sqrt(rows))), MOST_LISTS)


def train(sample: NDArray[np.float32], lists: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Return (max(lists, 1), dim) centroids of a (n, dim) sample; the mean where there are no lists."""
    if not lists:
        return np.ascontiguousarray(sample.mean(axis=0, keepdims=True, dtype=np.float64), np.float32)
    import faiss

    means = faiss.Kmeans(
        sample.shape[1], lists, niter=_ITERATIONS, seed=seed, min_points_per_centroid=1,
        max_points_per_centroid=max(TRAINED_ON, -(-len(sample) // lists)),
    )  # fmt: skip
    means.train(np.ascontiguousarray(sample, np.float32))
    return np.ascontiguousarray(means.centroids)


def assign(vectors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return (n,) the number of the nearest centroid of each of (n, dim) vectors."""
    if len(centroids) == 1:
        return np.zeros(len(vectors), np.uint16)
    import faiss

    _, nearest = faiss.knn(np.ascontiguousarray(vectors), centroids, 1)
    return nearest[:, 0].astype(np.uint16)


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
