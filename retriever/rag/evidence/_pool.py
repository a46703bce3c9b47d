"""Candidates side by side: what is like what, and where and when each lies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from core import CENTRE_RESOLUTION, EARTH_RADIUS_KM
from indexer import vector_matrix
from retriever._facet_tallies import parents
from retriever._vector_index import Rows
from retriever.rag.evidence._counterparts import Shown

OVERLAP = 0.25
"""Share of the smaller footprint from which two tiles of one sensor and day show the same: tilings overlap by a half
or a quarter, while neighbours of other zones share a strip."""

SAME_PICTURE = 0.999
"""Cosine from which two tiles without a footprint are the same picture; float16 storage moves it by at most 5e-4."""

_COLUMNS = ("tile_id", "sensor", "datetime", "h3", "footprint", "valid", "cloud", "vector")


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What makes two tiles alike; they add up to 1."""

    vector: float
    """That they look alike."""
    place: float
    """That they lie in one cell, or touch."""
    day: float
    """That they are of one day."""
    sensor: float
    """That they are of one sensor."""


class Pool:
    """The n candidates of all searches; a tile that two searches found is in it once.

    Args:
        rows: The archive's version.
        row_ids: Rows of the candidates, no row twice.
        tiles: How many will be shown; cells are chosen so that so many of them can be told apart.
    """

    def __init__(self, rows: Rows, row_ids: Sequence[int], *, tiles: int) -> None:
        table = rows.take(row_ids, _COLUMNS)
        self._places = {row_id: at for at, row_id in enumerate(row_ids)}
        self.tile_ids: list[str] = table["tile_id"].to_pylist()
        self.sensors: list[str] = table["sensor"].to_pylist()
        self.instants: list[Any] = table["datetime"].to_pylist()
        self.vectors = vector_matrix(table["vector"]).astype(np.float32, copy=False)
        self.quality = _quality(table)
        self.footprints = shapely.from_wkb(np.array(table["footprint"].to_pylist(), dtype=np.object_))
        self.cells = _cells(table["h3"], self.footprints, tiles)
        self._sensor = _codes(table["sensor"])
        self._day = _codes(table["datetime"].cast(pa.timestamp("s", tz="UTC")).cast(pa.date32()))
        self._areas = np.nan_to_num(shapely.area(self.footprints))
        self._usual = _usual_cosine(self.vectors)

    def __len__(self) -> int:
        return len(self.tile_ids)

    def __contains__(self, row_id: int) -> bool:
        return row_id in self._places

    def places(self, row_ids: Iterable[int]) -> NDArray[np.int64]:
        """Return (m,) where in the pool these rows are."""
        return np.array([self._places[row_id] for row_id in row_ids], dtype=np.int64)

    def groups(self, at: Sequence[int]) -> list[int]:
        """Return a number for each of these candidates, from 0; those of one cell have the same."""
        seen: dict[int, int] = {}
        return [seen.setdefault(int(self.cells[one]) or -one - 1, len(seen)) for one in at]

    def located(self, one: int) -> bool:
        """Return whether a candidate has a footprint."""
        return self.footprints[one] is not None

    def shown(self, one: int) -> Shown:
        """Return where a candidate lies and what saw it."""
        return Shown(footprint=self.footprints[one], sensor=self.sensors[one])

    def likeness(self, one: int, weights: Weights) -> NDArray[np.float64]:
        """Return (n,) how much each candidate is like one of them, 0..1."""
        cosines = (self.vectors @ self.vectors[one]).astype(np.float64)
        looks = np.clip((cosines - self._usual) / max(1 - self._usual, 1e-6), 0, 1)
        alike: NDArray[np.float64] = (
            weights.vector * looks
            + weights.place * self.same_place(one)
            + weights.day * _equal(self._day, one)
            + weights.sensor * _equal(self._sensor, one)
        )
        return alike

    def same_place(self, one: int) -> NDArray[np.bool_]:
        """Return (n,) whether each candidate lies in the cell of one of them, or touches it."""
        touching: NDArray[np.bool_] = shapely.intersects(self.footprints, self.footprints[one])
        return _equal(self.cells, one) | touching

    def duplicates(self, one: int) -> NDArray[np.bool_]:
        """Return (n,) whether each candidate shows what one of them shows, seen by the same sensor on the same day."""
        shared = np.nan_to_num(shapely.area(shapely.intersection(self.footprints, self.footprints[one])))
        smaller = np.minimum(self._areas, self._areas[one])
        covered = (smaller > 0) & (shared > OVERLAP * smaller)
        same = covered & (self._day == self._day[one]) & (self._sensor == self._sensor[one])
        if self.footprints[one] is None:
            same |= shapely.is_missing(self.footprints) & (self.vectors @ self.vectors[one] > SAME_PICTURE)
        same[one] = True
        found: NDArray[np.bool_] = same
        return found


def _equal(codes: NDArray[Any], one: int) -> NDArray[np.bool_]:
    """Unknown values, which are 0, equal nothing."""
    equal: NDArray[np.bool_] = (codes == codes[one]) & (codes != 0)
    return equal


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return (n,) a number from 1 for each value, 0 for an unknown one."""
    values = column.combine_chunks()
    known = pc.unique(values).drop_null().sort()
    codes: NDArray[np.int64] = pc.fill_null(pc.index_in(values, value_set=known), -1).to_numpy().astype(np.int64) + 1
    return codes


def _quality(table: pa.Table) -> NDArray[np.float64]:
    """Return (n,) the share of a tile that shows ground, 0..1; an unknown cloud counts as none."""
    cloud = pc.fill_null(table["cloud"], 0.0).to_numpy()
    quality: NDArray[np.float64] = table["valid"].to_numpy() * (1 - cloud)
    return quality


def _usual_cosine(vectors: NDArray[np.float32]) -> float:
    """Return the median cosine of the candidates: what is no more alike than that is not alike at all."""
    if len(vectors) < 2:
        return 0.0
    cosines = vectors @ vectors.T
    return float(np.median(cosines[np.triu_indices(len(vectors), 1)]))


def _cells(column: pa.ChunkedArray, footprints: NDArray[np.object_], tiles: int) -> NDArray[np.uint64]:
    """Return (n,) cells, 0 where there is none: the coarsest that tell as many places apart as will be shown.

    They are never so fine that one tile's centre could move to the next cell from date to date.
    """
    centres = pc.fill_null(column.combine_chunks(), 0).to_numpy().astype(np.uint64)
    known = centres != 0
    finest = _finest(footprints)
    levels = [np.where(known, parents(centres, size), np.uint64(0)) for size in range(finest + 1)]
    most = len(np.unique(levels[-1][known]))
    return next(level for level in levels if len(np.unique(level[known])) >= min(tiles, most))


def _finest(footprints: NDArray[np.object_]) -> int:
    """Return the finest resolution whose cells are as wide as a tile."""
    bounds = shapely.bounds(footprints[~shapely.is_missing(footprints)])
    if not len(bounds):
        return 0
    height_km = float(np.median(np.radians(bounds[:, 3] - bounds[:, 1]))) * EARTH_RADIUS_KM
    fitting = [size for size in range(CENTRE_RESOLUTION + 1) if 2 * h3.average_hexagon_edge_length(size) >= height_km]
    return max(fitting, default=0)
