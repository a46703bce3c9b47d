"""A random rotation that costs microseconds: signs, a shuffle and Hadamard transforms of blocks, three times.

It spreads a vector evenly over all numbers, so that signs alone say much about it. A dense random matrix does the same
but costs ``dim`` squared operations, tens of microseconds at 512.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._shard import Shared

_ROUNDS = 3
"""With 3 the blocks of a dimension that is no power of two are mixed well; FAISS and RaBitQ's authors use 4."""


def rotation(dim: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the signs (rounds, dim) float32 and shuffles (rounds, dim) int32 of a random rotation."""
    random = np.random.default_rng(seed)
    signs = random.choice(np.array([-1, 1], np.float32), (_ROUNDS, dim))
    shuffles = np.stack([random.permutation(dim) for _ in range(_ROUNDS)]).astype(np.int32)
    return signs, shuffles


def rotate(vectors: NDArray[np.float32], shared: Shared) -> NDArray[np.float32]:
    """Return the (n, dim) vectors rotated; lengths and dot products stay as they were."""
    rotated = np.empty(vectors.shape, np.float32)
    rotate_rows(np.ascontiguousarray(vectors, np.float32), shared.signs, shared.shuffles, rotated)
    return rotated


@kernel
def rotate_rows(vectors, signs, shuffles, rotated):
    """Write the rotated rows of ``vectors`` to ``rotated``."""
    work = np.empty(vectors.shape[1], np.float32)
    for row in range(vectors.shape[0]):
        rotated[row] = vectors[row]
        rotate_one(rotated[row], signs, shuffles, work)


@kernel
def rotate_one(vector, signs, shuffles, work):
    """Rotate one vector in place."""
    dim = vector.size
    for turn in range(signs.shape[0]):
        for j in range(dim):
            work[j] = vector[shuffles[turn, j]] * signs[turn, j]
        start = 0
        while start < dim:
            size = 1
            while size * 2 <= dim - start:
                size *= 2
            _hadamard(work[start : start + size])
            start += size
        vector[:] = work


@kernel
def _hadamard(numbers):
    """Transform a power of two of numbers in place, keeping their length."""
    half = 1
    while half < numbers.size:
        for start in range(0, numbers.size, 2 * half):
            for j in range(start, start + half):
                first = numbers[j]
                second = numbers[j + half]
                numbers[j] = first + second
                numbers[j + half] = first - second
        half *= 2
    numbers *= np.float32(1 / np.sqrt(numbers.size))
