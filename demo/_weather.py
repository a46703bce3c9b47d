"""Clouds and their shadows over one scene on one date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo._noise import Image, blur, fractal, ramp, stream

CLOUD_SHARE = {("upland", 0): 0.06, ("upland", 2): 0.28, ("farmland", 0): 0.12, ("farmland", 2): 0.22,
               ("city", 1): 0.03, ("coast", 1): 0.07, ("coast", 2): 0.09}  # fmt: skip
"""Share of a scene under cloud by name and date; no entry is a clear sky."""

SUN_ELEVATION = (50.0, 62.0, 37.0)
"""Degrees at 46 N about 11 h solar time in mid April, mid July and early October."""

SUN_AZIMUTH = (155.0, 145.0, 163.0)
"""Degrees, likewise."""

CLOUD_BASE_M = 1100.0
"""Height of fair-weather cumulus over ground."""


@dataclass(frozen=True, kw_only=True)
class Sky:
    """What lies between sensor and ground, on 10 m pixels."""

    cloud: Image
    """(h, w) opacity, 0..1."""
    shadow: Image
    """(h, w) share of direct sunlight lost, 0..1."""
    grain: Image
    """(h, w) brightness of the clouds in standard deviations."""


def sky(scene: str, epoch: int, size: int, seed: int) -> Sky:
    """Return the sky over a scene of ``size`` pixels a side."""
    share = CLOUD_SHARE.get((scene, epoch), 0.0)
    if not share:
        clear = np.zeros((size, size), dtype=np.float32)
        return Sky(cloud=clear, shadow=clear, grain=clear)
    rng = stream(seed, "sky", scene, epoch)
    field = fractal(rng, size, exponent=1.45, coarsest=0.22) + 0.1 * fractal(rng, size, exponent=0.6)
    edge = float(np.quantile(field, 1 - share))
    cloud = blur(ramp(field, edge - 0.35, edge + 0.75), 0.25)
    shadow = ramp(field, edge - 0.05, edge + 0.5)
    down, right = _shift(epoch)
    return Sky(
        cloud=cloud,
        shadow=blur(np.roll(shadow, (down, right), axis=(0, 1)), 0.25),
        grain=(field - edge - 0.7).astype(np.float32),
    )


def _shift(epoch: int) -> tuple[int, int]:
    """Return by how many pixels a shadow lies below (negative: north) and right of its cloud."""
    length = CLOUD_BASE_M / np.tan(np.radians(SUN_ELEVATION[epoch])) / 10.0
    azimuth = np.radians(SUN_AZIMUTH[epoch])
    return round(length * float(np.cos(azimuth))), round(-length * float(np.sin(azimuth)))


def classify(view: Sky, covers: NDArray[np.bool_], vegetation: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the Sentinel-2 scene classification (h, w) that a perfect classifier would give.

    Args:
        view: The sky.
        covers: (h, w), True on water.
        vegetation: (h, w), True on green plants.

    Classes: 3 shadow, 4 vegetation, 5 not vegetated, 6 water, 8 and 9 cloud (medium, high), 10 thin cloud
    (https://sentiwiki.copernicus.eu/web/s2-processing#S2Processing-SceneClassification).
    """
    scl = np.where(covers, 6, np.where(vegetation, 4, 5)).astype(np.uint8)
    scl[view.shadow > 0.35] = 3
    for opacity, value in ((0.08, 10), (0.35, 8), (0.7, 9)):
        scl[view.cloud > opacity] = value
    return scl
