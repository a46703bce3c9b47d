"""A query as the kernels want it: rotated and in bit planes, and its dot products with all centroids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import Asked, fixed
from retriever.engine._kernels._dots import dot_bytes
from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._kernels._probe import FINE
from retriever.engine._kernels._rotate import rotate_one
from retriever.engine._kernels._select import keep_largest, key_row, sort_down, sort_key
from retriever.engine._layout import Layout
from retriever.engine._shard import Shared

_PLANES = 4
"""Bits for each number of the rotated query. RaBitQ's authors found that more do not help; its error then is that of
the codes (https://arxiv.org/abs/2405.12497, section 3.3)."""


DOUBT = 3.0
"""Standard deviations above its estimate at which a row's score may lie, until an archive has its own number."""

_ERROR = 0.603
"""Standard deviation of an estimate, over the factor and the part of the query beside the centroid: signs of random
directions leave that much, the square root of 1 - 2 / pi."""

_ROUNDED = 0.04
"""What rounding the query to 4 bits adds to the square of that part, as a share of the query's square."""

_NEAR = 0.64
"""Where rows of all lists are looked at in turn they have one doubt: of lists whose cosine with the query is four
fifths of the nearest one's."""

_OFF = 3.0
"""Standard deviations by which a dot product of bytes may be off."""

_TIGHT = 2e-3
"""Least spread that is told from none: products with centroids in bytes are off by about as much."""

_REACH = 2.0
"""Spreads beyond its centroid at which the best row of a list is looked for. Measured at 1 M x 384, 4,096 lists:
0.995 of the ten best lie in 25 lists instead of 166, for queries in words in 169 instead of 495."""


class _Space(NamedTuple):
    """What all queries share, as kernels take it."""

    signs: NDArray[np.float32]
    shuffles: NDArray[np.int32]
    centroids: NDArray[np.int8]
    reaches: NDArray[np.float32]
    shares: NDArray[np.float32]
    """1 / |centroid|^2; 0 where that is 0."""
    steeps: NDArray[np.float32]
    """See ``next_lists``."""


_seen: WeakKeyDictionary[Shared, _Space] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A query vector, made ready once for every shard and route."""

    query: NDArray[np.float32]
    """(dim,) as it was given."""
    planes: NDArray[np.uint64]
    """(4, words) bit j of every number ``u``; a rotated number is about ``low + step * u``."""
    numbers: NDArray[np.float32]
    """(5,) low, step, the sum of all ``low + step * u``, how far ``dots`` may be off, and the doubt of rows of any
    list."""
    dots: NDArray[np.float32]
    """(max(lists, 1),) dot products with all centroids, within a hundredth of the longest one."""
    hopes: NDArray[np.float32]
    """(max(lists, 1),) the score that the best rows of each list may have."""
    doubts: NDArray[np.float32]
    """(max(lists, 1),) how many of its factors a row's score may lie above its estimate."""
    steeps: NDArray[np.float32]
    """(max(lists, 1),) see ``next_lists``."""

    def asked(self, *, doubting: bool = True) -> Asked:
        """Return it as one argument of a kernel; with no doubts where estimates are asked for."""
        doubts = self.doubts if doubting else np.zeros_like(self.doubts)
        return Asked(self.query, self.planes, self.numbers, self.dots, doubts, self.steeps)


def prepare(query: NDArray[np.float32], shared: Shared, layout: Layout) -> Prepared:
    """Return the (dim,) query made ready for the shards of a snapshot."""
    query = np.require(query, np.float32, ["C", "W"])
    planes = np.zeros((_PLANES, layout.words), np.uint64)
    numbers = np.empty(5, np.float32)
    space = _space(shared)
    dots, hopes, doubts = np.empty((3, len(shared.centroids)), np.float32)
    _prepare(
        query,
        space,
        shared.centroid_scale,
        layout.costs.get("doubt", DOUBT),
        planes,
        numbers,
        dots,
        hopes,
        doubts,
    )
    return Prepared(
        query=query,
        planes=planes,
        numbers=numbers,
        dots=dots,
        hopes=hopes,
        doubts=doubts,
        steeps=space.steeps,
    )


def _space(shared: Shared) -> _Space:
    found = _seen.get(shared)
    if found is None:
        found = _seen.setdefault(
            shared,
            _Space(
                fixed(shared.signs),
                fixed(shared.shuffles),
                fixed(shared.centroids_i8),
                fixed((_REACH * shared.spreads).astype(np.float32)),
                fixed(_shares(shared.centroids)),
                fixed((FINE / np.maximum(shared.spreads, _TIGHT)).astype(np.float32)),
            ),
        )
    return found


def _shares(centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = np.einsum("ij,ij->i", centroids, centroids)
    shares: NDArray[np.float32] = np.divide(1, squares, out=np.zeros_like(squares), where=squares > 0)
    return shares


def nearest_lists(prepared: Prepared, count: int) -> NDArray[np.int32]:
    """Return the numbers of the ``count`` lists (at most all) where the best rows may be, the most promising first.

    A list is not only promising where its centroid is near the query: the best rows of a wide list lie farther from it.
    """
    order = np.empty(min(count, len(prepared.dots)), np.int32)
    _nearest_lists(prepared.hopes, order)
    return order


@kernel
def _prepare(query, space, centroid_scale, doubt, planes, numbers, dots, hopes, doubts):
    rotated = query.copy()
    rotate_one(rotated, space.signs, space.shuffles, np.empty(query.size, np.float32))
    low, high = rotated.min(), rotated.max()
    step = max((high - low) / np.float32(2**_PLANES - 1), np.float32(1e-30))
    units = 0
    for j in range(rotated.size):
        unit = np.uint64((rotated[j] - low) / step + np.float32(0.5))
        units += np.int64(unit)
        for plane in range(_PLANES):
            bit = (unit >> np.uint64(plane)) & np.uint64(1)
            planes[plane, j >> 6] |= bit << np.uint64(j & 63)
    unit_i8 = max(np.abs(query).max() / np.float32(127), np.float32(1e-30))
    query_i8 = np.empty(query.size, np.int8)
    for j in range(query.size):
        query_i8[j] = np.int8(np.rint(query[j] / unit_i8))
    for number in range(dots.size):
        dots[number] = np.float32(dot_bytes(space.centroids, number, query_i8)) * np.float32(unit_i8 / centroid_scale)
        hopes[number] = dots[number] + space.reaches[number]
    square, along = np.float32(0), np.float32(0)
    for j in range(query.size):
        square += query[j] * query[j]
    doubt = np.float32(doubt * _ERROR)
    for number in range(dots.size):
        part = min(dots[number] * dots[number] * space.shares[number], square)
        along = max(along, part)
        doubts[number] = doubt * np.sqrt(square - part + _ROUNDED * square)
    numbers[3] = _OFF * np.sqrt((unit_i8 * unit_i8 + square / np.float32(centroid_scale * centroid_scale)) / 12)
    numbers[4] = doubt * np.sqrt(square - _NEAR * along + _ROUNDED * square)
    numbers[0], numbers[1] = low, step
    numbers[2] = low * np.float32(rotated.size) + step * np.float32(units)


@kernel
def _nearest_lists(hopes, order):
    keys = np.empty(hopes.size, np.uint64)
    for number in range(hopes.size):
        keys[number] = sort_key(hopes[number], number)
    keep_largest(keys, keys.size, order.size)
    sort_down(keys, order.size)
    for place in range(order.size):
        order[place] = key_row(keys[place])
