"""Areas that are no boxes: rows whose bounds lie inside or away from them are decided without a look at footprints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM
from retriever._expression import Area, Nearby
from retriever.engine._bitmap import rows_in
from retriever.engine._kernels import _sieve as kernels
from retriever.engine._kernels._areas import AWAY, DOUBT, INSIDE, judge_circle, judge_polygon
from retriever.engine._layout import BLOCK
from retriever.engine._shard import Shard

Words = NDArray[np.uint64]
Verdicts = NDArray[np.uint8]
"""(n,) AWAY, DOUBT or INSIDE."""

_Judge = Callable[[NDArray[np.float32], NDArray[np.int32]], Verdicts]
"""From (4, n) bounds and the places of some to where these lie towards an area."""

_BANDS = 256
"""Most bands of latitude that edges are sorted into, so that a box meets the edges beside it only."""

_EDGES = 8
"""Edges a band has about, where there are fewer than fill all bands."""

_FLAT = 1e-9
"""Height of a band in degrees, at least."""

_SLACK_KM = 0.01
"""Arcs between vertices 0.1 degrees apart reach 1.3 m beyond the bounds; the rest is for rounding."""


def settle(areas: Sequence[Area | Nearby], shard: Shard, words: Words, doubts: Words) -> None:
    """Decide rows in doubt by their bounds, whole blocks first.

    Args:
        areas: Areas of which one must be met.
        shard: Where the rows are.
        words: (n / 64,) bitmap, changed in place.
        doubts: (n / 64,) bitmap of the rows in doubt, changed in place.
    """
    judges = [_judge(area) for area in areas]
    by_block = doubts.reshape(-1, BLOCK // 64)
    blocks = np.flatnonzero(by_block.any(axis=1)).astype(np.int32)
    verdicts = _verdicts(judges, shard.zone_bounds, blocks)
    away = blocks[verdicts == AWAY]
    words.reshape(-1, BLOCK // 64)[away] &= ~by_block[away]
    by_block[blocks[verdicts != DOUBT]] = 0
    rows = rows_in(doubts)
    verdicts = _verdicts(judges, shard.bounds, rows)
    kernels.unmark(rows[verdicts == AWAY], words)
    kernels.unmark(rows[verdicts != DOUBT], doubts)


def _verdicts(judges: Sequence[_Judge], sides: NDArray[np.float32], which: NDArray[np.int32]) -> Verdicts:
    """Where boxes lie towards several areas: inside one of them, or away from all."""
    found: Verdicts = np.max([judge(sides, which) for judge in judges], axis=0)
    return found


def _judge(area: Area | Nearby) -> _Judge:
    if isinstance(area, Nearby):
        return partial(_beside_circle, area)
    if not shapely.is_valid(area.geometry):
        return lambda _, which: np.full(len(which), DOUBT, dtype=np.uint8)
    if area.geometry.is_empty:
        return lambda _, which: np.full(len(which), AWAY, dtype=np.uint8)
    return _Outline(area)


def _beside_circle(near: Nearby, sides: NDArray[np.float32], which: NDArray[np.int32]) -> Verdicts:
    verdicts = np.empty(len(which), dtype=np.uint8)
    angle, slack = near.radius_km / EARTH_RADIUS_KM, _SLACK_KM / EARTH_RADIUS_KM
    judge_circle(sides, which, near.lat, near.lon, angle, slack, verdicts)
    return verdicts


class _Outline:
    """The edges of a geometry, sorted into bands of latitude."""

    def __init__(self, area: Area) -> None:
        self._filled = area.geometry.geom_type in ("Polygon", "MultiPolygon")
        self._surrounds = area.relation == "intersects"
        self._edges = _edges(area.geometry)
        low, high = self._edges[:, 1::2].min(axis=1), self._edges[:, 1::2].max(axis=1)
        bands = int(np.clip(len(self._edges) // _EDGES, 1, _BANDS))
        self._south = float(low.min())
        self._height = max((float(high.max()) - self._south) / bands, _FLAT)
        first, last = (
            np.clip((ends - self._south) // self._height, 0, bands - 1).astype(np.int64) for ends in (low, high)
        )
        counts = last - first + 1
        edge = np.repeat(np.arange(len(first)), counts)
        band = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
        self._members = edge[np.argsort(band, kind="stable")]
        self._starts = np.concatenate([[0], np.cumsum(np.bincount(band, minlength=bands))])

    def __call__(self, sides: NDArray[np.float32], which: NDArray[np.int32]) -> Verdicts:
        verdicts = np.empty(len(which), dtype=np.uint8)
        bands = self._edges, self._starts, self._members, self._south, self._height
        judge_polygon(sides, which, *bands, self._filled, verdicts)
        if not self._surrounds:
            verdicts[verdicts == INSIDE] = DOUBT
        return verdicts


def _edges(geometry: BaseGeometry) -> NDArray[np.float64]:
    """(m, 4) x and y of both ends of each edge; a point is an edge of no length."""
    parts = shapely.get_parts(geometry)
    lines = shapely.get_rings(parts) if "Polygon" in geometry.geom_type else parts
    points, line = shapely.get_coordinates(lines, return_index=True)
    joined = line[1:] == line[:-1]
    pairs = np.hstack([points[:-1], points[1:]])[joined]
    return np.ascontiguousarray(pairs if len(pairs) else np.hstack([points, points]))
