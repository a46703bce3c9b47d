"""The arrays of a snapshot, memory-mapped: what kernels read.

Two orders of the same rows. *Geographic order* (by H3 cell, then date) makes an area a few contiguous ranges; its
``n`` is ``rows`` padded to a multiple of BLOCK, padding has LOCATED unset, NaN bounds and UNDATED. *List order* (by
nearest centroid, within a list by rising second) makes a list and a time range a contiguous slice; its ``m`` is
``slots``, padding has row -1.

A code is the signs of ``rotate(x - centroid)``; the estimate of a dot product is
``(1 + offset) * query . centroid + factor * sum(sign * rotated query)`` (RaBitQ, https://arxiv.org/abs/2405.12497, plus
what is known to be missing in the direction of the centroid).
Both orders hold the same codes. Without lists there is one centroid, the mean, and only
geographic order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """What all shards of a snapshot share."""

    centroids: NDArray[np.float32]
    """(max(lists, 1), dim), not rotated; the mean where there are no lists."""
    centroids_i8: NDArray[np.int8]
    """(max(lists, 1), dim) about ``centroids * centroid_scale``."""
    centroid_scale: float
    """See centroids_i8."""
    spreads: NDArray[np.float32]
    """(max(lists, 1),) how far rows reach beyond the centroid in the direction of a query: root mean square."""
    signs: NDArray[np.float32]
    """(rounds, dim) of -1 and 1: the random part of the rotation."""
    shuffles: NDArray[np.int32]
    """(rounds, dim) permutations: the other random part."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Shard:
    """The rows of one geographic range."""

    rows: int
    """Rows that are there; row numbers are places in geographic order."""
    first: int
    """Number of rows in the shards before it: row + first is the row's number in the snapshot."""

    codes: NDArray[np.uint64]
    """(n / LANES, words, LANES) in geographic order."""
    factors: NDArray[np.float32]
    """(n,)"""
    offsets: NDArray[np.float32]
    """(n,) what is missing when the centroid itself is the query, over |centroid|^2."""
    ones: NDArray[np.uint16]
    """(n,) bits that are 1 in the code."""
    list_of: NDArray[np.uint16]
    """(n,) number of the row's list."""

    bounds: NDArray[np.float32]
    """(4, n) west, south, east, north; west and south rounded down, east and north up; west > east crosses the
    antimeridian."""
    seconds: NDArray[np.int32]
    """(n,) since 1970, rounded down; UNDATED where there is no date."""
    sensor: NDArray[np.uint8]
    """(n,) place in Layout.sensors."""
    collection: NDArray[np.uint8]
    """(n,) place in Layout.collections."""
    cloud: NDArray[np.uint8]
    """(n,) percent rounded down, at most 100; UNKNOWN where there is none."""
    flags: NDArray[np.uint8]
    """(n,) IS_BOX, LOCATED, WHOLE and CONNECTED."""

    zone_bounds: NDArray[np.float32]
    """(4, n / BLOCK) least west, least south, greatest east, greatest north of the located rows; -180 and 180 where a
    row crosses the antimeridian; NaN where no row is located."""
    zone_located: NDArray[np.uint16]
    """(n / BLOCK,) rows with a footprint."""
    zone_seconds: NDArray[np.int32]
    """(2, n / BLOCK) first and last of the dated rows; first > last where none is."""
    zone_dated: NDArray[np.uint16]
    """(n / BLOCK,) rows with a date."""
    zone_sensors: NDArray[np.uint64]
    """(4, n / BLOCK) bitset of 256 places in Layout.sensors."""
    zone_collections: NDArray[np.uint64]
    """(4, n / BLOCK) bitset of 256 places in Layout.collections."""
    zone_cloud: NDArray[np.uint8]
    """(2, n / BLOCK) least and greatest percent of rows whose cloud is known; least > greatest where none is."""
    zone_cells: NDArray[np.uint64]
    """(2, n / BLOCK) least and greatest H3 cell; least > greatest where no row has one."""

    by_time: NDArray[np.int32]
    """(rows,) row numbers by rising second; undated ones first."""

    list_starts: NDArray[np.int64]
    """(lists + 1,) first slot of each list, a multiple of LANES; the last is m."""
    list_sizes: NDArray[np.int32]
    """(lists,) rows in each list; the slots after them are padding."""
    list_codes: NDArray[np.uint64]
    """(m / LANES, words, LANES) in list order."""
    list_factors: NDArray[np.float32]
    """(m,)"""
    list_offsets: NDArray[np.float32]
    """(m,) see offsets."""
    list_ones: NDArray[np.uint16]
    """(m,)"""
    list_seconds: NDArray[np.int32]
    """(m,) rising within a list, undated first."""
    list_sensor: NDArray[np.uint8]
    """(m,)"""
    list_rows: NDArray[np.int32]
    """(m,) row number; -1 for padding."""

    vectors: NDArray[np.floating[Any]]
    """(rows, dim) as in the table, float16 or float32; on disk, read where a query touches it."""
    row_ids: NDArray[np.uint64]
    """(rows,) Lance row ids of the version the snapshot was made from."""
    cells: NDArray[np.uint64]
    """(rows,) H3 cell of the centre, resolution 12, rising; 0 where there is none (those come first)."""
    scalars: pa.Table
    """(rows,) every column of the tile table but vector and preview, memory-mapped; sensor and collection are
    dictionaries."""
