"""Qdrant Edge: a filterable graph with payload indexes, int8 vectors in memory, rescored with float32."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as edge
from numpy.typing import NDArray

from benchmarks.engine._archive import Archive
from benchmarks.engine._peer import Rows
from benchmarks.engine._questions import Filter

CHUNK = 2_000
"""Points sent at once."""


class QdrantEdge:
    """One segment, so that a search is one graph walk on one thread."""

    def build(self, archive: Archive, folder: Path) -> dict[str, float]:
        """See ``Peer``."""
        start = time.perf_counter()
        shard = edge.EdgeShard.create(str(folder), _config(archive.dim))
        for name, kind in (("place", "Geo"), ("seconds", "Integer"), ("sensor", "Integer")):
            shard.update(edge.UpdateOperation.create_field_index(name, getattr(edge.PayloadSchemaType, kind)))
        for first in range(0, archive.rows, CHUNK):
            shard.update(edge.UpdateOperation.upsert_points(_points(archive, first)))
        written = time.perf_counter()
        while shard.optimize():
            pass
        shard.flush()
        shard.close()
        return {"write": written - start, "optimize": time.perf_counter() - written}

    def open(self, archive: Archive, folder: Path) -> None:
        """See ``Peer``."""
        self._shard = edge.EdgeShard.load(str(folder))

    def search(self, query: NDArray[np.float32], k: int, where: Filter | None) -> Rows:
        """See ``Peer``."""
        quantized = edge.QuantizationSearchParams(rescore=True, oversampling=2.0)
        request = edge.QueryRequest(
            limit=k,
            query=edge.Query.Nearest(query.tolist()),
            filter=None if where is None else edge.Filter(must=_conditions(where)),
            params=edge.SearchParams(hnsw_ef=max(64, k), quantization=quantized),
        )
        return np.array([point.id for point in self._shard.query(request)], dtype=np.int64)


def _config(dim: int) -> Any:
    return edge.EdgeConfig(
        vectors=edge.EdgeVectorParams(size=dim, distance=edge.Distance.Dot),
        hnsw_config=edge.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10_000),
        quantization_config=edge.ScalarQuantizationConfig(type=edge.ScalarType.Int8, quantile=0.99, always_ram=True),
        optimizers=edge.EdgeOptimizersConfig(
            default_segment_number=1, max_segment_size=4_000_000, indexing_threshold=10_000
        ),
    )


def _points(archive: Archive, first: int) -> list[Any]:
    chunk = slice(first, min(archive.rows, first + CHUNK))
    columns = [getattr(archive, name)[chunk].tolist() for name in ("vectors", "lon", "lat", "seconds", "sensor")]
    return [
        edge.Point(row, vector, {"place": {"lon": lon, "lat": lat}, "seconds": seconds, "sensor": sensor})
        for row, (vector, lon, lat, seconds, sensor) in enumerate(zip(*columns, strict=True), start=first)
    ]


def _conditions(where: Filter) -> list[Any]:
    found: list[Any] = []
    if where.box is not None:
        west, south, east, north = where.box
        corners = edge.GeoPoint(lon=west, lat=north), edge.GeoPoint(lon=east, lat=south)
        box = edge.GeoBoundingBox(top_left=corners[0], bottom_right=corners[1])
        found.append(edge.FieldCondition(key="place", geo_bounding_box=box))
    if where.span is not None:
        span = edge.RangeFloat(gte=float(where.span[0]), lte=float(where.span[1]))
        found.append(edge.FieldCondition(key="seconds", range=span))
    if where.sensor is not None:
        found.append(edge.FieldCondition(key="sensor", match=edge.MatchValue(value=where.sensor)))
    return found
