"""Sets of rows as bitmaps: bit r % 64 of word r // 64 stands for row r."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORD = 64
"""Rows in a word."""


def rows_in(words: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return the rows of a bitmap, rising."""
    from retriever.engine._kernels._sieve import listed  # imports numba

    rows = np.empty(count_in(words), dtype=np.int32)
    listed(words, rows)
    return rows


def count_in(words: NDArray[np.uint64]) -> int:
    """Return how many rows a bitmap holds."""
    return int(np.bitwise_count(words).sum(dtype=np.int64))


def bitmap_of(rows: NDArray[np.integer], size: int) -> NDArray[np.uint64]:
    """Return the bitmap of rows below ``size``, padded to whole words."""
    bits = np.zeros(-(-size // WORD) * WORD, dtype=bool)
    bits[rows] = True
    return np.packbits(bits, bitorder="little").view(np.uint64)


def are_in(words: NDArray[np.uint64], rows: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (n,) whether each row is in the bitmap."""
    places = rows.astype(np.int64)
    held: NDArray[np.bool_] = (words[places >> 6] >> (places & 63).astype(np.uint64)) & np.uint64(1) != 0
    return held
