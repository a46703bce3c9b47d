"""From a tile to the square 8-bit picture that a network for pictures sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import Tile, render


def square_picture(tile: Tile, size: int, *, bicubic: bool = False) -> NDArray[np.uint8]:
    """Return (size, size, 3): the tile in its sensor's fixed display stretch, resampled with antialiasing.

    Args:
        tile: Any tile whose sensor has a rendering.
        size: Side in pixels.
        bicubic: Resample with cubic instead of linear interpolation.
    """
    picture = Image.fromarray(render(tile.pixels, tile.mask, tile.sensor, tile.bands))
    how = Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR
    if picture.size != (size, size):
        picture = picture.resize((size, size), how)
    return np.asarray(picture, dtype=np.uint8)
