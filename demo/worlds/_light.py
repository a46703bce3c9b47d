"""Sentinel-2 surface reflectance of a painted landscape: texture, relief, cloud, haze, each band's own sharpness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo._noise import Image, blur, coarsen, ramp, shrink
from demo._optical import SHADOW_LOSS
from demo.worlds._canvas import OVERSAMPLING, Canvas, fields
from demo.worlds._materials import materials
from demo.worlds._palette import Palette

NATIVE_M = np.array([60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 20, 20])
"""Metres a pixel of each band (https://sentiwiki.copernicus.eu/web/s2-mission#S2Mission-SpatialResolution)."""

WAVELENGTH_UM = np.array([0.443, 0.492, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 0.945, 1.614, 2.202])
"""Centre wavelengths of Sentinel-2A
(https://sentinels.copernicus.eu/web/sentinel/technical-guides/sentinel-2-msi/msi-instrument)."""

HAZE_EXPONENT = 2.2
"""Fall of residual haze with wavelength, between aerosol (about 1.3) and Rayleigh (4)."""

NOISE = 0.0012
"""See `demo._optical.NOISE`."""


@dataclass(frozen=True, kw_only=True)
class Grains:
    """Variation within surfaces, shared by light and radar so that both show the same fields and crowns."""

    first: Image
    """(side, side) standard deviations along the first direction."""
    second: Image
    """(side, side) along the second."""


@dataclass(frozen=True, kw_only=True)
class Light:
    """One optical acquisition."""

    pixels: Image
    """(12, h, w) reflectance."""
    cloud: Image
    """(h, w) opacity of cloud, 0..1."""


def grains(canvas: Canvas) -> Grains:
    """Return variation by object, smooth, and pixel by pixel."""
    rng = canvas.rng
    objects = rng.standard_normal((int(canvas.objects.max()) + 1, 2), dtype=np.float32).clip(-2, 2)
    objects[0] = 0
    fine = rng.standard_normal((2, canvas.side, canvas.side), dtype=np.float32)
    smooth = fields(rng, canvas.side, 1.3, 0.3)
    parts = [
        np.float32(0.75) * objects[canvas.objects, index]
        + np.float32(0.6) * smooth[index]
        + np.float32(0.5) * fine[index]
        for index in range(2)
    ]
    return Grains(first=parts[0], second=parts[1])


def light(canvas: Canvas, colours: Palette, grain: Grains, sun: tuple[float, float], cloudiness: float) -> Light:
    """Return what Sentinel-2 sees.

    Args:
        canvas: The painted landscape.
        colours: Colours of the scene.
        grain: Variation within surfaces.
        sun: Elevation and azimuth in degrees.
        cloudiness: Share of the picture under cloud.
    """
    ground = _ground(canvas, colours, grain)
    shade = _shade(canvas, sun)
    image = ground * shade * np.float32(canvas.rng.normal(1, 0.07))
    cloud, shadow = _sky(canvas, cloudiness)
    image *= 1 - np.array(SHADOW_LOSS, dtype=np.float32)[:, None, None] * shadow
    image += cloud * (_white(canvas) - image)
    image = _sharpness(image + _haze(canvas), canvas.gsd)
    noise = canvas.rng.standard_normal(image.shape, dtype=np.float32)
    image += np.float32(NOISE) * noise * np.sqrt(np.maximum(image, 0.01) * 10)
    return Light(pixels=np.clip(image, 1e-4, 1.6).astype(np.float32), cloud=cloud)


def _ground(canvas: Canvas, colours: Palette, grain: Grains) -> Image:
    codes = canvas.cover.astype(np.intp)
    fine = np.take(colours.mean.T, codes, axis=1)
    fine += np.take(colours.variation[:, 0].T, codes, axis=1) * grain.first
    fine += np.take(colours.variation[:, 1].T, codes, axis=1) * grain.second
    np.maximum(fine, 0.001, out=fine)
    return np.stack([shrink(band, OVERSAMPLING) for band in fine])


def _shade(canvas: Canvas, sun: tuple[float, float]) -> Image:
    """Return the light on slopes relative to flat ground (h, w)."""
    elevation, azimuth = np.radians(sun)
    down, right = np.gradient(shrink(canvas.height, OVERSAMPLING), canvas.gsd)
    toward = -(right * np.sin(azimuth) - down * np.cos(azimuth))
    steep = np.sqrt(1 + down**2 + right**2)
    lit = (np.sin(elevation) + np.cos(elevation) * toward) / (steep * np.sin(elevation))
    return np.asarray(np.clip(0.25 + 0.75 * lit, 0.18, 1.7), dtype=np.float32)


def _sky(canvas: Canvas, cloudiness: float) -> tuple[Image, Image]:
    """Return opacity of cloud and of its shadow (h, w)."""
    rng, size = canvas.rng, canvas.size
    if not cloudiness:
        return np.zeros((size, size), dtype=np.float32), np.zeros((size, size), dtype=np.float32)
    field = fields(rng, size, float(rng.choice([1.7, 2.0, 2.4])), float(rng.choice([0.25, 0.5, 1.0])))[0]
    edge = float(np.quantile(field, 1 - cloudiness))
    softness = float(rng.choice([0.4, 0.8, 1.8]))
    cloud = ramp(field, edge - 0.5 * softness, edge + softness) * np.float32(rng.uniform(0.5, 1.0))
    shift = tuple(rng.integers(-14, 15, 2))
    return cloud, np.roll(ramp(field, edge, edge + 0.5), shift, axis=(0, 1)) * np.float32(rng.uniform(0.4, 1))


def _white(canvas: Canvas) -> Image:
    """Return the spectrum (12, 1, 1) of this scene's clouds."""
    table = materials()
    rows = [table.row("cloud"), table.row("bright-cloud")]
    share = canvas.rng.dirichlet((1.0, 0.7))
    shift = canvas.rng.normal(0, 0.6)
    spectrum = share @ (table.mean[rows] + table.variation[rows, 0] * shift)
    return np.asarray(np.clip(spectrum, 0.15, 1.2)[:, None, None], dtype=np.float32)


def _haze(canvas: Canvas) -> Image:
    """Return path radiance (12, 1, 1) that atmospheric correction left, or took too much of."""
    amount = canvas.rng.normal(0.001, 0.006) + (canvas.rng.exponential(0.015) if canvas.rng.random() < 0.2 else 0)
    spectrum = amount * (WAVELENGTH_UM / 0.443) ** -HAZE_EXPONENT
    return np.asarray(spectrum[:, None, None], dtype=np.float32)


def _sharpness(image: Image, gsd: float) -> Image:
    """Return the bands with the point spread of the instrument and their native pixel."""
    for index, native in enumerate(NATIVE_M):
        image[index] = blur(image[index], 0.09)
        ratio = round(float(native) / max(gsd, 10.0))
        if ratio > 1:
            image[index] = coarsen(image[index], ratio)
    return image
