"""A query as the kernels want it: rotated, in bit planes, in bytes, and its dot products with all centroids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever.engine._kernels._columns import fixed
from retriever.engine._kernels._dots import dot_bytes
from retriever.engine._kernels._intrinsics import kernel
from retriever.engine._kernels._rotate import rotate_one
from retriever.engine._kernels._select import keep_largest, key_row, sort_down, sort_key
from retriever.engine._layout import Layout
from retriever.engine._shard import Shared

_PLANES = 4
"""Bits for each number of the rotated query. RaBitQ's authors found that more do not help; its error then is that of
the codes (https://arxiv.org/abs/2405.12497, section 3.3)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A query vector, made ready once for every shard and route."""

    query: NDArray[np.float32]
    """(dim,) as it was given."""
    rotated: NDArray[np.float32]
    """(dim,) rotated as the codes are."""
    planes: NDArray[np.uint64]
    """(4, words) bit j of every number ``u``; a rotated number is about ``low + step * u``."""
    numbers: NDArray[np.float32]
    """(4,) low, step, the sum of all ``low + step * u``, and what one unit of a dot product of bytes is worth."""
    query_i8: NDArray[np.int8]
    """(dim,) the query in bytes, its greatest number as 127."""
    dots: NDArray[np.float32]
    """(max(lists, 1),) dot products with all centroids, within a hundredth of the longest one."""


def prepare(query: NDArray[np.float32], shared: Shared, layout: Layout) -> Prepared:
    """Return the (dim,) query made ready for the shards of a snapshot."""
    query = np.require(query, np.float32, ["C", "W"])
    rotated, planes = np.empty(len(query), np.float32), np.zeros((_PLANES, layout.words), np.uint64)
    query_i8, numbers = np.empty(len(query), np.int8), np.empty(4, np.float32)
    dots = np.empty(len(shared.centroids), np.float32)
    scales = np.array([layout.scale, shared.centroid_scale], np.float32)
    signs, shuffles, centroids = fixed(shared.signs), fixed(shared.shuffles), fixed(shared.centroids_i8)
    _prepare(query, signs, shuffles, centroids, scales, rotated, planes, numbers, query_i8, dots)
    return Prepared(query=query, rotated=rotated, planes=planes, numbers=numbers, query_i8=query_i8, dots=dots)


def nearest_lists(prepared: Prepared, count: int) -> NDArray[np.int32]:
    """Return the numbers of the ``count`` lists with the greatest dot products (at most all), best first."""
    order = np.empty(min(count, len(prepared.dots)), np.int32)
    _nearest_lists(prepared.dots, order)
    return order


@kernel
def _prepare(query, signs, shuffles, centroids, scales, rotated, planes, numbers, query_i8, dots):
    rotated[:] = query
    rotate_one(rotated, signs, shuffles, np.empty(query.size, np.float32))
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
    for j in range(query.size):
        query_i8[j] = np.int8(np.rint(query[j] / unit_i8))
    for number in range(dots.size):
        dots[number] = np.float32(dot_bytes(centroids, number, query_i8)) * (unit_i8 / scales[1])
    numbers[0], numbers[1], numbers[3] = low, step, unit_i8 / scales[0]
    numbers[2] = low * np.float32(rotated.size) + step * np.float32(units)


@kernel
def _nearest_lists(dots, order):
    keys = np.empty(dots.size, np.uint64)
    for number in range(dots.size):
        keys[number] = sort_key(dots[number], number)
    keep_largest(keys, keys.size, order.size)
    sort_down(keys, order.size)
    for place in range(order.size):
        order[place] = key_row(keys[place])
