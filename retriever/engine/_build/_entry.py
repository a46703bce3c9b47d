"""What the planner sees of a shard before it is opened."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._build._columns import Columns
from retriever.engine._layout import UNDATED, UNKNOWN, Layout, ShardEntry


def entry_of(name: str, columns: Columns, layout: Layout, *, slots: int) -> ShardEntry:
    """Return the entry of a shard with these rows."""
    dated = columns.seconds[columns.seconds != UNDATED]
    return ShardEntry(
        folder=name,
        rows=len(columns),
        slots=slots,
        bounds=_around(columns.bounds[:, ~np.isnan(columns.bounds[0])]),
        seconds=(int(dated.min()), int(dated.max())) if len(dated) else None,
        dated=len(dated),
        sensors=_counts(columns.sensor, len(layout.sensors)),
        collections=_counts(columns.collection, len(layout.collections)),
    )


def _around(bounds: NDArray[np.float32]) -> tuple[float, float, float, float] | None:
    if not bounds.shape[1]:
        return None
    west, south, east, north = bounds
    low, high = float(south.min()), float(north.max())
    if (west > east).any():
        return -180.0, low, 180.0, high
    return float(west.min()), low, float(east.max()), high


def _counts(places: NDArray[np.uint8], names: int) -> tuple[int, ...]:
    """Rows at each place; where there are more names than places, the last counts those of all others."""
    return tuple(np.bincount(places, minlength=min(names, UNKNOWN + 1)).tolist())
