"""The colours of one scene: every surface's mixture drawn afresh, so that no two scenes share a spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo._noise import Image
from demo.worlds._materials import materials
from demo.worlds._surfaces import LOOKS, OPEN_WATER, Climate, Season, Surface, weathered

CODES = max(Surface) + 1

CONCENTRATION = 9.0
"""Dirichlet concentration of the mixtures; the greater, the closer to the table. Chosen by eye on contact sheets."""

SCENE_SHIFT = 0.8
"""Standard deviations by which a surface's mean moves from scene to scene; TerraMind's forests of two sites differ by
1.2 of their within-site deviation."""


SHELTERED_DB = (-6.8, -9.0)
"""Flood water between fields is calmer than the lagoon its materials come from: with this shift the median flood lies
7.9 (VV) and 6.7 dB (VH) under the median crop; 8.2 and 8.6 dB by Sen1Floods11's hand labels (`statistics.toml`)."""


@dataclass(frozen=True, kw_only=True)
class Palette:
    """Look-up tables by surface code."""

    mean: Image
    """(codes, 12) reflectance."""
    variation: Image
    """(codes, 2, 12) reflectance for one standard deviation."""
    power_db: Image
    """(codes, 2) gamma0 of VV and VH in dB."""
    texture_db: Image
    """(codes, 2) dB beyond speckle."""


def palette(rng: np.random.Generator, season: Season, climate: Climate, vigour: float) -> Palette:
    """Return the colours of a scene."""
    table = materials()
    shares = _shares(rng, season, climate, vigour)
    power = shares @ table.power
    texture = np.sqrt(shares @ table.texture_db**2)
    variation = np.einsum("cm,mkb->ckb", shares, table.variation)
    mean = shares @ table.mean
    shift = rng.normal(0, SCENE_SHIFT, (CODES, 2, 1)).astype(np.float32).clip(-1.6, 1.6)
    mean = mean + (variation * shift).sum(axis=1)
    power_db = 10 * np.log10(np.maximum(power, 1e-6)) + _moisture(rng)
    return Palette(
        mean=np.maximum(mean, 0.15 * (shares @ table.mean)).astype(np.float32),
        variation=variation.astype(np.float32),
        power_db=power_db.astype(np.float32),
        texture_db=np.clip(texture, 0.4, None).astype(np.float32),
    )


def _shares(rng: np.random.Generator, season: Season, climate: Climate, vigour: float) -> Image:
    """Return (codes, materials) shares that sum to one on each used row."""
    table = materials()
    shares = np.zeros((CODES, len(table.names)), dtype=np.float32)
    for surface in LOOKS:
        mixed = weathered(surface, season, climate, vigour)
        rows = [table.row(name) for name in mixed]
        parts = rng.gamma(np.maximum(np.array(list(mixed.values())) * CONCENTRATION, 0.05))
        shares[surface, rows] = parts / parts.sum()
    return shares


def _moisture(rng: np.random.Generator) -> Image:
    """Return (codes, 2) dB by which wind, moisture and frost move backscatter in this scene."""
    shift = rng.normal(0, 0.9, (CODES, 1)) + rng.normal(0, 0.4, (CODES, 2)) + rng.normal(0, 0.7)
    wind = float(rng.normal(0, 3.0))
    for surface in OPEN_WATER:
        shift[surface] += (wind, 0.35 * wind)
    shift[Surface.FLOOD] += SHELTERED_DB
    if rng.random() < 0.4:  # wet snow
        shift[Surface.SNOW] -= rng.uniform(2, 7)
    return np.asarray(shift, dtype=np.float32)
