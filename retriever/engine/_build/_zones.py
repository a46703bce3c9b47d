"""What each block of rows holds at most, so that a filter skips whole blocks."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retriever.engine._layout import BLOCK, LOCATED, UNDATED, UNKNOWN

_Kind = TypeVar("_Kind", bound=np.generic)

_SET_WORDS = 4
_LARGEST = np.iinfo(np.uint64).max


def zones(
    *,
    bounds: NDArray[np.float32],
    seconds: NDArray[np.int32],
    sensor: NDArray[np.uint8],
    collection: NDArray[np.uint8],
    cloud: NDArray[np.uint8],
    flags: NDArray[np.uint8],
    cells: NDArray[np.uint64],
    rows: int,
) -> dict[str, NDArray[Any]]:
    """Return the zone arrays of Shard by name, of columns padded to a multiple of BLOCK."""
    there = _blocks(np.arange(len(seconds)) < rows)
    located = _blocks(flags & LOCATED != 0) & there
    dated = _blocks(seconds) != UNDATED
    dated &= there
    known = (_blocks(cloud) != UNKNOWN) & there
    placed = (_blocks(cells) != 0) & there
    return {
        "zone_bounds": _bounds(bounds, located),
        "zone_located": located.sum(axis=1).astype(np.uint16),
        "zone_seconds": _range(_blocks(seconds), dated, np.iinfo(np.int32).max, np.iinfo(np.int32).min),
        "zone_dated": dated.sum(axis=1).astype(np.uint16),
        "zone_sensors": _sets(_blocks(sensor), there),
        "zone_collections": _sets(_blocks(collection), there),
        "zone_cloud": _range(_blocks(cloud), known, UNKNOWN, 0),
        "zone_cells": _range(_blocks(cells), placed, _LARGEST, 0),
    }


def _blocks(column: NDArray[_Kind]) -> NDArray[_Kind]:
    return column.reshape(-1, BLOCK)


def _range(values: NDArray[Any], counted: NDArray[np.bool_], highest: int, lowest: int) -> NDArray[Any]:
    """(2, zones) least and greatest of the rows that count; the first above the second where none does."""
    kind = values.dtype.type
    least = np.where(counted, values, kind(highest)).min(axis=1)
    greatest = np.where(counted, values, kind(lowest)).max(axis=1)
    return np.stack([least, greatest])


def _bounds(bounds: NDArray[np.float32], located: NDArray[np.bool_]) -> NDArray[np.float32]:
    west, south, east, north = (_blocks(side) for side in bounds)
    crosses = located & (west > east)
    west, east = np.where(crosses, np.float32(-180), west), np.where(crosses, np.float32(180), east)
    high, low = np.float32(np.inf), np.float32(-np.inf)
    least = [np.where(located, side, high).min(axis=1) for side in (west, south)]
    greatest = [np.where(located, side, low).max(axis=1) for side in (east, north)]
    found = np.stack([*least, *greatest])
    found[:, ~located.any(axis=1)] = np.nan
    return found


def _sets(places: NDArray[np.uint8], there: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """(4, zones) bitsets of the 256 places."""
    found = np.zeros((_SET_WORDS, len(places)), np.uint64)
    for place in np.unique(places):
        held = ((places == place) & there).any(axis=1)
        found[place // 64] |= held.astype(np.uint64) << np.uint64(place % 64)
    return found
