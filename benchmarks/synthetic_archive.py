"""A synthetic archive of any size, made a region at a time so that memory does not grow with it.

Nothing here was seen by a satellite. What is copied from real archives is what makes a search easy or hard: places are
tile grids inside regions of long-tailed size on the continents, visited 1 to 12 times in eight years by three sensors;
vectors come from 2,000 anisotropic Gaussians with few strong directions, of which a region holds at most 48; neighbours
are alike, seasons and sensors shift them. Questions are of two kinds: *image-like* ones are further visits to places of
the archive, *text-like* ones lie off the vectors, mix two kinds of land and know neither season nor place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.synthetic_tiles import SIDE, MadeScene

KINDS = 2_000
"""Kinds of land: the Gaussians."""

PALETTE = 48
"""Most kinds in one region."""

BIOMES = 24
"""Groups of kinds; a region has kinds of three."""

SPREAD = 24
"""Directions in which the tiles of one kind differ."""

WAVES = 64
"""Cosines of which a region's smooth fields are made."""

REGION_ROWS = 1_667
"""Rows of a region on average: 600 regions in a million rows."""

MOST_PLACES = 100_000
"""Places of the largest region; a region is made in memory."""

VISITS = 4.2
"""Visits to a place, about, on average."""

MOST_VISITS = 12
"""Most visits to one place."""

SCENE_ROWS = 2_500
"""Most tiles of a scene: about those of a Sentinel-2 scene of 110 km."""

FIRST, LAST = 1_514_764_800, 1_767_052_800
"""Seconds since 1970 of the first and last visit: eight times 365 days from 2018-01-01."""

_YEAR = 365 * 86_400

_CHUNK = 20_000
"""Vectors made at once."""

LANDS = np.array(
    [[-125, -70, 28, 50], [-115, -90, 15, 28], [-80, -40, -35, 5], [-10, 30, 36, 60], [-15, 40, 5, 33],
     [12, 40, -34, 5], [40, 140, 45, 65], [45, 100, 22, 45], [100, 140, 22, 45], [95, 125, -8, 20],
     [115, 152, -38, -14], [165, 178, -46, -35]], float,
)  # fmt: skip
"""West, east, south, north of rectangles that are mostly land."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Region:
    """Places of one region and what grows there."""

    lon: NDArray[np.float64]
    """(places,) degrees."""
    lat: NDArray[np.float64]
    """(places,) degrees."""
    kinds: NDArray[np.int64]
    """(places,) number of the Gaussian."""
    shifts: Floats
    """(places, SPREAD) where in the Gaussian; neighbours are alike."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Visits:
    """Visits to places of a region, as columns of the archive."""

    places: NDArray[np.int64]
    """(n,) which place."""
    seconds: NDArray[np.int64]
    """(n,) since 1970."""
    sensors: NDArray[np.int64]
    """(n,) place in ``synthetic_tiles.SENSORS``."""
    cloud: NDArray[np.float64]
    """(n,) fraction, NaN where the sensor knows none."""


class SyntheticArchive:
    """The archive.

    Args:
        rows: Tiles in it.
        dim: Numbers in a vector.
        seed: The same seed gives the same archive.
    """

    def __init__(self, rows: int, dim: int, *, seed: int = 7) -> None:
        self.rows = rows
        self.dim = dim
        self._seed = seed
        rng = np.random.default_rng([seed, 0])
        self._spectrum = (np.arange(1, dim + 1) ** -0.55).astype(np.float32)
        self._turn = np.linalg.qr(rng.standard_normal((dim, dim)))[0].astype(np.float32)
        self._biome_of = rng.integers(0, BIOMES, KINDS)
        biomes = self._noise(rng, BIOMES)
        self._means = 0.8 * biomes[self._biome_of] + self._noise(rng, KINDS)
        strength = (np.arange(1, SPREAD + 1) ** -0.5).astype(np.float32)[None, :, None]
        self._axes = self._noise(rng, KINDS * SPREAD).reshape(KINDS, SPREAD, dim) * strength
        self._common = rng.permutation(1 / np.arange(1, KINDS + 1) ** 0.9)
        self._of_sensor = 0.9 * self._noise(rng, 3)
        self._of_season = self._noise(rng, 2)
        self._of_text = 0.9 * self._noise(rng, 1)

    def _noise(self, rng: np.random.Generator, count: int) -> Floats:
        """Random directions, (count, dim), most of them along the first axes."""
        return rng.standard_normal((count, self.dim), dtype=np.float32) * self._spectrum

    def scenes(self) -> Iterator[MadeScene]:
        """Yield the archive, region after region; exactly ``rows`` tiles in all."""
        left, number = self.rows, 0
        while left:
            region = self._region(number)
            visits = self._visits(region, np.random.default_rng([self._seed, 2, number]), left)
            yield from self._split(region, visits, number)
            left, number = left - len(visits.places), number + 1

    def image_queries(self, count: int) -> Floats:
        """Return (count, dim) unit vectors: visits that the archive does not hold to places that it holds."""
        last = max(1, self.rows // (4 * REGION_ROWS))
        found: list[Floats] = []
        rng = np.random.default_rng([self._seed, 3])
        while sum(map(len, found)) < count:
            region = self._region(int(rng.integers(0, last)))
            visits = self._visits(region, rng, MOST_PLACES * MOST_VISITS)
            some = rng.choice(len(visits.places), min(4, len(visits.places)), replace=False)
            found.append(self._vectors(region, _part(visits, some), rng))
        return np.concatenate(found)[:count]

    def text_queries(self, count: int) -> Floats:
        """Return (count, dim) unit vectors that lie off those of the archive, as those of sentences do."""
        rng = np.random.default_rng([self._seed, 4])
        first, second = rng.choice(KINDS, (2, count), p=self._common / self._common.sum())
        mixed = 0.8 * self._means[first] + 0.35 * self._means[second] + 0.5 * self._of_sensor[1] + self._of_text
        return self._unit(mixed + 0.3 * self._noise(rng, count))

    def _unit(self, vectors: Floats) -> Floats:
        turned: Floats = vectors @ self._turn
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
        return turned

    def _region(self, number: int) -> Region:
        rng = np.random.default_rng([self._seed, 1, number])
        # Pareto of shape 1.1 plus 0.15, cut off: about 6.2 on average.
        share = (rng.pareto(1.1) + 0.15) / 6.2
        places = int(np.clip(share * REGION_ROWS / VISITS, 16, MOST_PLACES))
        across, up = np.divmod(np.arange(places), int(np.ceil(np.sqrt(places))))
        areas = (LANDS[:, 1] - LANDS[:, 0]) * (LANDS[:, 3] - LANDS[:, 2])
        west, east, south, north = LANDS[rng.choice(len(LANDS), p=areas / areas.sum())]
        lon, lat = rng.uniform(west, east), rng.uniform(south, north)
        palette = self._palette(rng)
        waves = _waves(np.stack([across, up], axis=1), rng)
        field = waves @ rng.standard_normal((WAVES, len(palette)), dtype=np.float32)
        field += 0.25 * np.log(self._common[palette]).astype(np.float32)
        return Region(
            lon=np.clip(lon + across * SIDE / max(0.2, np.cos(np.radians(lat))), -179.9, 179.9),
            lat=np.clip(lat + up * SIDE, -84.9, 84.9),
            kinds=palette[field.argmax(axis=1)],
            shifts=waves @ rng.standard_normal((WAVES, SPREAD), dtype=np.float32),
        )

    def _palette(self, rng: np.random.Generator) -> NDArray[np.int64]:
        there = np.flatnonzero(np.isin(self._biome_of, rng.choice(BIOMES, 3, replace=False)))
        share = self._common[there] / self._common[there].sum()
        return rng.choice(there, min(PALETTE, len(there)), replace=False, p=share)

    def _visits(self, region: Region, rng: np.random.Generator, most: int) -> Visits:
        often = np.minimum(MOST_VISITS, 1 + rng.geometric(1 / VISITS, len(region.lon)))
        places = rng.permutation(np.repeat(np.arange(len(often)), often))[:most]
        lon, lat = region.lon[places], region.lat[places]
        usa = (lon > -125) & (lon < -66) & (lat > 25) & (lat < 50)
        radar = (rng.random(len(places)) < 0.3).astype(np.int64)
        sensors = np.where(usa & (rng.random(len(places)) < 0.35), 2, 1 - radar)
        return Visits(
            places=places,
            seconds=rng.integers(FIRST, LAST, len(places)),
            sensors=sensors,
            cloud=np.where(sensors == 1, np.floor(rng.beta(0.5, 1.2, len(places)) * 100) / 100, np.nan),
        )

    def _split(self, region: Region, visits: Visits, number: int) -> Iterator[MadeScene]:
        """Cut the visits of each sensor into scenes of following dates."""
        rng = np.random.default_rng([self._seed, 5, number])
        order = np.lexsort((visits.seconds, visits.sensors))
        cuts = np.searchsorted(visits.sensors[order], np.arange(1, 3))
        for sensor, rows in enumerate(np.split(order, cuts)):
            for part, start in enumerate(range(0, len(rows), SCENE_ROWS)):
                some = _part(visits, rows[start : start + SCENE_ROWS])
                yield MadeScene(
                    scene_id=f"r{number:06d}-{part:04d}",
                    sensor=sensor,
                    lon=region.lon[some.places],
                    lat=region.lat[some.places],
                    seconds=some.seconds,
                    cloud=some.cloud,
                    vectors=self._vectors(region, some, rng).astype(np.float16),
                    looks=region.kinds[some.places],
                )

    def _vectors(self, region: Region, visits: Visits, rng: np.random.Generator) -> Floats:
        parts = [np.arange(start, min(start + _CHUNK, len(visits.places)))
                 for start in range(0, len(visits.places), _CHUNK)]  # fmt: skip
        return np.concatenate([self._some_vectors(region, _part(visits, part), rng) for part in parts])

    def _some_vectors(self, region: Region, visits: Visits, rng: np.random.Generator) -> Floats:
        count = len(visits.places)
        kinds = region.kinds[visits.places]
        shifts = 0.55 * region.shifts[visits.places] + 0.35 * rng.standard_normal((count, SPREAD), dtype=np.float32)
        vectors = 0.22 * self._noise(rng, count) + self._of_sensor[visits.sensors]
        for kind in np.unique(kinds):
            rows = np.flatnonzero(kinds == kind)
            vectors[rows] += self._means[kind] + shifts[rows] @ self._axes[kind]
        half = np.where(region.lat[visits.places] < 0, -1, 1)  # seasons are opposite south of the equator
        phase = (2 * np.pi * (visits.seconds % _YEAR) / _YEAR * half).astype(np.float32)
        vectors += 0.35 * (np.cos(phase)[:, None] * self._of_season[0] + np.sin(phase)[:, None] * self._of_season[1])
        return self._unit(vectors)


def _waves(grid: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """(places, WAVES) cosines over a region whose length is 4 to 20 tiles: sums of them are smooth random fields."""
    directions = rng.standard_normal((2, WAVES)) / rng.uniform(4, 20)
    field: Floats = (np.cos(grid @ directions + rng.uniform(0, 2 * np.pi, WAVES)) * np.sqrt(2 / WAVES)).astype(
        np.float32
    )
    return field


def _part(visits: Visits, rows: NDArray[np.integer]) -> Visits:
    return Visits(
        places=visits.places[rows], seconds=visits.seconds[rows], sensors=visits.sensors[rows], cloud=visits.cloud[rows]
    )
