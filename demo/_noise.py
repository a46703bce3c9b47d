"""Seeded noise, and the little image arithmetic the generator needs."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return a random stream of its own for these names, so that adding one draw elsewhere changes nothing here."""
    return np.random.default_rng([seed, zlib.crc32("/".join(map(str, names)).encode())])


def fractal(rng: np.random.Generator, size: int, *, exponent: float, coarsest: float = 0.5) -> Image:
    """Return a (size, size) field of zero mean and unit variance that wraps round at its edges.

    Args:
        rng: Random stream.
        size: Pixels a side.
        exponent: Fall of the amplitude with frequency; 0 is white, 2 is rolling hills.
        coarsest: Longest wavelength as a fraction of the side.
    """
    spectrum = np.fft.rfft2(rng.standard_normal((size, size), dtype=np.float32))
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]) * size
    amplitude = np.maximum(frequency, 1 / coarsest) ** -exponent
    amplitude[0, 0] = 0
    field = np.fft.irfft2(spectrum * amplitude.astype(np.float32), s=(size, size)).astype(np.float32)
    return np.asarray(field / field.std(), dtype=np.float32)


def blur(image: Image, weight: float) -> Image:
    """Return the image smoothed by (weight, 1 - 2 weight, weight) along both axes; edges repeat."""
    padded = np.pad(image, ((1, 1), (0, 0)), mode="edge")
    image = np.float32(1 - 2 * weight) * image + np.float32(weight) * (padded[:-2] + padded[2:])
    padded = np.pad(image, ((0, 0), (1, 1)), mode="edge")
    return np.asarray(
        np.float32(1 - 2 * weight) * image + np.float32(weight) * (padded[:, :-2] + padded[:, 2:]), dtype=np.float32
    )


def shrink(image: Image, by: int) -> Image:
    """Return block means of a (h, w) image whose sides are multiples of ``by``."""
    parts = [image[row::by, col::by] for row in range(by) for col in range(by)]
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return np.asarray(total / np.float32(by * by), dtype=np.float32)


def coarsen(image: Image, by: int) -> Image:
    """Return the image as a band of ``by`` times coarser pixels resampled back to the same grid."""
    height, width = image.shape
    padded = np.pad(image, ((0, -height % by), (0, -width % by)), mode="edge")
    wide = shrink(padded, by).repeat(by, axis=0).repeat(by, axis=1)[:height, :width]
    for _ in range(by - 1):
        wide = blur(wide, 0.25)
    return wide


def ramp(values: Image, low: float, high: float) -> Image:
    """Return a smooth step from 0 at ``low`` to 1 at ``high``."""
    position = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(position * position * (3 - 2 * position), dtype=np.float32)
