"""Exact tests, by the table's own columns, of the rows that the snapshot's narrow ones leave in doubt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from core import EARTH_RADIUS_KM
from retriever._distance import unit_vectors
from retriever._evaluate import matching
from retriever._expression import Area, Expression, Nearby, Or, columns_of
from retriever.engine._bitmap import count_in
from retriever.engine._kernels import _sieve as kernels
from retriever.engine._layout import BLOCK
from retriever.engine._shard import Shard

_AT_ONCE = 65_536
"""Rows evaluated at once: 10 MB of footprints."""

_FEW = 256
"""Rows in doubt that are tested at once, without a look at their blocks; a row takes 2 us, a block about as long."""

_SLACK_KM = 1e-6
"""By how much a block must lie inside a circle, so that rounding decides nothing."""


def drop_failing(
    condition: Expression, shard: Shard, words: NDArray[np.uint64], doubts: NDArray[np.uint64] | None
) -> None:
    """Take rows out of a bitmap for which a condition is not true.

    Args:
        condition: The exact test.
        shard: Where the rows are.
        words: (n / 64,) bitmap, changed in place.
        doubts: (n / 64,) bitmap of the rows to be tested; None for all of them.
    """
    rows = rows_of(words if doubts is None else words & doubts)
    for part in _parts(rows):
        kept = matching(condition, scalars_of(condition, shard, part))
        if len(kept) < len(part):
            kernels.unmark(np.delete(part, kept), words)


def rows_of(words: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Return the rows of a bitmap, rising."""
    rows = np.empty(count_in(words), dtype=np.int32)
    kernels.listed(words, rows)
    return rows


def _parts(rows: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]


def scalars_of(condition: Expression, shard: Shard, rows: NDArray[np.int32]) -> pa.RecordBatch:
    """Return the columns that a condition reads, of at least one row, rising."""
    names = columns_of(condition) or ("tile_id",)
    columns = [shard.scalars[name] for name in names]
    first, size = int(rows[0]), len(rows)
    if int(rows[-1]) - first + 1 == size:
        taken = [_whole(column.slice(first, size)) for column in columns]
    else:
        places = pa.array(rows)
        taken = [_whole(column).take(places) for column in columns]
    return pa.RecordBatch.from_arrays(taken, names=list(names))


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def settle_blocks(condition: Expression, shard: Shard, words: NDArray[np.uint64], doubts: NDArray[np.uint64]) -> None:
    """Decide whole blocks whose rows are in doubt: those inside an area pass, those away from all areas do not.

    Args:
        condition: An area, or several of which one must be met.
        shard: Where the blocks are.
        words: (n / 64,) bitmap, changed in place.
        doubts: (n / 64,) bitmap of the rows in doubt, changed in place.
    """
    by_block = doubts.reshape(-1, BLOCK // 64)
    blocks = np.flatnonzero(by_block.any(axis=1))
    if count_in(doubts) <= _FEW:
        return
    zones = shard.zone_bounds[:, blocks].astype(np.float64)
    areas = condition.parts if isinstance(condition, Or) else (condition,)
    inside, away = _sides(areas, zones)
    by_block[blocks[inside]] = 0
    by_block[blocks[away]] = 0
    words.reshape(-1, BLOCK // 64)[blocks[away]] = 0


def _sides(areas: Sequence[Expression], zones: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the (4, n) zones lie inside one of the areas, and which away from all of them."""
    inside, away = np.zeros(zones.shape[1], dtype=bool), np.ones(zones.shape[1], dtype=bool)
    boxes = shapely.box(*zones)
    for area in areas:
        if isinstance(area, Nearby):
            inside |= _in_circle(area, zones)
            away[:] = False
        elif isinstance(area, Area):
            shapely.prepare(area.geometry)
            away &= ~shapely.intersects(area.geometry, boxes)
            if area.relation == "intersects":
                inside |= shapely.covers(area.geometry, boxes)
    return inside, away


def _in_circle(near: Nearby, zones: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which zones lie inside a circle: within 90 degrees of longitude a corner is farthest from the centre."""
    west, south, east, north = zones
    farthest = np.zeros(zones.shape[1])
    for lon, lat in ((west, south), (west, north), (east, south), (east, north)):
        chord = np.linalg.norm(unit_vectors(lat, lon) - unit_vectors(near.lat, near.lon), axis=1)
        farthest = np.maximum(farthest, 2 * np.arcsin(np.minimum(chord / 2, 1)) * EARTH_RADIUS_KM)
    close = np.maximum(abs(west - near.lon), abs(east - near.lon)) <= 90
    inside: NDArray[np.bool_] = close & (farthest <= near.radius_km - _SLACK_KM)
    return inside
