"""What the networks of an encoder folder see of a tile, as in training or in the original encoder, without torch.

A folder's manifest names one of LOOKS, or its inputs tell. Each has the files it feeds, a version for the revision,
`prepare` for a tile and `feed`, which tells the file, the name of its input and the array.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core import InputError, Tile, UnknownNameError

from ._picture import PREPARATION, square_picture, square_planes
from ._planes import COLOURS, PLANES_VERSION, RANGES, planes
from ._sarclip import radar_planes
from ._smarties import RANGES as PROJECTIONS
from ._smarties import SIZE, known_sensors, sensor_planes
from ._weights import Manifest


class PictureLooks:
    """Rendered pictures through image.onnx."""

    version = str(PREPARATION)
    files: tuple[str, ...] = ("image.onnx",)
    bicubic = False

    def __init__(self, size: int) -> None:
        self._size = size

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (size, size, 3) uint8."""
        return square_picture(tile, self._size, bicubic=self.bicubic)

    def feed(self, batch: NDArray[np.generic]) -> tuple[str, str, NDArray[np.generic]]:
        """Return the file, the name of its input and the array."""
        _check(batch, np.uint8, (self._size, self._size, 3))
        return "image.onnx", "pictures", batch


class ClipLooks(PictureLooks):
    """Rendered pictures, resampled bicubically as CLIP does."""

    bicubic = True


class PlanesLooks:
    """Wavelength ranges through optical.onnx, polarisations through radar.onnx, told apart by their number."""

    version = f"p{PLANES_VERSION}"
    files: tuple[str, ...] = ("optical.onnx", "radar.onnx")

    def __init__(self, size: int) -> None:
        self._size = size

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (3, 12 or 2, size, size) uint8, see `_planes.planes`."""
        return planes(tile, self._size)

    def feed(self, batch: NDArray[np.generic]) -> tuple[str, str, NDArray[np.generic]]:
        """Return the file, the name of its input and the array, with all ranges where it is optical."""
        size = self._size
        shapes = [(count, size, size) for count in (2, len(COLOURS), len(RANGES))]
        if batch.dtype != np.uint8 or batch.shape[1:] not in shapes:
            raise InputError(f"planes must be (n, 2, 3 or 12, {size}, {size}) uint8, got {batch.shape} {batch.dtype}")
        if batch.shape[1] == len(COLOURS):
            wide = np.zeros((len(batch), len(RANGES), size, size), dtype=np.uint8)
            wide[:, list(COLOURS)] = batch
            batch = wide
        return ("radar.onnx" if batch.shape[1] == 2 else "optical.onnx"), "planes", batch


class SarClipLooks:
    """The radar planes of SARCLIP."""

    version = str(PREPARATION)
    files: tuple[str, ...] = ("image.onnx",)

    def __init__(self, size: int) -> None:
        self._size = size

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return (3, size, size) float32."""
        return square_planes(radar_planes(tile), tile.mask, self._size, bicubic=True)

    def feed(self, batch: NDArray[np.generic]) -> tuple[str, str, NDArray[np.generic]]:
        """Return the file, the name of its input and the array."""
        _check(batch, np.float32, (3, self._size, self._size))
        return "image.onnx", "planes", batch


class SmartiesLooks:
    """The bands of SMARTIES; the network takes one plane for each wavelength range, NaN where there is none."""

    version = str(PREPARATION)
    files: tuple[str, ...] = ("image.onnx",)

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
        wide = np.full((len(batch), PROJECTIONS, SIZE, SIZE), np.nan, dtype=np.float32)
        wide[:, [band.projection for band in numbers[batch.shape[1]].bands]] = batch
        return "image.onnx", "planes", wide


Looks = PictureLooks | PlanesLooks | SarClipLooks | SmartiesLooks
LOOKS: dict[str, Callable[[int], Looks]] = {"clip": ClipLooks, "sarclip": SarClipLooks, "smarties": SmartiesLooks}


def looks_of(manifest: Manifest) -> Looks:
    """Return how a folder's networks look at tiles.

    Raises:
        UnknownNameError: The manifest names a way that is not in LOOKS.
    """
    if manifest.looks is None:
        return (PlanesLooks if "optical" in manifest.inputs else PictureLooks)(manifest.size)
    if manifest.looks not in LOOKS:
        raise UnknownNameError(f"way to look of {manifest.folder}", manifest.looks, tuple(LOOKS))
    return LOOKS[manifest.looks](manifest.size)


def _check(batch: NDArray[np.generic], dtype: type[np.generic], shape: tuple[int, ...]) -> None:
    if batch.dtype != dtype or batch.shape[1:] != shape:
        wanted = f"(n, {', '.join(map(str, shape))}) {np.dtype(dtype)}"
        raise InputError(f"arrays must be {wanted}, got {batch.shape} {batch.dtype}")
