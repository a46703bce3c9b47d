"""Deterministic test doubles whose answers can be checked by hand. Shipped, so that plug-ins can use them too."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core._errors import SensorError
from core._tile import Tile
from core._types import VectorSpace

COLOURS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "yellow": (1.0, 1.0, 0.0),
    "black": (0.0, 0.0, 0.0),
    "gray": (0.5, 0.5, 0.5),
    "white": (1.0, 1.0, 1.0),
}
"""The words ``MeanColourEncoder`` knows and the red, green and blue, 0..1, that they stand for."""

FLOOR = 0.1
"""Fourth component before normalising, so that black has a direction."""


class MeanColourEncoder:
    """Encodes a tile as ``(red, green, blue, 0.1)`` brought to unit length.

    Colours are the means over valid pixels, stretched to 0..1 between each band's display minimum and maximum; of a
    tile without bands called red, green and blue they are its first three bands, or its only band three times.

    Args:
        revision: Part of the vector space; another revision is another space.
        seconds_per_tile: How long ``encode`` sleeps for each tile.
    """

    def __init__(self, *, revision: str = "1", seconds_per_tile: float = 0.0) -> None:
        self._space = VectorSpace(encoder="mean-colour", revision=revision, dim=4)
        self._seconds_per_tile = seconds_per_tile

    @property
    def space(self) -> VectorSpace:
        """Four dimensions."""
        return self._space

    def prepare(self, tile: Tile) -> NDArray[np.float32]:
        """Return the (3,) float32 mean colour, 0..1.

        Raises:
            SensorError: A tile of two bands that are not colours.
        """
        names = [tile.sensor.band(name).common_name for name in tile.bands]
        chosen = _colour_bands(names)
        return np.array([_mean(tile, index) for index in chosen], dtype=np.float32)

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (n, 4) unit vectors of (n, 3) colours."""
        time.sleep(self._seconds_per_tile * len(batch))
        return _unit(batch.astype(np.float32))

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, 4) unit vectors: the mean colour of the colour words in each text, gray where there is none."""
        return _unit(np.array([_text_colour(text) for text in texts], dtype=np.float32).reshape(-1, 3))


def _colour_bands(names: Sequence[str]) -> list[int]:
    if {"red", "green", "blue"} <= set(names):
        return [names.index(name) for name in ("red", "green", "blue")]
    if len(names) == 2:
        raise SensorError(f"mean-colour takes one band or at least three, got {', '.join(names)}")
    return [0, 0, 0] if len(names) == 1 else [0, 1, 2]


def _mean(tile: Tile, index: int) -> float:
    display = tile.sensor.band(tile.bands[index]).display
    values = tile.pixels[index][tile.mask]
    stretched = (values - display.minimum) / (display.maximum - display.minimum)
    return float(np.clip(stretched, 0, 1).mean()) if values.size else 0.0


def _text_colour(text: str) -> NDArray[np.float64]:
    found = [COLOURS[word] for word in text.lower().split() if word in COLOURS]
    colour: NDArray[np.float64] = np.mean(found or [COLOURS["gray"]], axis=0)
    return colour


def _unit(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    vectors = np.concatenate([colours, np.full((len(colours), 1), FLOOR, np.float32)], axis=1)
    result: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return result
