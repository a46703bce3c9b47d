"""Batches of tiles across scenes, through the encoder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from core import EncodesTiles
from embeddings import encode_arrays
from indexer._events import Ready
from indexer._meter import Meter
from indexer._traces import IngestTrace


class Batcher:
    """Gathers prepared tiles and encodes them.

    Args:
        encoder: Makes the vectors.
        size: Most tiles in a batch.
        meter: Is told how long each batch took.
    """

    def __init__(self, encoder: EncodesTiles, size: int, meter: Meter) -> None:
        self._encoder = encoder
        self._size = size
        self._meter = meter
        self._waiting: list[Ready] = []

    @property
    def empty(self) -> bool:
        """Whether no tile waits."""
        return not self._waiting

    def add(self, ready: Ready) -> bool:
        """Take a tile; return whether the batch is full."""
        self._waiting.append(ready)
        return len(self._waiting) >= self._size

    def encode(self, trace: IngestTrace) -> Iterator[tuple[Ready, NDArray[np.float32]]]:
        """Encode what is there; yield each tile with its (dim,) vector.

        Raises:
            InputError: The encoder returned another shape than it promised.
        """
        batch, self._waiting = self._waiting, []
        with trace.encoding((ready.job for ready in batch), len(batch)), self._meter.encoding(len(batch)):
            vectors = encode_arrays(self._encoder, [ready.array for ready in batch])
        yield from zip(batch, vectors, strict=True)
