"""A shard's arrays as one argument of a kernel.

numba compiles anew for every combination of argument types, and a read-only array is another type than a writable
one: here all become read-only, and halves become uint16, which numba can compute with.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from retriever.engine._shard import Shard


class Blocks(NamedTuple):
    """What a scan in geographic order reads; see Shard."""

    codes: NDArray[np.uint64]
    factors: NDArray[np.float32]
    offsets: NDArray[np.float32]
    ones: NDArray[np.uint16]
    list_of: NDArray[np.uint16]


class Lists(NamedTuple):
    """What a scan in list order reads; see Shard."""

    codes: NDArray[np.uint64]
    factors: NDArray[np.float32]
    offsets: NDArray[np.float32]
    ones: NDArray[np.uint16]
    seconds: NDArray[np.int32]
    sensor: NDArray[np.uint8]
    rows: NDArray[np.int32]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int32]


class Asked(NamedTuple):
    """A query; see Prepared."""

    query: NDArray[np.float32]
    planes: NDArray[np.uint64]
    numbers: NDArray[np.float32]
    dots: NDArray[np.float32]
    doubts: NDArray[np.float32]
    steeps: NDArray[np.float32]


class Columns(NamedTuple):
    """A shard's arrays, by who reads them."""

    blocks: Blocks
    lists: Lists
    stored: NDArray[Any]
    """float32, or halves as uint16."""


_seen: WeakKeyDictionary[Shard, Columns] = WeakKeyDictionary()


def columns(shard: Shard) -> Columns:
    """Return the arrays of a shard; made once."""
    found = _seen.get(shard)
    if found is None:
        found = _seen.setdefault(shard, _columns(shard))
    return found


def _columns(shard: Shard) -> Columns:
    halves = shard.vectors.dtype == np.float16
    return Columns(
        blocks=Blocks(
            fixed(shard.codes), fixed(shard.factors), fixed(shard.offsets), fixed(shard.ones), fixed(shard.list_of)
        ),
        lists=Lists(
            fixed(shard.list_codes),
            fixed(shard.list_factors),
            fixed(shard.list_offsets),
            fixed(shard.list_ones),
            fixed(shard.list_seconds),
            fixed(shard.list_sensor),
            fixed(shard.list_rows),
            fixed(shard.list_starts),
            fixed(shard.list_sizes),
        ),
        stored=fixed(shard.vectors.view(np.uint16) if halves else shard.vectors),
    )


def fixed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a contiguous array that is read-only."""
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view
