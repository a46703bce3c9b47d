"""What colour alone can do: the figure a learned encoder has to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core import Tile

BINS = 6


def colour_features(tile: Tile) -> NDArray[np.float32]:
    """Return a unit vector of the mean colour and the joint colour histogram of a tile's rendering."""
    colours = tile.picture[tile.mask].astype(np.float32) / 255.0
    cells = np.minimum((colours * BINS).astype(np.int64), BINS - 1) @ np.array([BINS * BINS, BINS, 1])
    histogram = np.sqrt(np.bincount(cells, minlength=BINS**3) / max(1, len(cells)))
    mean = colours.mean(axis=0) if len(colours) else np.zeros(3)
    features = np.concatenate([mean, histogram]).astype(np.float32)
    unit: NDArray[np.float32] = features / max(float(np.linalg.norm(features)), 1e-12)
    return unit
