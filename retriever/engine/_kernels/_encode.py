"""Vectors to 1-bit codes (RaBitQ, https://arxiv.org/abs/2405.12497): the signs of the rotated way from a centroid.

With ``o`` the rotated way and ``b`` its signs, ``factor = |o|^2 / (b . o)`` makes ``factor * (b . q)`` an estimate of
``o . q`` that is right on average: the part of ``factor * b`` beside ``o`` is orthogonal to it, and points in a random
direction. The length of that part, over the square root of the dimensions it may point to, is the error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._kernels._rotate import rotate_one
from retriever.engine._layout import LANES
from retriever.engine._shard import Shared

Codes = tuple[NDArray[np.uint64], NDArray[np.float32], NDArray[np.float32], NDArray[np.uint16]]
"""(n, words) codes, (n,) factors, (n,) errors, (n,) ones; see Shard."""


def encode(vectors: NDArray[np.float32], lists: NDArray[np.uint16], shared: Shared) -> Codes:
    """Return the codes of (n, dim) vectors, each relative to the centroid of its list.

    Args:
        vectors: (n, dim).
        lists: (n,) number of each vector's centroid.
        shared: The centroids and the rotation.

    Returns:
        Codes (n, words) one row each, see ``interleave``; factors, errors and ones (n,).
    """
    rows, dim = vectors.shape
    codes = np.zeros((rows, -(-dim // 64)), np.uint64)
    factors, errors, ones = np.empty(rows, np.float32), np.empty(rows, np.float32), np.empty(rows, np.uint16)
    # Numba compiles once for each kind of argument: a read-only or uncommon one is made common first.
    vectors, lists = np.require(vectors, np.float32, ["C", "W"]), np.require(lists, np.uint16, ["C", "W"])
    centroids = np.require(shared.centroids, np.float32, ["C", "W"])
    signs, shuffles = np.require(shared.signs, None, ["C", "W"]), np.require(shared.shuffles, None, ["C", "W"])
    _encode_rows(vectors, lists, centroids, signs, shuffles, codes, factors, errors, ones)
    return codes, factors, errors, ones


def interleave(codes: NDArray[np.uint64], lanes: int = LANES) -> NDArray[np.uint64]:
    """Return (n, words) codes as (n / lanes, words, lanes); n is rounded up with zeros."""
    groups = -(-len(codes) // lanes)
    padded = np.zeros((groups * lanes, codes.shape[1]), np.uint64)
    padded[: len(codes)] = codes
    return np.ascontiguousarray(padded.reshape(groups, lanes, codes.shape[1]).transpose(0, 2, 1))


@kernel
def _encode_rows(vectors, lists, centroids, signs, shuffles, codes, factors, errors, ones):
    dim = vectors.shape[1]
    way = np.empty(dim, np.float32)
    work = np.empty(dim, np.float32)
    for row in range(vectors.shape[0]):
        centroid = centroids[lists[row]]
        for j in range(dim):
            way[j] = vectors[row, j] - centroid[j]
        rotate_one(way, signs, shuffles, work)
        square, total, positive = np.float32(0), np.float32(0), 0
        for j in range(dim):
            square += way[j] * way[j]
            total += abs(way[j])
        for j in range(dim):
            if way[j] > 0:
                codes[row, j >> 6] |= np.uint64(1) << np.uint64(j & 63)
                positive += 1
        ones[row] = positive
        factors[row] = square / total if total > 0 else np.float32(0)
        beside = factors[row] * factors[row] * np.float32(dim) - square
        errors[row] = np.sqrt(max(beside, np.float32(0)) / np.float32(max(dim - 1, 1)))
