"""From a tile to what a network sees: the square 8-bit picture, or its bands as planes in physical units."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import Tile

PREPARATION = 1
"""Part of every revision of an encoder that looks through this module: raise it when the same tile looks different."""

Number = TypeVar("Number", bound=np.number)


def square_picture(tile: Tile, size: int, *, bicubic: bool = False) -> NDArray[np.uint8]:
    """Return (size, size, 3): the tile in its sensor's fixed display stretch, resampled with antialiasing.

    Args:
        tile: Any tile whose sensor has a rendering.
        size: Side in pixels.
        bicubic: Resample with cubic instead of linear interpolation.
    """
    picture = Image.fromarray(filled(tile.picture, tile.mask))
    if picture.size != (size, size):
        picture = picture.resize((size, size), _resampling(bicubic=bicubic))
    return np.asarray(picture, dtype=np.uint8)


def square_planes(
    planes: NDArray[np.float32], mask: NDArray[np.bool_], size: int, *, bicubic: bool = False
) -> NDArray[np.float32]:
    """Return (bands, size, size) of (bands, h, w): invalid pixels filled, resampled with antialiasing.

    Args:
        planes: Any unit.
        mask: (h, w), True where the pixel is valid.
        size: Side in pixels.
        bicubic: Resample with cubic instead of linear interpolation.
    """
    whole = np.ascontiguousarray(filled(planes.transpose(1, 2, 0), mask).transpose(2, 0, 1))
    if whole.shape[1:] == (size, size):
        return whole
    resized = [Image.fromarray(plane).resize((size, size), _resampling(bicubic=bicubic)) for plane in whole]
    return np.stack([np.asarray(plane, dtype=np.float32) for plane in resized])


def filled(picture: NDArray[Number], mask: NDArray[np.bool_]) -> NDArray[Number]:
    """Mirror the valid part of (h, w, bands) into the padding of an edge tile, and give holes the mean colour.

    Left black, the padding would be what the network sees first: edge tiles of every landscape looked alike.
    """
    if mask.all() or not mask.any():
        return picture
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inside = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    part, seen = picture[inside].copy(), mask[inside]
    part[~seen] = part[seen].mean(axis=0)
    (top, left), (height, width) = (rows[0], cols[0]), mask.shape
    beyond = [(top, height - 1 - rows[-1]), (left, width - 1 - cols[-1]), (0, 0)]
    return np.pad(part, beyond, mode="symmetric")


def _resampling(*, bicubic: bool) -> Image.Resampling:
    return Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR
