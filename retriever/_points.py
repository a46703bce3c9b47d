"""What a point on the map looks like: the tiles that cover it, or the nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point

from core import QueryError
from indexer import vector_matrix
from retriever._checks import unit
from retriever._distance import distance_km
from retriever._evaluate import matching
from retriever._expression import Area, Expression, Nearby, any_of, columns_of
from retriever._pushdown import pushed_down
from retriever._spatial import both_names
from retriever._vector_index import Rows

POINT_TILES = 64
"""Most tiles that stand for a point: all dates and sensors of a place, for years of monthly pictures."""

_REACHES_KM = (1.0, 10.0, 100.0, 1000.0, 20_100.0)
"""How far around a point tiles are looked for, in turn; the last is half way round the Earth."""

_SAME_KM = 1e-3
"""Distances that count as one: dates of one place differ in the last digits of their footprints."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PointTiles:
    """The tiles that stand for a point."""

    tile_ids: tuple[str, ...]
    """At least one, sorted."""
    vector: NDArray[np.float32]
    """(dim,) mean of their unit vectors, at unit length."""
    distance_km: float
    """From the point to the footprints; 0 where they cover it."""


def point_tiles(rows: Rows, point: tuple[float, float]) -> PointTiles:
    """Return the tiles whose footprints hold a point, or else those nearest to it; filters have no say.

    Args:
        rows: One version of the tile table.
        point: lon, lat in degrees.

    Raises:
        QueryError: No tile of the index has a place.
    """
    found, distance = _covering(rows, point), 0.0
    if not found:
        found, distance = _nearest(rows, point)
    chosen = sorted(found)[:POINT_TILES]
    vectors = vector_matrix(rows.take([row_id for _, row_id in chosen], ("vector",))["vector"])
    mean = vectors.astype(np.float64).mean(axis=0)
    names = tuple(tile_id for tile_id, _ in chosen)
    return PointTiles(tile_ids=names, vector=unit(mean, "point's vector"), distance_km=distance)


_Found = list[tuple[str, int]]
"""Tile ids and row ids."""


def _covering(rows: Rows, point: tuple[float, float]) -> _Found:
    held = any_of([Area(relation="intersects", geometry=each) for each in both_names(Point(point))])
    return _pairs(_passing(rows, held))


def _nearest(rows: Rows, point: tuple[float, float]) -> tuple[_Found, float]:
    """The tiles at the least distance; all dates of a place share it."""
    for reach in _REACHES_KM:
        near = Nearby(lon=point[0], lat=point[1], radius_km=reach)
        found = _passing(rows, near)
        if found.num_rows:
            distances = distance_km(near, shapely.from_wkb(found["footprint"].to_numpy(zero_copy_only=False)))
            least = float(distances.min())
            return _pairs(found.filter(pa.array(distances <= least + _SAME_KM))), least
    raise QueryError("no tile of the index has a place, so a point means nothing here; search with text or like")


def _passing(rows: Rows, place: Expression) -> pa.Table:
    """Row id, tile id and footprint of the tiles at a place; memory grows with their number only."""
    columns = tuple(sorted({"tile_id", *columns_of(place)}))
    parts = [
        batch.take(pa.array(matching(place, batch))).select(_KEPT.names)
        for batch in rows.scan(columns, pushed_down(place))
    ]
    return pa.Table.from_batches(parts) if parts else _KEPT.empty_table()


_KEPT = pa.schema([("_rowid", pa.uint64()), ("tile_id", pa.string()), ("footprint", pa.binary())])


def _pairs(found: pa.Table) -> _Found:
    return list(zip(found["tile_id"].to_pylist(), found["_rowid"].to_pylist(), strict=True))
