"""Queries to measure a snapshot with, made from its own vectors: tiles, places that were left out, and words.

A picture of a place that is not in the archive is a stored vector, all rows at whose place are left out. Words lie
apart from all pictures, all of them in the same direction (https://arxiv.org/abs/2203.02053): a mixture of two
centroids, moved by a way on which the archive's own rows differ.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import bitmap_of
from retriever.engine._layout import BLOCK
from retriever.engine._shard import Shard, Shared

APART = 1 / 3
"""How far a text is moved from its mixture, in the way in which a row lies beside its centroid."""

MIXED = 0.4
"""Weight of a text's second centroid."""

MODALITY = 0.9
"""Length of the way all texts are moved, where their mixture has length 1: their best tiles then score about half of
what those of pictures do, as measured with encoders of pictures and words."""

MIXTURES = 16
"""Pairs of rows whose differences make that way."""


def tile_queries(shard: Shard, shared: Shared, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (count, dim) vectors of tiles that are in the archive, whose best rows are nearly or quite equal."""
    return _units(shard.vectors[rng.integers(0, shard.rows, count)].astype(np.float32))


def left_out(shard: Shard, count: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.uint64]]:
    """Return (count, dim) vectors of rows, and the bitmap of the rows that are not at their places.

    A place is a centre cell. Where that would leave out more than half of the rows, only the rows themselves are.
    """
    rows = rng.integers(0, shard.rows, count)
    cells = shard.cells[rows]
    starts, ends = (np.searchsorted(shard.cells, cells, side=side) for side in ("left", "right"))
    unknown = cells == 0
    starts, ends = np.where(unknown, rows, starts), np.where(unknown, rows + 1, ends)
    gone = np.unique(np.concatenate([np.arange(*span) for span in zip(starts, ends, strict=True)]))
    there = np.ones(shard.rows, bool)
    there[gone if 2 * len(gone) <= shard.rows else rows] = False
    vectors = shard.vectors[rows].astype(np.float32)
    return _units(vectors), bitmap_of(np.flatnonzero(there), -(-shard.rows // BLOCK) * BLOCK)


def text_queries(shard: Shard, shared: Shared, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return (count, dim) unit vectors like those of words for what tiles show."""
    first, second, noise = rng.integers(0, shard.rows, (3, count))
    centroids = shared.centroids
    mixed = _units(centroids[shard.list_of[first]] + MIXED * centroids[shard.list_of[second]])
    way = shard.vectors[noise].astype(np.float32) - centroids[shard.list_of[noise]]
    ones, others = rng.integers(0, shard.rows, (2, MIXTURES))
    apart = shard.vectors[ones].astype(np.float32) - shard.vectors[others].astype(np.float32)
    return _units(mixed + MODALITY * _units(apart.sum(axis=0, keepdims=True)) + APART * way)


def _units(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.ascontiguousarray(vectors / np.maximum(lengths, 1e-12), np.float32)
