"""Shards in memory that hold what kernels read, and plain numpy answers to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retriever.engine._kernels import Prepared, encode, interleave, prepare, rotation, spreads
from retriever.engine._layout import BLOCK, FORMAT, LANES, UNDATED, Layout
from retriever.engine._shard import Shard, Shared

Floats = NDArray[np.float32]


class World:
    """Random unit vectors in lists, with dates and sensors, and a query."""

    def __init__(self, rows: int, dim: int, lists: int, *, half: bool = True, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.vectors = unit(random.standard_normal((rows, dim)))
        self.query = unit(random.standard_normal((1, dim)))[0]
        self.centroids = unit(random.standard_normal((lists, dim)))
        self.list_of = (self.vectors @ self.centroids.T).argmax(1).astype(np.uint16)
        self.seconds = random.integers(0, 1000, rows).astype(np.int32)
        self.seconds[random.random(rows) < 0.1] = UNDATED
        self.sensor = random.integers(0, 5, rows).astype(np.uint8)
        self.shared = _shared(self.centroids, spreads(self.vectors, self.list_of, self.centroids))
        self.shard = self._shard(np.float16 if half else np.float32)
        self.layout = _layout(rows, dim, lists)
        self.scores: Floats = self.shard.vectors.astype(np.float32) @ self.query

    def prepared(self) -> Prepared:
        """Return the query made ready."""
        return prepare(self.query, self.shared, self.layout)

    def _shard(self, dtype: Any) -> Shard:
        rows = len(self.vectors)
        codes, factors, offsets, ones = encode(self.vectors, self.list_of, self.shared)
        order, starts, sizes = self._slots()
        slots, none = int(starts[-1]), np.empty(0)
        held: dict[str, Any] = dict.fromkeys(
            ("bounds", "collection", "cloud", "flags", "zone_bounds", "zone_located", "zone_seconds", "zone_dated"),
            none,
        )
        held |= dict.fromkeys(
            ("zone_sensors", "zone_collections", "zone_cloud", "zone_cells", "by_time", "row_ids", "cells"), none
        )
        padded = -(-rows // BLOCK) * BLOCK

        def geographic(values: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([values, np.zeros((padded - rows, *values.shape[1:]), values.dtype)])

        def listed(values: NDArray[Any]) -> NDArray[Any]:
            filled = np.zeros((slots, *values.shape[1:]), values.dtype)
            filled[order >= 0] = values[order[order >= 0]]
            return filled

        return Shard(
            rows=rows,
            first=0,
            codes=interleave(geographic(codes)),
            factors=geographic(factors),
            offsets=geographic(offsets),
            ones=geographic(ones),
            list_of=geographic(self.list_of),
            seconds=geographic(self.seconds),
            sensor=geographic(self.sensor),
            list_starts=starts,
            list_sizes=sizes,
            list_codes=interleave(listed(codes)),
            list_factors=listed(factors),
            list_offsets=listed(offsets),
            list_ones=listed(ones),
            list_seconds=listed(self.seconds),
            list_sensor=listed(self.sensor),
            list_rows=order,
            vectors=self.vectors.astype(dtype),
            scalars=pa.table({}),
            **held,
        )

    def _slots(self) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
        """Return the row of each slot, and the start and size of each list."""
        sizes = np.bincount(self.list_of, minlength=len(self.centroids)).astype(np.int32)
        starts = np.concatenate([[0], np.cumsum(-(-sizes // LANES) * LANES)]).astype(np.int64)
        order = np.full(starts[-1], -1, np.int32)
        for number, start in enumerate(starts[:-1]):
            members = np.flatnonzero(self.list_of == number)
            order[start : start + len(members)] = members[np.argsort(self.seconds[members], kind="stable")]
        return order, starts, sizes


def unit(vectors: NDArray[Any]) -> Floats:
    """Return rows of length 1."""
    scaled: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def bitmap(passing: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return one bit for each row, padded to whole blocks."""
    bits = np.zeros(-(-len(passing) // BLOCK) * BLOCK, bool)
    bits[: len(passing)] = passing
    words: NDArray[np.uint64] = np.packbits(bits, bitorder="little").view(np.uint64)
    return words


def _shared(centroids: Floats, reaches: Floats) -> Shared:
    signs, shuffles = rotation(centroids.shape[1], seed=3)
    scale = 127 / float(np.abs(centroids).max())
    return Shared(
        centroids=centroids,
        centroids_i8=np.rint(centroids * scale).astype(np.int8),
        centroid_scale=scale,
        spreads=reaches,
        signs=signs,
        shuffles=shuffles,
    )


def _layout(rows: int, dim: int, lists: int) -> Layout:
    return Layout(
        format=FORMAT,
        version=1,
        rows=rows,
        dim=dim,
        dtype="float16",
        encoder="",
        revision="",
        words=-(-dim // 64),
        lists=lists,
        sensors=(),
        collections=(),
        shards=(),
        costs={},
        recall={},
        built="",
    )
