"""Sentinel-1 RTC pixels from cover: gamma0 as linear power, with speckle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from demo._covers import palette, statistics
from demo._ground import Ground
from demo._noise import Image, shrink

POLARISATIONS = ("VV", "VH")
"""Bands in file order."""

_KERNEL = (0.15, 0.7, 0.15)
"""Weights along each axis that tie the speckle of neighbours: a 20 m resolution cell on a 10 m grid."""

MANTISSA_BITS = 11
"""Bits kept of the float32 mantissa (steps of 0.002 dB), so that files deflate."""


def render_radar(ground: Ground, epoch: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return gamma0 (2, h, w) as linear power on 10 m; 0 is nodata and does not occur."""
    return np.stack([_polarisation(ground, epoch, index, rng) for index in range(len(POLARISATIONS))])


def _polarisation(ground: Ground, epoch: int, index: int, rng: np.random.Generator) -> Image:
    codes = ground.covers[epoch]
    tables = palette(epoch)
    # Texture is log-normal about the mean power: its own mean is divided out.
    spread = tables.texture_db[:, index] * np.float32(np.log(10) / 10)
    drift = np.exp(-0.5 * spread**2).astype(np.float32)
    fine = tables.power[:, index][codes] * drift[codes] * np.exp(spread[codes] * _unit(ground.grains[1]))
    power = shrink(fine, 2) * _speckle(rng, (codes.shape[0] // 2, codes.shape[1] // 2))
    return _rounded(np.maximum(power, np.float32(1e-5)))


def _unit(grain: Image) -> Image:
    return np.clip(grain, -1.8, 1.8)


def _speckle(rng: np.random.Generator, shape: tuple[int, int]) -> Image:
    """Return unit-mean multiplicative noise with the measured number of looks, tied between neighbours."""
    weights = np.array(_KERNEL)
    shrinkage = float((weights**2).sum() ** 2)
    looks = statistics()["speckle"]["looks"] * shrinkage
    raw = (rng.standard_gamma(looks, (shape[0] + 2, shape[1] + 2)) / looks).astype(np.float32)
    rows = sum(np.float32(weight) * raw[by : by + shape[0]] for by, weight in enumerate(_KERNEL))
    return np.asarray(
        sum(np.float32(weight) * rows[:, by : by + shape[1]] for by, weight in enumerate(_KERNEL)), dtype=np.float32
    )


def _rounded(power: Image) -> Image:
    drop = 23 - MANTISSA_BITS
    bits = power.astype(np.float32).view(np.uint32) + np.uint32(1 << (drop - 1))
    return np.asarray((bits >> drop << drop).view(np.float32))
