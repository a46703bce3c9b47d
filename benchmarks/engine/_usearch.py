"""USearch: a graph over int8 vectors. It has no filter in Python, so more is asked for and filtered afterwards."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from usearch.index import Index

from benchmarks.engine._archive import Archive
from benchmarks.engine._columns import Columns
from benchmarks.engine._peer import Rows
from benchmarks.engine._questions import Filter

CHUNK = 50_000
"""Rows added at once."""

OVER = 20
"""Times k that is asked for under a filter."""


class Usearch:
    """int8 vectors, inner product."""

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """See ``Peer``."""
        index = Index(ndim=archive.dim, metric="ip", dtype="i8", connectivity=16, expansion_add=128)
        for first in range(0, archive.rows, CHUNK):
            rows = np.arange(first, min(archive.rows, first + CHUNK))
            vectors = np.ascontiguousarray(archive.vectors[first : first + CHUNK])
            index.add(rows, vectors, threads=len(os.sched_getaffinity(0)))
        index.save(str(folder / "index.usearch"))
        return {}

    def open(self, archive: Archive, folder: Path) -> None:
        """See ``Peer``."""
        self._index = _restored(folder / "index.usearch")
        self._index.expansion_search = 64
        self._columns = Columns(archive)

    def search(self, query: NDArray[np.float32], k: int, where: Filter | None) -> Rows:
        """See ``Peer``."""
        wanted = k if where is None else min(k * OVER, len(self._index))
        rows: Rows = self._index.search(query, wanted, threads=1).keys.astype(np.int64)
        return rows if where is None else rows[self._columns.passes(where, rows)][:k]


def _restored(path: Path) -> Any:
    """Typed as anything: the stubs have a read-only ``expansion_search``."""
    return Index.restore(str(path))
