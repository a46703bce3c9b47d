"""Sentinel-1 gamma0 of a painted landscape in dB: texture, double bounce, relief, speckle, noise floor."""

from __future__ import annotations

import numpy as np

from demo._noise import Image, shrink
from demo.worlds._canvas import OVERSAMPLING, Canvas
from demo.worlds._light import Grains
from demo.worlds._palette import Palette
from demo.worlds._surfaces import Surface

LOOKS = (1.0, 8.0)
"""Equivalent numbers of looks: single look to the multi-looked products; TerraMind's S1RTC has 4.6."""

SPECKLE_WIDTH = (0.35, 1.2)
"""Pixels (standard deviation) over which speckle is tied; the forest of TerraMind 282D_485L_3_3 has a lag-one
correlation of 0.70 to 0.78, that of 0.9 pixels."""

NOISE_FLOOR_DB = (-29.0, -23.0)
"""Range of noise-equivalent sigma0 in interferometric wide swath; the requirement is -22 dB
(https://sentiwiki.copernicus.eu/web/s1-mission)."""

_WALLS = (Surface.ROOF, Surface.ROOF_DARK, Surface.HALL, Surface.SHIP, Surface.BRIDGE)
_DB = np.float32(np.log(10) / 10)


def echo(canvas: Canvas, colours: Palette, grain: Grains) -> Image:
    """Return gamma0 (2, h, w) in dB, VV and VH."""
    rng = canvas.rng
    codes = canvas.cover.astype(np.intp)
    common = np.float32(0.8) * (grain.first - grain.second).clip(-2.5, 2.5) * np.float32(0.75)
    slope = _slope(canvas)
    looks = float(np.exp(rng.uniform(*np.log(LOOKS))))
    width = float(rng.uniform(*SPECKLE_WIDTH))
    calibration = rng.normal(0, 0.6)
    walls = _walls(canvas)
    planes = []
    for index in range(2):
        spread = np.take(colours.texture_db[:, index], codes)
        decibel = np.take(colours.power_db[:, index], codes) + spread * common - np.float32(0.1) * spread**2
        decibel += np.float32(0.35 - 0.7 * index) * spread * grain.second.clip(-2, 2)
        decibel += walls * np.float32(1.0 if index == 0 else 0.6)
        power = shrink(np.exp(decibel * _DB), OVERSAMPLING) * np.exp((slope + np.float32(calibration)) * _DB)
        floor = np.float32(10 ** (rng.uniform(*NOISE_FLOOR_DB) / 10))
        planes.append((power + floor) * speckle(rng, canvas.size, looks, width))
    return np.asarray(10 * np.log10(np.maximum(np.stack(planes), 1e-5)), dtype=np.float32)


def _walls(canvas: Canvas) -> Image:
    """Return dB of corner reflection: each building turns its walls to the radar or away."""
    offsets = canvas.rng.normal(0, 2.5, int(canvas.objects.max()) + 1).astype(np.float32)
    return np.asarray(np.where(np.isin(canvas.cover, _WALLS), offsets[canvas.objects], 0), dtype=np.float32)


def _slope(canvas: Canvas) -> Image:
    """Return dB that terrain correction leaves: slopes that face the radar stay bright, those behind stay dark."""
    look = canvas.rng.choice([80.0, 280.0]) + canvas.rng.normal(0, 6)
    down, right = np.gradient(shrink(canvas.height, OVERSAMPLING), canvas.gsd)
    facing = right * np.sin(np.radians(look)) - down * np.cos(np.radians(look))
    return np.asarray(np.clip(facing * np.float32(canvas.rng.uniform(2, 9)), -9, 6), dtype=np.float32)


def speckle(rng: np.random.Generator, size: int, looks: float, width: float) -> Image:
    """Return unit-mean gamma noise (size, size) with about ``looks`` looks after smoothing by ``width`` pixels."""
    reach = max(2, round(4 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= kernel.sum()
    shape = max(looks * float((kernel**2).sum() ** 2), 0.2)
    raw = rng.standard_gamma(shape, (size, size), dtype=np.float32) / np.float32(shape)
    for axis in (0, 1):
        rolled = [np.float32(weight) * np.roll(raw, by, axis) for by, weight in enumerate(kernel, -reach)]
        raw = np.add.reduce(rolled)
    return np.asarray(raw, dtype=np.float32)
