"""What an engine must do to be measured, and the list of those that are."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine._archive import Archive
from benchmarks.engine._questions import Filter

Rows = NDArray[np.int64]


class Peer(Protocol):
    """An engine. Made without arguments in a process of its own."""

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """Write an index into an empty folder; return seconds by stage where there are several."""
        ...

    def open(self, archive: Archive, folder: Path) -> None:
        """Make ready to search; vectors of the archive may only be read where the engine has none of its own."""
        ...

    def search(self, query: NDArray[np.float32], k: int, where: Filter | None) -> Rows:
        """Return the numbers of the best rows that pass, best first, using one thread."""
        ...


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A peer as the runner and the report know it."""

    title: str
    """As it stands in the report."""
    index: str
    """Folder of its index; several peers may search one."""
    target: str
    """``module:Class`` below this package."""
    settings: str
    """How it was built and asked."""
    every: int = 1
    """It is asked every ``every``-th turn: slow engines would take hours."""
    questions: int = 10
    """Most that it is asked in a turn."""
    parallel: bool = False
    """Whether its throughput on two threads is measured."""
    reads: bool = False
    """Whether it reads from files at each search, without mapping them."""

    def make(self) -> Peer:
        """Import its library and return it."""
        module, name = self.target.split(":")
        peer: Peer = getattr(import_module(f"benchmarks.engine.{module}"), name)()
        return peer


SWATH = "swath"
"""Name of ours."""

NO_INDEX = "none"
"""Folder of engines that read the archive's vectors themselves."""

ENTRIES: dict[str, Entry] = {
    SWATH: Entry(
        title="Swath",
        index="swath",
        target="_swath:Swath",
        settings="float16 table, search snapshot, route chosen by the planner, matches counted",
        parallel=True,
    ),
    "numpy": Entry(
        title="numpy exact",
        index=NO_INDEX,
        target="_exact:NumpyExact",
        settings="float32; all rows multiplied where more than 1/8 pass, else the rows that pass",
        every=10,
    ),
    "faiss-flat": Entry(
        title="FAISS Flat", index=NO_INDEX, target="_faiss:Flat", settings="`Flat`, bitmap selector", every=10
    ),
    "faiss-sq8": Entry(
        title="FAISS SQ8", index="faiss-sq8", target="_faiss:Sq8", settings="`SQ8`, bitmap selector", every=5
    ),
    "faiss-ivf-flat": Entry(
        title="FAISS IVF-Flat",
        index="faiss-ivf-flat",
        target="_faiss:IvfFlat",
        settings="`IVF4096,Flat`, 32 probes, bitmap selector",
    ),
    "faiss-ivf-pq": Entry(
        title="FAISS IVF-PQ fast scan",
        index="faiss-ivf-pq",
        target="_faiss:IvfPq",
        settings="`IVF4096,PQ128x4fs,Refine(SQ8)`, 32 probes, 20 k refined, bitmap selector",
    ),
    "faiss-rabitq": Entry(
        title="FAISS IVF-RaBitQ",
        index="faiss-rabitq",
        target="_faiss:IvfRabitq",
        settings="`IVF4096,RaBitQfs,Refine(SQ8)`, 32 probes, 8-bit query, 20 k refined, bitmap selector",
        parallel=True,
    ),
    "faiss-hnsw": Entry(
        title="FAISS HNSW-SQ8",
        index="faiss-hnsw",
        target="_faiss:HnswSq8",
        settings="`HNSW32,SQ8`, efConstruction 100, efSearch 64, bitmap selector",
        parallel=True,
    ),
    "usearch": Entry(
        title="USearch i8",
        index="usearch",
        target="_usearch:Usearch",
        settings="int8, connectivity 16, expansion 128 / 64; 20 k asked for and filtered afterwards",
    ),
    "lance": Entry(
        title="LanceDB defaults",
        index="lance",
        target="_lance:Defaults",
        settings="IVF_RQ, 1,024 partitions, B-tree and bitmap indexes on the scalars, default search",
        every=5,
        reads=True,
    ),
    "lance-tuned": Entry(
        title="LanceDB tuned",
        index="lance",
        target="_lance:Tuned",
        settings="the same index, 20 probes (no limit under a filter), refine factor 10",
        every=5,
        reads=True,
    ),
    "lance-bypass": Entry(
        title="LanceDB bypass",
        index="lance",
        target="_lance:Bypass",
        settings="the same table, vector index bypassed: scalar indexes, then an exact scan",
        every=20,
        questions=5,
        reads=True,
    ),
    "qdrant": Entry(
        title="Qdrant Edge",
        index="qdrant",
        target="_qdrant:QdrantEdge",
        settings="HNSW m 16, ef_construct 100, ef 64, int8 in memory, 2 x oversampling, rescored; payload indexes",
        parallel=True,
    ),
}
"""Every engine that is measured, by name."""
