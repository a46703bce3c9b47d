"""The archive that is searched: vectors, places, dates and sensors of made-up tiles, and what is asked of it.

Everything follows from rows, dimension and a seed. Vectors are written a chunk at a time, so memory stays bounded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine._world import VISITS, Floats, Land, Places, make_land, make_places

SEED = 7

CHUNK = 20_000
"""Rows made at once."""

QUERIES = 100
"""Of each kind; the same ones are asked at every selectivity."""

FIRST_SECOND = 1_514_764_800
"""2018-01-01T00:00:00Z."""

YEARS = 8

YEAR = 365 * 86_400
"""Seconds."""

SENSORS = ("sentinel-1-rtc", "sentinel-2-l2a", "naip")
"""About 30 %, 69 % and 1 % of the rows; NAIP only over the United States."""

CELL_RESOLUTION = 12
"""Of H3, as in the tile table."""

QueryKind = Literal["image", "text"]

QUERY_KINDS: tuple[QueryKind, ...] = ("image", "text")
"""Image-like queries are tiles that were left out; text-like ones lie beside all tiles, as in a joint encoder."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Archive:
    """What is searched and what is asked."""

    home: Path
    """Folder it lies in."""
    vectors: Floats
    """(rows, dim) unit vectors, memory-mapped."""
    lon: NDArray[np.float64]
    """(rows,) degrees; a tile is a point, so that every engine means the same by a bounding box."""
    lat: NDArray[np.float64]
    """(rows,) degrees."""
    seconds: NDArray[np.int64]
    """(rows,) since 1970."""
    sensor: NDArray[np.uint8]
    """(rows,) place in SENSORS."""
    cloud: Floats
    """(rows,) fraction; 0 where the sensor sees through clouds."""
    cells: NDArray[np.uint64]
    """(rows,) H3 cell."""
    queries: Floats
    """(2 * QUERIES, dim) image-like ones first."""
    query_places: NDArray[np.float64]
    """(QUERIES, 2) lon, lat of the image-like ones."""

    @property
    def rows(self) -> int:
        """Number of tiles."""
        return len(self.vectors)

    @property
    def table(self) -> Path:
        """Swath index that holds the same rows."""
        return self.home / "index"

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return int(self.vectors.shape[1])


def kind_of(query: int) -> QueryKind:
    """Return which kind a query is by its number."""
    return QUERY_KINDS[query // QUERIES]


def make_archive(folder: Path, rows: int, dim: int) -> None:
    """Write an archive into a folder; nothing is done where the same one is there."""
    wanted = {"rows": rows, "dim": dim, "seed": SEED, "queries": QUERIES}
    if (folder / "made.json").exists() and json.loads((folder / "made.json").read_text()) == wanted:
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    land = make_land(dim, rng)
    places = make_places(int((rows + QUERIES) / VISITS * 1.15) + 16, land, rng)
    visits = _visits(places, rows + QUERIES, rng)
    _write_columns(folder, places, visits, rows)
    _write_vectors(folder, land, places, visits, rows)
    (folder / "made.json").write_text(json.dumps(wanted))


def read_archive(folder: Path) -> Archive:
    """Return the archive of a folder, its vectors memory-mapped."""
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    with np.load(folder / "columns.npz") as columns, np.load(folder / "queries.npz") as queries:
        return Archive(home=folder, vectors=vectors, **dict(columns.items()), **dict(queries.items()))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Visits:
    """One look at one place each."""

    place: NDArray[np.int64]
    """(n,)"""
    seconds: NDArray[np.int64]
    """(n,)"""
    sensor: NDArray[np.uint8]
    """(n,)"""
    cloud: Floats
    """(n,)"""


def _visits(places: Places, count: int, rng: np.random.Generator) -> _Visits:
    """Looks in the order they are made in, which is random."""
    seen = np.repeat(np.arange(len(places.lon)), np.minimum(12, 1 + rng.geometric(1 / VISITS, len(places.lon))))
    place = rng.permutation(seen)[:count]
    if len(place) < count:
        place = np.concatenate([place, rng.integers(0, len(places.lon), count - len(place))])
    lon, lat = places.lon[place], places.lat[place]
    in_us = (lon > -125) & (lon < -66) & (lat > 25) & (lat < 50)
    radar_or_optical = np.where(rng.random(count) < 0.3, 0, 1)
    sensor = np.where(in_us & (rng.random(count) < 0.35), 2, radar_or_optical).astype(np.uint8)
    return _Visits(
        place=place,
        seconds=FIRST_SECOND + rng.integers(0, YEARS * YEAR, count),
        sensor=sensor,
        cloud=np.where(sensor == 1, rng.beta(0.5, 1.2, count), 0).astype(np.float32),
    )


def _write_columns(folder: Path, places: Places, visits: _Visits, rows: int) -> None:
    import h3

    lon, lat = places.lon.astype(np.float64), places.lat.astype(np.float64)
    cells = np.array(
        [h3.str_to_int(h3.latlng_to_cell(y, x, CELL_RESOLUTION)) for x, y in zip(lon, lat, strict=True)], np.uint64
    )
    kept = visits.place[:rows]
    columns: dict[str, Any] = {"lon": lon[kept], "lat": lat[kept], "cells": cells[kept]}
    columns |= {name: getattr(visits, name)[:rows] for name in ("seconds", "sensor", "cloud")}
    np.savez(folder / "columns.npz", **columns)


def _write_vectors(folder: Path, land: Land, places: Places, visits: _Visits, rows: int) -> None:
    rng = np.random.default_rng([SEED, 1])
    embedder = _Embedder(land=land, places=places, visits=visits, around=_Around.make(land, rng), rng=rng)
    vectors = np.lib.format.open_memmap(folder / "vectors.npy", "w+", np.float32, (rows, len(land.scale)))
    for start in range(0, rows, CHUNK):
        stop = min(start + CHUNK, rows)
        vectors[start:stop] = embedder.tiles(np.arange(start, stop))
    vectors.flush()
    left_out = np.arange(rows, rows + QUERIES)
    queries = np.concatenate([embedder.tiles(left_out), embedder.texts()])
    where = visits.place[left_out]
    query_places = np.stack([places.lon[where], places.lat[where]], axis=1).astype(np.float64)
    np.savez(folder / "queries.npz", queries=queries, query_places=query_places)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Around:
    """What shifts an embedding beside the land itself."""

    sensors: Floats
    """(3, dim) how each sensor shifts all of its tiles."""
    seasons: Floats
    """(2, dim) cosine and sine of the year."""
    texts: Floats
    """(dim,) how texts lie beside tiles: the gap between the two halves of a joint encoder."""

    @classmethod
    def make(cls, land: Land, rng: np.random.Generator) -> _Around:
        dim = len(land.scale)
        sensors, seasons, texts = (rng.standard_normal(shape, dtype=np.float32) for shape in ((3, dim), (2, dim), dim))
        return cls(sensors=sensors * land.scale * 0.9, seasons=seasons * land.scale, texts=texts * land.scale * 0.9)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Embedder:
    """Makes the vectors of tiles and of texts."""

    land: Land
    places: Places
    visits: _Visits
    around: _Around
    rng: np.random.Generator

    def tiles(self, rows: NDArray[np.int64]) -> Floats:
        """(n, dim) unit vectors of some rows."""
        land, place = self.land, self.visits.place[rows]
        hidden = 0.55 * self.places.hidden[place] + 0.35 * self.rng.standard_normal((len(rows), land.spreads.shape[1]))
        found = np.empty((len(rows), len(land.scale)), np.float32)
        for members in _by_kind(self.places.kind[place]):
            kind = self.places.kind[place[members[0]]]
            found[members] = land.middles[kind] + hidden[members].astype(np.float32) @ land.spreads[kind]
        found += self.around.sensors[self.visits.sensor[rows]] + 0.35 * self._seasons(rows)
        found += self.rng.standard_normal(found.shape, dtype=np.float32) * land.scale * np.float32(0.22)
        return _units(found @ land.turn)

    def _seasons(self, rows: NDArray[np.int64]) -> Floats:
        hemisphere = np.where(self.places.lat[self.visits.place[rows]] < 0, -1, 1)
        phase = 2 * np.pi * (self.visits.seconds[rows] % YEAR) / YEAR * hemisphere
        seasons: Floats = np.stack([np.cos(phase), np.sin(phase)], axis=1).astype(np.float32) @ self.around.seasons
        return seasons

    def texts(self) -> Floats:
        """(QUERIES, dim) text-like queries: mostly one kind, a little of another, in no season, beside all tiles."""
        land, around = self.land, self.around
        first, second = self.rng.choice(len(land.shares), (2, QUERIES), p=land.shares / land.shares.sum())
        found = 0.8 * land.middles[first] + 0.35 * land.middles[second] + 0.5 * around.sensors[1] + around.texts
        found += self.rng.standard_normal(found.shape, dtype=np.float32) * land.scale * np.float32(0.3)
        return _units(found @ land.turn)


def _by_kind(kinds: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Places of each kind in an array of kinds."""
    order = np.argsort(kinds, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(kinds[order])) + 1)


def _units(vectors: Any) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, dtype=np.float32)
