"""From a tile to the square 8-bit picture that a network for pictures sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import Tile

PREPARATION = 1
"""Part of every revision of an encoder that looks through this module: raise it when the same tile looks different."""


def square_picture(tile: Tile, size: int, *, bicubic: bool = False) -> NDArray[np.uint8]:
    """Return (size, size, 3): the tile in its sensor's fixed display stretch, resampled with antialiasing.

    Args:
        tile: Any tile whose sensor has a rendering.
        size: Side in pixels.
        bicubic: Resample with cubic instead of linear interpolation.
    """
    picture = Image.fromarray(_filled(tile.picture, tile.mask))
    how = Image.Resampling.BICUBIC if bicubic else Image.Resampling.BILINEAR
    if picture.size != (size, size):
        picture = picture.resize((size, size), how)
    return np.asarray(picture, dtype=np.uint8)


def _filled(picture: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Mirror the valid part into the padding of an edge tile, and give holes the mean colour.

    Left black, the padding would be what the network sees first: edge tiles of every landscape looked alike.
    """
    if mask.all() or not mask.any():
        return picture
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inside = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    part, seen = picture[inside].copy(), mask[inside]
    part[~seen] = part[seen].mean(axis=0)
    beyond = [(line[0], length - 1 - line[-1]) for line, length in zip((rows, cols), mask.shape, strict=True)]
    return np.pad(part, [*beyond, (0, 0)], mode="symmetric")
