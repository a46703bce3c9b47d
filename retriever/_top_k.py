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


_EPS = float(np.finfo(np.float32).eps)


def rounding_margin(dim: int) -> float:
    """Return a bound of the rounding error of a float32 dot product of unit vectors of ``dim`` numbers.

    Four times ``dim`` unit roundoffs (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
    """
    return 2 * dim * _EPS


def exact_scores(vectors: NDArray[np.floating[Any]], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (n,) scores of (n, dim) vectors: in double precision, one row at a time, then rounded once."""
    scores = np.einsum("ij,j->i", vectors.astype(np.float64), query.astype(np.float64))
    rounded: NDArray[np.float32] = scores.astype(np.float32)
    return rounded


class TopK:
    """Keeps the k best rows offered; equal scores by rising tile id.

    Args:
        query: (dim,) unit vector.
        k: At least 1.
    """

    def __init__(self, query: NDArray[np.float32], k: int) -> None:
        self._query = query.astype(np.float32)
        self._k = k
        self._margin = rounding_margin(len(query))
        self._best: list[_Entry] = []

    def offer(self, row_ids: pa.Array, tile_ids: pa.Array, vectors: NDArray[np.floating[Any]]) -> None:
        """Look at n rows and their (n, dim) vectors."""
        rows = self._candidates(vectors)
        if not len(rows):
            return
        chosen = pa.array(rows)
        ids, numbers = tile_ids.take(chosen).to_pylist(), row_ids.take(chosen).to_pylist()
        entries = zip((-exact_scores(vectors[rows], self._query)).tolist(), ids, numbers, strict=True)
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
