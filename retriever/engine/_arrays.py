"""What each array file of a snapshot holds: its type, and its shape as it follows from the Layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retriever.engine._layout import BLOCK, LANES, Layout, ShardEntry

LAYOUT = "layout.json"
"""File of the Layout in a snapshot's folder."""

SCALARS = "scalars.arrow"
"""File of the columns that are not arrays, in a shard's folder."""

SHARED = "shared"
"""Folder of the arrays that all shards share."""


@dataclass(frozen=True, kw_only=True)
class ArraySpec:
    """One array on disk."""

    dtype: np.dtype[np.generic]
    """Little-endian."""
    shape: tuple[int, ...]
    """Row-major."""

    @property
    def nbytes(self) -> int:
        """Size of its file."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def array_file(folder: Path, name: str) -> Path:
    """Return the file of an array."""
    return folder / f"{name}.bin"


def padded(rows: int) -> int:
    """Return the length of the arrays in geographic order."""
    return -(-rows // BLOCK) * BLOCK


def shard_arrays(layout: Layout, entry: ShardEntry) -> dict[str, ArraySpec]:
    """Return the arrays of a shard by name."""
    return _geographic(layout, entry) | _zones(entry) | _listed(layout, entry) | _whole(layout, entry)


def shared_arrays(layout: Layout, *, rounds: int) -> dict[str, ArraySpec]:
    """Return the arrays that all shards share, by name; the rotation has this many rounds."""
    lists, dim = max(layout.lists, 1), layout.dim
    return {
        "centroids": _spec("<f4", lists, dim),
        "centroids_i8": _spec("<i1", lists, dim),
        "spreads": _spec("<f4", lists),
        "signs": _spec("<f4", rounds, dim),
        "shuffles": _spec("<i4", rounds, dim),
    }


def _spec(dtype: str, *shape: int) -> ArraySpec:
    return ArraySpec(dtype=np.dtype(dtype), shape=shape)


def _geographic(layout: Layout, entry: ShardEntry) -> dict[str, ArraySpec]:
    n = padded(entry.rows)
    return {
        "codes": _spec("<u8", n // LANES, layout.words, LANES),
        "factors": _spec("<f4", n),
        "offsets": _spec("<f4", n),
        "ones": _spec("<u2", n),
        "list_of": _spec("<u2", n),
        "bounds": _spec("<f4", 4, n),
        "seconds": _spec("<i4", n),
        "sensor": _spec("<u1", n),
        "collection": _spec("<u1", n),
        "cloud": _spec("<u1", n),
        "flags": _spec("<u1", n),
    }


def _zones(entry: ShardEntry) -> dict[str, ArraySpec]:
    zones = padded(entry.rows) // BLOCK
    return {
        "zone_bounds": _spec("<f4", 4, zones),
        "zone_located": _spec("<u2", zones),
        "zone_seconds": _spec("<i4", 2, zones),
        "zone_dated": _spec("<u2", zones),
        "zone_sensors": _spec("<u8", 4, zones),
        "zone_collections": _spec("<u8", 4, zones),
        "zone_cloud": _spec("<u1", 2, zones),
        "zone_cells": _spec("<u8", 2, zones),
    }


def _listed(layout: Layout, entry: ShardEntry) -> dict[str, ArraySpec]:
    m = entry.slots
    return {
        "list_starts": _spec("<i8", layout.lists + 1),
        "list_sizes": _spec("<i4", layout.lists),
        "list_codes": _spec("<u8", m // LANES, layout.words, LANES),
        "list_factors": _spec("<f4", m),
        "list_offsets": _spec("<f4", m),
        "list_ones": _spec("<u2", m),
        "list_seconds": _spec("<i4", m),
        "list_sensor": _spec("<u1", m),
        "list_rows": _spec("<i4", m),
    }


def _whole(layout: Layout, entry: ShardEntry) -> dict[str, ArraySpec]:
    vector = {"float16": "<f2", "float32": "<f4"}[layout.dtype]
    return {
        "by_time": _spec("<i4", entry.rows),
        "vectors": _spec(vector, entry.rows, layout.dim),
        "row_ids": _spec("<u8", entry.rows),
        "cells": _spec("<u8", entry.rows),
    }
