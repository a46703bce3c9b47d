"""How simple each footprint is, read from its bytes: geometries are made only of those that are no quadrilaterals."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from retriever.engine._layout import CONNECTED, IS_BOX

# Little-endian WKB of a polygon with one ring of five points: byte order, type 3, 1 ring, 5 points, 10 numbers.
# https://libgeos.org/specifications/wkb/
_HEADER = np.frombuffer(bytes([1, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0]), np.uint8)
_SIZE = len(_HEADER) + 80
_POLYGON = 3


def shape_flags(footprints: pa.ChunkedArray, sides: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return (n,) IS_BOX and CONNECTED of footprints whose bounds are (4, n) ``sides``, NaN where there is none.

    A rectangle of no area, one that crosses the antimeridian and one with more points than it needs are not said to
    be boxes.
    """
    flags = np.zeros(len(footprints), np.uint8)
    start = 0
    for chunk in footprints.chunks:
        stop = start + len(chunk)
        flags[start:stop] = _chunk_flags(chunk, sides[:, start:stop])
        start = stop
    return flags


def _chunk_flags(chunk: pa.BinaryArray, sides: NDArray[np.float64]) -> NDArray[np.uint8]:
    flags = np.zeros(len(chunk), np.uint8)
    rows, rings = _quadrilaterals(chunk)
    flags[rows] = _ring_flags(rings, sides[:, rows])
    others = np.setdiff1d(np.flatnonzero(~np.isnan(sides[0])), rows)
    flags[others] = _other_flags(chunk.take(pa.array(others)), sides[:, others])
    return flags


def _quadrilaterals(chunk: pa.BinaryArray) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows that are polygons of five points, and these as (rows, 5, 2)."""
    offsets = np.frombuffer(chunk.buffers()[1] or b"", np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
    data = np.frombuffer(chunk.buffers()[2] or b"", np.uint8)
    rows = np.flatnonzero(np.diff(offsets) == _SIZE)
    raw = data[offsets[rows, None] + np.arange(_SIZE)]
    fits = (raw[:, : len(_HEADER)] == _HEADER).all(axis=1)
    return rows[fits], np.ascontiguousarray(raw[fits, len(_HEADER) :]).view("<f8").reshape(-1, 5, 2)


def _ring_flags(rings: NDArray[np.float64], sides: NDArray[np.float64]) -> NDArray[np.uint8]:
    x, y = rings[:, :, 0], rings[:, :, 1]
    reaching = (np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)]) == sides).all(axis=0)
    west, south, east, north = sides[:, :, None]
    corners = (((x == west) | (x == east)) & ((y == south) | (y == north))).all(axis=1)
    # Of two neighbours on a rectangle exactly one coordinate differs, by turns the one and the other.
    step_x, step_y = x[:, 1:] != x[:, :-1], y[:, 1:] != y[:, :-1]
    steps = (step_x != step_y).all(axis=1) & (step_x[:, 1:] != step_x[:, :-1]).all(axis=1)
    closed = (rings[:, 0] == rings[:, 4]).all(axis=1)
    wide = (sides[0] < sides[2]) & (sides[1] < sides[3])
    boxes = corners & steps & closed & wide & reaching
    flags: NDArray[np.uint8] = (boxes * IS_BOX + reaching * CONNECTED).astype(np.uint8)
    return flags


def _other_flags(footprints: pa.BinaryArray, sides: NDArray[np.float64]) -> NDArray[np.uint8]:
    shapes = shapely.from_wkb(footprints.to_numpy(zero_copy_only=False))
    reaching = (sides == shapely.bounds(shapes).reshape(-1, 4).T).all(axis=0)
    connected = (shapely.get_type_id(shapes) == _POLYGON) & reaching
    flags: NDArray[np.uint8] = (connected * CONNECTED).astype(np.uint8)
    return flags
