"""Tiles by where they are: the nearest to a point, and every date of a place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core import QueryError, Record
from indexer import RECORD_COLUMNS, record_from_row
from retriever._distance import distance_km
from retriever._expression import And, Area, Expression, any_of
from retriever._passing import passing
from retriever._request import SearchRequest
from retriever._search import check_names
from retriever._spatial import both_names
from retriever._vector_index import Rows

MIN_SHARE = 0.1
"""Least share of a place that a tile must cover to show it; neighbours in one grid share an edge or a narrow strip."""

_KEYS = ("tile_id", "datetime", "footprint")


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """Tiles at a place."""

    records: tuple[Record, ...]
    """At most as many as asked for."""
    measures: tuple[float, ...]
    """One a record: kilometres from the point, or the share 0..1 of the place that the tile covers."""
    matched: int
    """Exact number of tiles there."""


def tiles_near(rows: Rows, filters: SearchRequest, *, limit: int) -> Placed:
    """Return the tiles nearest to a point, nearest first, equal distances by tile id.

    Args:
        rows: One version of the tile table.
        filters: ``near``, the point and how far from it a footprint may be, and any further filters.
        limit: Most tiles returned.

    Raises:
        QueryError: ``near`` is not given, or the index has no sensor or collection of a name.
        StoreError: The index cannot be read.
    """
    if filters.near is None:
        raise QueryError("no place was given; give near (lat, lon) and radius_km")
    found = _passing(rows, filters.near, filters.where())
    found = _sorted(found, distance_km(filters.near, _footprints(found)), by="measure")
    return _placed(rows, filters, found[:limit], matched=found.num_rows)


def tiles_over(rows: Rows, place: BaseGeometry, filters: SearchRequest, *, limit: int) -> Placed:
    """Return the dated tiles that show a place, oldest first; where there are more, evenly chosen ones.

    Args:
        rows: One version of the tile table.
        place: A point or an area in lon, lat, cut at the antimeridian.
        filters: Any further filters.
        limit: Most tiles returned; the first and the last are among them.

    Raises:
        QueryError: The index has no sensor or collection of a name.
        StoreError: The index cannot be read.
    """
    meets = any_of([Area(relation="intersects", geometry=part) for part in both_names(place)])
    found = _passing(rows, meets, filters.where())
    found = _sorted(found, _shares(place, _footprints(found)), by="datetime")
    shown = found.filter((pc.field("measure") >= MIN_SHARE) & pc.field("datetime").is_valid())
    chosen = np.linspace(0, max(shown.num_rows - 1, 0), min(limit, shown.num_rows)).round().astype(np.int64)
    return _placed(rows, filters, shown.take(pa.array(chosen)), matched=shown.num_rows)


def _passing(rows: Rows, place: Expression, where: Expression | None) -> pa.Table:
    """Return row id, tile id, date and footprint of the tiles at a place; memory grows with their number only."""
    both = place if where is None else And(parts=(place, where))
    kept = [batch.select(["_rowid", *_KEYS]) for batch in passing(rows, _KEYS, both)]
    return pa.Table.from_batches(kept) if kept else _NONE


def _footprints(found: pa.Table) -> NDArray[np.object_]:
    geometries: NDArray[np.object_] = shapely.from_wkb(np.array(found["footprint"].to_pylist(), dtype=np.object_))
    return geometries


def _sorted(found: pa.Table, measures: NDArray[np.float64], *, by: str) -> pa.Table:
    """Return the tiles with their measures, rising by a column; equal ones by tile id."""
    measured = found.append_column("measure", pa.array(measures, pa.float64()))
    return measured.take(pc.sort_indices(measured, sort_keys=[(by, "ascending"), ("tile_id", "ascending")]))


def _shares(place: BaseGeometry, footprints: NDArray[np.object_]) -> NDArray[np.float64]:
    """Return (n,) the share of the place that each footprint covers, by area in degrees; 1 for a point or a line."""
    if not place.area:
        return np.ones(len(footprints))
    shared: NDArray[np.float64] = shapely.area(shapely.intersection(place, footprints)) / place.area
    return shared


def _placed(rows: Rows, filters: SearchRequest, chosen: pa.Table, *, matched: int) -> Placed:
    if not matched:
        check_names(filters, rows)
    table = rows.take(chosen["_rowid"].to_numpy(), RECORD_COLUMNS).to_pylist() if chosen.num_rows else []
    measures = tuple(chosen["measure"].to_pylist())
    return Placed(records=tuple(map(record_from_row, table)), measures=measures, matched=matched)


_NONE = pa.schema(
    [
        ("_rowid", pa.uint64()),
        ("tile_id", pa.string()),
        ("datetime", pa.timestamp("us", tz="UTC")),
        ("footprint", pa.binary()),
    ]
).empty_table()
