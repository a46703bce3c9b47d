"""Swath: the search snapshot of the tile table, asked as its own search does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine._archive import SENSORS, Archive
from benchmarks.engine._peer import Rows
from benchmarks.engine._questions import Filter
from benchmarks.engine._table import number_of
from indexer import Store
from retriever import SearchRequest
from retriever.engine import Engine, build_snapshot, current, open_snapshot


class Swath:
    """float16 vectors, route chosen by the planner."""

    def __init__(self) -> None:
        import retriever.engine._kernels  # noqa: F401  # its first search imports it; here it counts as importing

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """See ``Peer``; the tile table is there already."""
        start = time.perf_counter()
        build_snapshot(Store.open(archive.table).snapshot(), folder)
        return {"snapshot": time.perf_counter() - start}

    def open(self, archive: Archive, folder: Path) -> None:
        """See ``Peer``."""
        newest = current(folder)
        assert newest is not None, f"there is no snapshot in {folder}"  # noqa: S101  # it was built
        self._engine = Engine(open_snapshot(newest))

    def search(self, query: NDArray[np.float32], k: int, where: Filter | None) -> Rows:
        """See ``Peer``."""
        expression = None if where is None else SearchRequest.build(vector=query, k=k, **asked(where)).where()
        found = self._engine.search(query, k=k, where=expression)
        return np.array([number_of(tile_id) for tile_id in found.tile_ids], dtype=np.int64)


def asked(where: Filter) -> dict[str, Any]:
    """Return a filter in the words a user would give it in."""
    span = None if where.span is None else "/".join(map(_instant, where.span))
    sensor = None if where.sensor is None else SENSORS[where.sensor]
    return {"bbox": where.box, "datetime": span, "sensor": sensor}


def _instant(second: int) -> str:
    return f"{np.datetime64(second, 's')}Z"
