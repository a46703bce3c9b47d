"""Sentinel-2 L2A pixels from cover: mixing, texture, relief, cloud and each band's own sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo._covers import WATER, palette, statistics
from demo._ground import Ground
from demo._noise import Image, blur, coarsen, shrink
from demo._weather import Sky, classify

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
"""Bands of Sentinel-2 L2A, in file order; B10 holds no ground and is not part of L2A."""

RESOLUTION = {"B01": 6, "B09": 6, "B05": 2, "B06": 2, "B07": 2, "B8A": 2, "B11": 2, "B12": 2}
"""Pixels of 10 m in a native pixel, where more than one
(https://sentiwiki.copernicus.eu/web/s2-mission#S2Mission-SpatialResolution)."""

SHADOW_LOSS = (0.55, 0.58, 0.62, 0.66, 0.68, 0.70, 0.71, 0.72, 0.73, 0.74, 0.76, 0.78)
"""Share of light a full cloud shadow takes from each band: blue sky still lights it, so blue loses least. Assumed."""

SEASON_GAIN = (1.0, 1.0, 0.94)
"""Autumn is a little darker: residual of the lower sun. Assumed."""

NOISE = 0.0012
"""Reflectance noise; Sentinel-2 reaches a signal-to-noise ratio of 100-170 at reference radiance
(https://sentiwiki.copernicus.eu/web/s2-mission#S2Mission-MSIInstrument)."""


@dataclass(frozen=True, kw_only=True)
class OpticalScene:
    """One acquisition."""

    pixels: NDArray[np.uint16]
    """(12, h, w) DN on 10 m; reflectance times 10,000, 0 is nodata and does not occur."""
    scl: NDArray[np.uint8]
    """(h / 2, w / 2) scene classification on 20 m."""


def render_optical(ground: Ground, view: Sky, epoch: int, rng: np.random.Generator) -> OpticalScene:
    """Return what Sentinel-2 would deliver of this ground under this sky."""
    codes = ground.covers[epoch]
    bands = [_band(ground, view, epoch, index, rng) for index in range(len(BANDS))]
    red, nir = bands[3], bands[7]
    wet = shrink(np.isin(codes, WATER).astype(np.float32), 2) > 0.5
    scl = classify(view, wet, (nir - red) > 0.35 * (nir + red))
    pixels = np.stack([np.clip(np.rint(band * 1e4), 1, 65535).astype(np.uint16) for band in bands])
    return OpticalScene(pixels=pixels, scl=scl[::2, ::2])


def _band(ground: Ground, view: Sky, epoch: int, index: int, rng: np.random.Generator) -> Image:
    """Return one band's surface reflectance (h, w) on 10 m."""
    codes, tables = ground.covers[epoch], palette(epoch)
    fine = tables.mean[:, index][codes]
    for variation, grain in zip(tables.variation, ground.grains, strict=True):
        fine += variation[:, index][codes] * grain
    image = shrink(np.maximum(fine, 0.002), 2) * ground.shade * np.float32(SEASON_GAIN[epoch])
    image = blur(image, 0.11) * (1 - np.float32(SHADOW_LOSS[index]) * view.shadow)
    cloud = statistics()["cloud"]
    white = cloud["reflectance"][index] + cloud["variation"][0][index] * np.clip(view.grain, -2, 2.5)
    image = image + view.cloud * (white.astype(np.float32) - image)
    native = RESOLUTION.get(BANDS[index], 1)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.sqrt(np.maximum(image, 0.01) * 10)
    # Coarse pixels average the noise of fine ones, so it starts that much stronger.
    image = image + np.float32(NOISE * native) * noise
    return coarsen(image, native) if native > 1 else np.asarray(image, dtype=np.float32)
