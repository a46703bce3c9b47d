"""FAISS indexes, filtered with a bitmap of the rows that pass."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import faiss as typed
import numpy as np
from numpy.typing import NDArray

from benchmarks.engine._archive import Archive
from benchmarks.engine._columns import Columns
from benchmarks.engine._peer import Rows
from benchmarks.engine._questions import Filter

faiss: Any = typed
"""Its type stubs know neither settings of searches nor numpy arguments."""

CHUNK = 100_000
"""Rows added at once."""

TRAINING = 100_000
"""Rows that centroids and quantisers are trained on: 24 for each of 4,096 centroids."""

LISTS = 4_096
"""Inverted lists at a million rows."""

PROBES = 32
"""Lists that are searched."""

REFINED = 20
"""Candidates, as a multiple of k, that are scored again with 8 bits a number."""


class Faiss:
    """What all have in common."""

    key = "Flat"

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """See ``Peer``."""
        faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
        start = time.perf_counter()
        index = self.made(archive)
        if not index.is_trained:
            index.train(np.ascontiguousarray(archive.vectors[:TRAINING]))
        trained = time.perf_counter()
        for first in range(0, archive.rows, CHUNK):
            index.add(np.ascontiguousarray(archive.vectors[first : first + CHUNK]))
        added = time.perf_counter()
        faiss.write_index(index, str(folder / "index.faiss"))
        return {"train": trained - start, "add": added - trained, "write": time.perf_counter() - added}

    def made(self, archive: Archive) -> Any:
        """Return the empty index."""
        lists = min(LISTS, max(16, archive.rows // 240))
        return faiss.index_factory(archive.dim, self.key.format(lists=lists), faiss.METRIC_INNER_PRODUCT)

    def open(self, archive: Archive, folder: Path) -> None:
        """See ``Peer``."""
        faiss.omp_set_num_threads(1)
        self._index = faiss.read_index(str(folder / "index.faiss"))
        self._columns = Columns(archive)

    def search(self, query: NDArray[np.float32], k: int, where: Filter | None) -> Rows:
        """See ``Peer``."""
        bitmap = None if where is None else np.packbits(self._columns.mask(where), bitorder="little")
        selector = None if bitmap is None else faiss.IDSelectorBitmap(bitmap)
        found = self._index.search(query[None], k, params=self.parameters(k, selector))[1][0]
        rows: Rows = found[found >= 0]
        return rows

    def parameters(self, k: int, selector: Any) -> Any:
        """Return what the index is asked with."""
        return faiss.SearchParameters(sel=selector)


class Flat(Faiss):
    """Exact float32. Nothing is built: the vectors are read into it when it is opened."""

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """See ``Peer``."""
        return {}

    def open(self, archive: Archive, folder: Path) -> None:
        """See ``Peer``."""
        faiss.omp_set_num_threads(1)
        self._index = self.made(archive)
        for first in range(0, archive.rows, CHUNK):
            self._index.add(np.ascontiguousarray(archive.vectors[first : first + CHUNK]))
        self._columns = Columns(archive)


class Sq8(Faiss):
    """8 bits a number, every row."""

    key = "SQ8"


class IvfFlat(Faiss):
    """Inverted lists of float32 vectors."""

    key = "IVF{lists},Flat"

    def parameters(self, k: int, selector: Any) -> Any:
        """See ``Faiss``."""
        return faiss.SearchParametersIVF(nprobe=PROBES, sel=selector)


class _Refined(Faiss):
    def parameters(self, k: int, selector: Any) -> Any:
        self._kept = self.coarse(selector)  # FAISS keeps no reference to it
        return faiss.IndexRefineSearchParameters(k_factor=REFINED, base_index_params=self._kept)

    def coarse(self, selector: Any) -> Any:
        """Return what the index below the refinement is asked with."""
        return faiss.SearchParametersIVF(nprobe=PROBES, sel=selector)


class IvfPq(_Refined):
    """Inverted lists of 4-bit product codes, the best refined with 8 bits a number."""

    key = "IVF{lists},PQ128x4fs,Refine(SQ8)"


class IvfRabitq(_Refined):
    """Inverted lists of 1-bit codes, the best refined with 8 bits a number."""

    key = "IVF{lists},RaBitQfs,Refine(SQ8)"

    def coarse(self, selector: Any) -> Any:
        """See ``_Refined``."""
        return faiss.IVFRaBitQSearchParameters(nprobe=PROBES, qb=8, sel=selector)


class HnswSq8(Faiss):
    """A graph over rows of 8 bits a number."""

    key = "HNSW32,SQ8"

    def made(self, archive: Archive) -> Any:
        """See ``Faiss``."""
        index = super().made(archive)
        index.hnsw.efConstruction = 100
        return index

    def parameters(self, k: int, selector: Any) -> Any:
        """See ``Faiss``."""
        return faiss.SearchParametersHNSW(efSearch=max(64, k), sel=selector)
