"""Tiles of several kinds through one encoder: arrays of one shape and dtype go together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import EncodesTiles, InputError, Tile


def encode_tiles(encoder: EncodesTiles, tiles: Sequence[Tile]) -> NDArray[np.float32]:
    """Return (n, dim) unit vectors of tiles of any mixture of sensors, in their order.

    Raises:
        InputError: The encoder returned another shape than it promised.
        SensorError: The encoder cannot take a tile's bands.
    """
    return encode_arrays(encoder, [encoder.prepare(tile) for tile in tiles])


def encode_arrays(encoder: EncodesTiles, arrays: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Return (n, dim) unit vectors of what `encoder.prepare` made, in their order.

    Raises:
        InputError: The encoder returned another shape than it promised.
    """
    space = encoder.space
    out = np.empty((len(arrays), space.dim), dtype=np.float32)
    alike: dict[tuple[tuple[int, ...], np.dtype[Any]], list[int]] = {}
    for row, array in enumerate(arrays):
        alike.setdefault((array.shape, array.dtype), []).append(row)
    for rows in alike.values():
        vectors = encoder.encode(np.stack([arrays[row] for row in rows]))
        if vectors.shape != (len(rows), space.dim):
            raise InputError(f"{space} returned vectors of shape {vectors.shape} for {len(rows)} tiles")
        out[rows] = vectors
    return out
