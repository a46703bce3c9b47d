"""What colour alone can do: the figure a learned encoder has to beat."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import Tile

BINS = 6
THUMBNAIL = 16


def colour_features(tile: Tile) -> NDArray[np.float32]:
    """Return a unit vector of the mean colour and the joint colour histogram of a tile's rendering."""
    colours = tile.picture[tile.mask].astype(np.float32) / 255.0
    cells = np.minimum((colours * BINS).astype(np.int64), BINS - 1) @ np.array([BINS * BINS, BINS, 1])
    histogram = np.sqrt(np.bincount(cells, minlength=BINS**3) / max(1, len(cells)))
    mean = colours.mean(axis=0) if len(colours) else np.zeros(3)
    features = np.concatenate([mean, histogram]).astype(np.float32)
    unit: NDArray[np.float32] = _unit(features[None])[0]
    return unit


def thumbnail(tile: Tile) -> NDArray[np.uint8]:
    """Return the tile's rendering as (16, 16, 3)."""
    small = Image.fromarray(tile.picture).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8)


class WordColours:
    """The colours that go with words: for each word, the mean of the training pictures whose texts use it.

    A query is the mean over its words, so that sentences can be answered by colour alone.

    Args:
        colours: (n, f) colour features of training pictures.
        texts: What is said about each of them: class names and captions.
    """

    def __init__(self, colours: NDArray[np.float32], texts: Sequence[Sequence[str]]) -> None:
        self._mean = colours.mean(axis=0)
        users: dict[str, list[int]] = defaultdict(list)
        for row, said in enumerate(texts):
            for word in {word for text in said for word in _words(text)}:
                users[word].append(row)
        self._of = {word: colours[rows].mean(axis=0) - self._mean for word, rows in users.items()}

    def __bool__(self) -> bool:
        return bool(self._of)

    def gallery(self, colours: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return colour features (n, f) less the training mean, of unit length."""
        return _unit(colours - self._mean)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (q, f): zero, so that all candidates tie, for texts without a word that training pictures used."""
        none = np.zeros_like(self._mean)
        known = [[self._of[word] for word in _words(text) if word in self._of] for text in texts]
        return _unit(np.array([np.mean(row, axis=0) if row else none for row in known], dtype=np.float32))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit: NDArray[np.float32] = (features / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
