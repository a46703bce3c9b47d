"""How far a list's rows reach beyond its centroid, in the directions that queries take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_DIRECTIONS = 64
"""Rows that stand for queries; the mean over 64 is within about a tenth of the mean over all."""

_PRIOR = 8
"""Rows of average spread that each list is given besides its own: a list of two rows is not taken to be tight."""


def spreads(
    sample: NDArray[np.float32], list_of: NDArray[np.uint16], centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the spread of each list: the root mean square of ``q . (x - centroid)`` over its rows x and some rows q.

    Args:
        sample: (n, dim) vectors, some of every list.
        list_of: (n,) number of each vector's list.
        centroids: (lists, dim).

    Returns:
        (lists,) float32.
    """
    queries = sample[np.random.default_rng(0).permutation(len(sample))[:_DIRECTIONS]]
    squares = np.empty(len(sample))
    for start in range(0, len(sample), _DIRECTIONS * 256):
        part = slice(start, start + _DIRECTIONS * 256)
        squares[part] = (((sample[part] - centroids[list_of[part]]) @ queries.T) ** 2).mean(axis=1)
    sums, rows = np.bincount(list_of, squares, len(centroids)), np.bincount(list_of, minlength=len(centroids))
    reach: NDArray[np.float32] = np.sqrt((sums + _PRIOR * squares.mean()) / (rows + _PRIOR)).astype(np.float32)
    return reach
