"""Vectors to 1-bit codes (RaBitQ, https://arxiv.org/abs/2405.12497): the signs of the rotated way from a centroid.

With ``o`` the rotated way and ``b`` its signs, ``factor = |o|^2 / (b . o)`` makes ``factor * (b . q)`` an estimate of
``o . q`` that is right on average, since the rotation is random. Queries are never random, though: they lean towards
the centroids of the lists they look into. How wrong the estimate is for the centroid itself is known when the row is
encoded. This ``offset``, as a share of ``|centroid|^2``, is added as far as a query leans that way, and half of the
error of queries like the rows goes with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._kernels._rotate import rotate_one, rotate_rows
from retriever.engine._layout import LANES
from retriever.engine._shard import Shared

Codes = tuple[NDArray[np.uint64], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16]]
"""(n, words) codes, (n,) factors, (n,) offsets, (n,) ones; see Shard."""


def encode(vectors: NDArray[np.float32], lists: NDArray[np.uint16], shared: Shared) -> Codes:
    """Return the codes of (n, dim) vectors, each relative to the centroid of its list.

    Args:
        vectors: (n, dim).
        lists: (n,) number of each vector's centroid.
        shared: The centroids and the rotation.

    Returns:
        Codes (n, words) one row each, see ``interleave``; factors, offsets and ones (n,).
    """
    rows, dim = vectors.shape
    codes = np.zeros((rows, -(-dim // 64)), np.uint64)
    factors, offsets, ones = np.empty(rows, np.float32), np.empty(rows, np.float32), np.empty(rows, np.uint16)
    # Numba compiles once for each kind of argument: a read-only or uncommon one is made common first.
    vectors, lists = np.require(vectors, np.float32, ["C", "W"]), np.require(lists, np.uint16, ["C", "W"])
    centroids = np.require(shared.centroids, np.float32, ["C", "W"])
    signs, shuffles = np.require(shared.signs, None, ["C", "W"]), np.require(shared.shuffles, None, ["C", "W"])
    _encode_rows(vectors, lists, centroids, signs, shuffles, codes, factors, offsets, ones)
    return codes, factors, offsets, ones


def interleave(codes: NDArray[np.uint64], lanes: int = LANES) -> NDArray[np.uint64]:
    """Return (n, words) codes as (n / lanes, words, lanes); n is rounded up with zeros."""
    groups = -(-len(codes) // lanes)
    padded = np.zeros((groups * lanes, codes.shape[1]), np.uint64)
    padded[: len(codes)] = codes
    return np.ascontiguousarray(padded.reshape(groups, lanes, codes.shape[1]).transpose(0, 2, 1))


@kernel
def _encode_rows(vectors, lists, centroids, signs, shuffles, codes, factors, offsets, ones):
    dim = vectors.shape[1]
    way = np.empty(dim, np.float32)
    work = np.empty(dim, np.float32)
    turned = np.empty(centroids.shape, np.float32)
    rotate_rows(centroids, signs, shuffles, turned)
    for row in range(vectors.shape[0]):
        centroid = centroids[lists[row]]
        for j in range(dim):
            way[j] = vectors[row, j] - centroid[j]
        rotate_one(way, signs, shuffles, work)
        centroid = turned[lists[row]]
        square, total, positive, along, signed = np.float32(0), np.float32(0), 0, np.float32(0), np.float32(0)
        for j in range(dim):
            square += way[j] * way[j]
            total += abs(way[j])
            along += way[j] * centroid[j]
            signed += centroid[j] if way[j] > 0 else -centroid[j]
        for j in range(dim):
            if way[j] > 0:
                codes[row, j >> 6] |= np.uint64(1) << np.uint64(j & 63)
                positive += 1
        ones[row] = positive
        factors[row] = square / total if total > 0 else np.float32(0)
        length = np.float32(0)
        for j in range(dim):
            length += centroid[j] * centroid[j]
        offsets[row] = (along - factors[row] * signed) / max(length, np.float32(1e-9))
