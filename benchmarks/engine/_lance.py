"""LanceDB: IVF_RQ over float32 vectors, scalar indexes on place, time and sensor."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
from lancedb.index import Bitmap, BTree, IvfRq
from numpy.typing import NDArray

from benchmarks.engine._archive import Archive
from benchmarks.engine._peer import Rows
from benchmarks.engine._questions import Filter

CHUNK = 50_000
"""Rows written at once."""

PARTITIONS = 1_024
"""Inverted lists at a million rows."""


class Defaults:
    """Asked as its documentation does, with nothing set."""

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """See ``Peer``."""
        start = time.perf_counter()
        table = lancedb.connect(folder).create_table("tiles", _batches(archive), schema=_schema(archive.dim))
        written = time.perf_counter()
        for name in ("lon", "lat", "seconds"):
            table.create_index(name, config=BTree())
        table.create_index("sensor", config=Bitmap())
        scalars = time.perf_counter()
        lists = min(PARTITIONS, max(4, archive.rows // 1_000))
        table.create_index("vector", config=IvfRq(distance_type="dot", num_partitions=lists))
        return {"write": written - start, "scalars": scalars - written, "vectors": time.perf_counter() - scalars}

    def open(self, archive: Archive, folder: Path) -> None:
        """See ``Peer``."""
        self._table = lancedb.connect(folder).open_table("tiles")

    def search(self, query: NDArray[np.float32], k: int, where: Filter | None) -> Rows:
        """See ``Peer``."""
        nearest: Any = self._table.search(query, vector_column_name="vector")
        search = nearest.distance_type("dot").select(["row", "_distance"]).limit(k)
        search = self.set(search, filtered=where is not None)
        if where is not None:
            search = search.where(_sql(where), prefilter=True)
        rows: Rows = search.to_arrow()["row"].to_numpy()
        return rows

    def set(self, search: Any, *, filtered: bool) -> Any:
        """Return the search with this peer's settings."""
        return search


class Tuned(Defaults):
    """More lists where a filter leaves too few rows, and ten times as many candidates refined."""

    def set(self, search: Any, *, filtered: bool) -> Any:
        """See ``Defaults``."""
        search = search.nprobes(20).refine_factor(10)
        return search.maximum_nprobes(0) if filtered else search


class Bypass(Defaults):
    """Without the vector index."""

    def set(self, search: Any, *, filtered: bool) -> Any:
        """See ``Defaults``."""
        return search.bypass_vector_index()


def _schema(dim: int) -> pa.Schema:
    types = {"row": pa.int64(), "vector": pa.list_(pa.float32(), dim), "lon": pa.float64(), "lat": pa.float64()}
    return pa.schema(types | {"seconds": pa.int64(), "sensor": pa.uint8()})


def _batches(archive: Archive) -> Iterator[pa.RecordBatch]:
    for first in range(0, archive.rows, CHUNK):
        chunk = slice(first, min(archive.rows, first + CHUNK))
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(archive.vectors[chunk].ravel()), archive.dim)
        columns = [pa.array(getattr(archive, name)[chunk]) for name in ("lon", "lat", "seconds", "sensor")]
        rows = pa.array(np.arange(chunk.start, chunk.stop))
        yield pa.RecordBatch.from_arrays([rows, vectors, *columns], schema=_schema(archive.dim))


def _sql(where: Filter) -> str:
    parts: list[str] = []
    if where.box is not None:
        west, south, east, north = where.box
        parts.append(f"lon >= {west!r} AND lon <= {east!r} AND lat >= {south!r} AND lat <= {north!r}")
    if where.span is not None:
        parts.append(f"seconds >= {where.span[0]} AND seconds <= {where.span[1]}")
    if where.sensor is not None:
        parts.append(f"sensor = {where.sensor}")
    return " AND ".join(parts)
