"""What the networks of an exported encoder see of a tile: the same as in the original encoder, without torch.

A folder's manifest names one of LOOKS. Each has the files it feeds, a version for the revision, `prepare` for a tile
and `feed`, which tells the file, the name of its input and the array.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core import InputError, Tile

from ._picture import PREPARATION, square_picture, square_planes
from ._sarclip import radar_planes
from ._smarties import RANGES, SIZE, known_sensors, sensor_planes


class ClipLooks:
    """Rendered pictures, resampled bicubically as CLIP does."""

    version = str(PREPARATION)
    files = ("image.onnx",)

    def __init__(self, size: int) -> None:
        self._size = size

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (size, size, 3) uint8."""
        return square_picture(tile, self._size, bicubic=True)

    def feed(self, batch: NDArray[np.generic]) -> tuple[str, str, NDArray[np.generic]]:
        """Return the file, the name of its input and the array."""
        _check(batch, np.uint8, (self._size, self._size, 3))
        return "image.onnx", "pictures", batch


class SarClipLooks:
    """The radar planes of SARCLIP."""

    version = str(PREPARATION)
    files = ("image.onnx",)

    def __init__(self, size: int) -> None:
        self._size = size

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (3, size, size) float32."""
        return square_planes(radar_planes(tile), tile.mask, self._size)

    def feed(self, batch: NDArray[np.generic]) -> tuple[str, str, NDArray[np.generic]]:
        """Return the file, the name of its input and the array."""
        _check(batch, np.float32, (3, self._size, self._size))
        return "image.onnx", "planes", batch


class SmartiesLooks:
    """The bands of SMARTIES; the network takes one plane for each wavelength range, NaN where there is none."""

    version = str(PREPARATION)
    files = ("image.onnx",)

    def __init__(self, size: int) -> None:
        del size  # there is only one

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (3, 12 or 2, 224, 224) float32."""
        return sensor_planes(tile)

    def feed(self, batch: NDArray[np.generic]) -> tuple[str, str, NDArray[np.generic]]:
        """Return the file, the name of its input and the array."""
        numbers = {len(sensor.bands): sensor for sensor in known_sensors().values()}
        if batch.ndim != 4 or batch.shape[1] not in numbers:
            raise InputError(f"planes must be (n, 2, 3 or 12, {SIZE}, {SIZE}) float32, got {batch.shape} {batch.dtype}")
        _check(batch, np.float32, (batch.shape[1], SIZE, SIZE))
        wide = np.full((len(batch), RANGES, SIZE, SIZE), np.nan, dtype=np.float32)
        wide[:, [band.projection for band in numbers[batch.shape[1]].bands]] = batch
        return "image.onnx", "planes", wide


LOOKS = {"clip": ClipLooks, "sarclip": SarClipLooks, "smarties": SmartiesLooks}


def _check(batch: NDArray[np.generic], dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    if batch.dtype != dtype or batch.shape[1:] != shape:
        wanted = f"(n, {', '.join(map(str, shape))}) {np.dtype(dtype)}"
        raise InputError(f"arrays must be {wanted}, got {batch.shape} {batch.dtype}")
