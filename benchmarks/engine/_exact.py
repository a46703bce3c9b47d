"""Brute force with numpy: the product of the query with every row, or with the rows that pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine._archive import Archive
from benchmarks.engine._columns import Columns
from benchmarks.engine._peer import Rows
from benchmarks.engine._questions import Filter

FEW = 8
"""Gathering rows costs more than multiplying them all once more than 1 in FEW pass."""


class NumpyExact:
    """float32 vectors, memory-mapped."""

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """Nothing: the vectors themselves are searched."""
        return {}

    def open(self, archive: Archive, folder: Path) -> None:
        """See ``Peer``."""
        self._vectors = archive.vectors
        self._columns = Columns(archive)

    def search(self, query: NDArray[np.float32], k: int, where: Filter | None) -> Rows:
        """See ``Peer``."""
        if where is None:
            return _best(self._vectors @ query, k)
        rows = np.flatnonzero(self._columns.mask(where))
        many = len(rows) > len(self._vectors) // FEW
        scores = (self._vectors @ query)[rows] if many else self._vectors[rows] @ query
        return rows[_best(scores, min(k, len(rows)))]


def _best(scores: NDArray[np.float32], k: int) -> Rows:
    if k >= len(scores):
        return np.argsort(-scores)
    best = np.argpartition(-scores, k)[:k]
    return best[np.argsort(-scores[best])]
