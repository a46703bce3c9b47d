"""A made-up world of places: where tiles lie, what kind of land they show, and how embeddings of land are spread.

Archives are not evenly spread and neither are their embeddings: a few large areas of interest hold most tiles, a few
kinds of land are common and most are rare, neighbours look alike, and a handful of directions carry most of the
variance. Each of these decides how well an index can do, so each is a number below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

KINDS = 2_000
"""Kinds of land: Gaussians of the mixture."""

BIOMES = 24
"""Families of kinds; an area draws its kinds from three of them."""

RANK = 24
"""Directions in which a kind varies."""

PALETTE = 48
"""Most kinds in one area."""

AREAS = 600
"""Areas of interest; their sizes follow a Pareto law of exponent 1.1, so the largest hold most of the tiles."""

WAVES = 64
"""Random waves whose sum makes a field that is smooth in space."""

VISITS = 4.2
"""Mean dates a place was seen on, 12 at most."""

STEP_KM = 2.24
"""Side of a tile: 224 pixels of 10 m."""

KM_PER_DEGREE = 111.0
"""Along a meridian."""

LAND = np.array(
    [
        (-125, -70, 28, 50), (-115, -90, 15, 28), (-80, -40, -35, 5), (-10, 30, 36, 60), (-15, 40, 5, 33),
        (12, 40, -34, 5), (40, 140, 45, 65), (45, 100, 22, 45), (100, 140, 22, 45), (95, 125, -8, 20),
        (115, 152, -38, -14), (165, 178, -46, -35),
    ],
    dtype=float,
)  # fmt: skip
"""west, east, south, north of boxes that are mostly land."""

SPECTRUM = 0.55
"""Direction number n has standard deviation n ** -SPECTRUM: real encoders fall off about like this."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Land:
    """How embeddings of each kind of land are spread, before the last rotation."""

    middles: Floats
    """(KINDS, dim)"""
    spreads: Floats
    """(KINDS, RANK, dim) what one unit of each hidden number adds."""
    shares: NDArray[np.float64]
    """(KINDS,) how common each is: a Zipf law of exponent 0.9."""
    biome: NDArray[np.int64]
    """(KINDS,)"""
    scale: Floats
    """(dim,) standard deviation of each direction."""
    turn: Floats
    """(dim, dim) rotation that hides the directions, as an encoder does."""


def make_land(dim: int, rng: np.random.Generator) -> Land:
    """Return 2,000 kinds of land in ``dim`` numbers."""
    scale = (np.arange(1, dim + 1) ** -SPECTRUM).astype(np.float32)
    biomes = _normal(rng, BIOMES, dim) * scale
    biome = rng.integers(0, BIOMES, KINDS)
    weaker = (np.arange(1, RANK + 1) ** -0.5).astype(np.float32)
    return Land(
        middles=biomes[biome] * np.float32(0.8) + _normal(rng, KINDS, dim) * scale,
        spreads=_normal(rng, KINDS, RANK, dim) * scale * weaker[None, :, None],
        shares=rng.permutation(1 / np.arange(1, KINDS + 1) ** 0.9),
        biome=biome,
        scale=scale,
        turn=np.linalg.qr(rng.standard_normal((dim, dim)))[0].astype(np.float32),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Where tiles lie; a place is seen on several dates."""

    lon: Floats
    """(n,) degrees."""
    lat: Floats
    """(n,) degrees."""
    kind: NDArray[np.int64]
    """(n,) of land."""
    hidden: Floats
    """(n, RANK) smooth in space: what makes neighbours of one kind alike."""


def make_places(count: int, land: Land, rng: np.random.Generator) -> Places:
    """Return at least ``count`` places on regular grids inside areas of interest."""
    sizes = rng.pareto(1.1, AREAS) + 0.15
    numbers = np.maximum(16, np.ceil(sizes / sizes.sum() * count)).astype(int)
    areas = [_area(number, land, rng) for number in numbers]
    return Places(**{name: np.concatenate([getattr(area, name) for area in areas]) for name in _FIELDS})


_FIELDS = ("lon", "lat", "kind", "hidden")


def _area(count: int, land: Land, rng: np.random.Generator) -> Places:
    surface = (LAND[:, 1] - LAND[:, 0]) * (LAND[:, 3] - LAND[:, 2])
    west, east, south, north = LAND[rng.choice(len(LAND), p=surface / surface.sum())]
    middle_lat, middle_lon = rng.uniform(south, north), rng.uniform(west, east)
    row, column = np.divmod(np.arange(count), int(np.ceil(np.sqrt(count))))
    step = STEP_KM / KM_PER_DEGREE
    lon = middle_lon + column * step / max(0.2, np.cos(np.radians(middle_lat)))
    waves = _waves(row, column, rng)
    palette = _palette(land, rng)
    leaning = waves @ _normal(rng, WAVES, len(palette)) + np.log(land.shares[palette] + 1e-9) * 0.25
    return Places(
        lon=((lon + 180) % 360 - 180).astype(np.float32),
        lat=np.clip(middle_lat + row * step, -85, 85).astype(np.float32),
        kind=palette[leaning.argmax(axis=1)],
        hidden=waves @ _normal(rng, WAVES, RANK),
    )


def _palette(land: Land, rng: np.random.Generator) -> NDArray[np.int64]:
    """Kinds that occur in an area."""
    candidates = np.flatnonzero(np.isin(land.biome, rng.choice(BIOMES, 3, replace=False)))
    shares = land.shares[candidates] / land.shares[candidates].sum()
    return rng.choice(candidates, min(PALETTE, len(candidates)), replace=False, p=shares)


def _waves(row: NDArray[np.int64], column: NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """(n, WAVES) values of random waves, 4 to 20 tiles long, at the places of a grid."""
    length = rng.uniform(4, 20)
    directions, phases = rng.standard_normal((WAVES, 2)) / length, rng.uniform(0, 2 * np.pi, WAVES)
    steps = np.stack([column, row], axis=1) @ directions.T + phases
    return np.asarray(np.cos(steps) * np.sqrt(2 / WAVES), dtype=np.float32)


def _normal(rng: np.random.Generator, *shape: int) -> Floats:
    return rng.standard_normal(shape, dtype=np.float32)
