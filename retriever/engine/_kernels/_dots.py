"""Dot products of a query with centroids in bytes, and with stored rows in halves or floats."""

from __future__ import annotations

import numpy as np

from retriever.engine._kernels._intrinsics import kernel, prefetch, widen

_LINE = 64
"""Bytes that are fetched from memory together on the processors of today."""


@kernel
def dot_bytes(stored, row, query):
    """Return the int32 dot product of an int8 row and the int8 query."""
    total = np.int32(0)
    for j in range(query.size):
        total = np.int32(total + np.int32(np.int32(stored[row, j]) * np.int32(query[j])))
    return total


@kernel
def dot_stored(stored, row, query):
    """Return the float32 dot product of a row of float32, or of halves given as uint16, and the float32 query."""
    total = np.float32(0)
    for j in range(query.size):
        total += widen(stored[row, j]) * query[j]
    return total


@kernel
def fetch_row(stored, row):
    """Ask for a row to be fetched from memory."""
    size = stored.shape[1]
    for j in range(0, size, _LINE // stored.itemsize):
        prefetch(stored, row * size + j)
