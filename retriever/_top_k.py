"""The k best of a stream of vectors, the same ones in whatever chunks and order they come.

Matrix products round differently with the shape of the chunk, so they only choose candidates, with a margin wider than
their error; candidates are scored again in double precision, one row at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_Entry = tuple[float, str, int]
"""Score turned round (so that the best sorts first), tile id, row id."""


class TopK:
    """Keeps the k best rows offered; equal scores by rising tile id.

    Args:
        query: (dim,) unit vector.
        k: At least 1.
    """

    def __init__(self, query: NDArray[np.float32], k: int) -> None:
        self._query = query.astype(np.float32)
        self._k = k
        # Bounds the rounding error of a float32 dot product of unit vectors (Higham, Accuracy and Stability, 3.1).
        self._margin = 2 * len(query) * float(np.finfo(np.float32).eps)
        self._best: list[_Entry] = []

    def offer(self, row_ids: pa.Array, tile_ids: pa.Array, vectors: NDArray[np.floating[Any]]) -> None:
        """Look at n rows and their (n, dim) vectors."""
        rows = self._candidates(vectors)
        if not len(rows):
            return
        scores = np.einsum("ij,j->i", vectors[rows].astype(np.float64), self._query.astype(np.float64))
        chosen = pa.array(rows)
        ids, numbers = tile_ids.take(chosen).to_pylist(), row_ids.take(chosen).to_pylist()
        entries = zip((-scores.astype(np.float32)).tolist(), ids, numbers, strict=True)
        self._best = sorted([*self._best, *entries])[: self._k]

    def _candidates(self, vectors: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Rows that may be among the best."""
        scores = vectors.astype(np.float32, copy=False) @ self._query
        floor = -self._best[-1][0] - self._margin if len(self._best) == self._k else -np.inf
        if len(scores) > self._k:
            floor = max(floor, np.partition(scores, -self._k)[-self._k] - 2 * self._margin)
        return np.flatnonzero(scores >= floor)

    def result(self) -> tuple[tuple[str, ...], NDArray[np.uint64], NDArray[np.float32]]:
        """Return tile ids, (n,) row ids and (n,) scores, best first."""
        ids = tuple(tile_id for _, tile_id, _ in self._best)
        numbers = np.array([row_id for *_, row_id in self._best], dtype=np.uint64)
        return ids, numbers, np.array([-score for score, *_ in self._best], dtype=np.float32)
