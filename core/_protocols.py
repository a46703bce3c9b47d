"""The plug-in points: one small capability each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from core._errors import SwathError
from core._sample import Sample
from core._tile import Tile
from core._types import Scene, VectorSpace


@runtime_checkable
class TileSource(Protocol):
    """Finds scenes; reads metadata only."""

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield scenes as they are found, and a BadScene for each that cannot be used."""
        ...


class BadScene:
    """A scene that cannot be used, and why. Reported and counted; the rest goes on."""

    def __init__(self, href: str, error: SwathError) -> None:
        self.href = href
        self.error = error

    def __repr__(self) -> str:
        return f"BadScene({self.href!r}, {self.error!s})"


@runtime_checkable
class EncodesTiles(Protocol):
    """Turns tiles into unit vectors."""

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        ...

    def prepare(self, tile: Tile) -> NDArray[np.generic]:
        """Return the array ``encode`` wants for one tile. Thread-safe.

        The shape and dtype depend only on the kind of tile (plain colours, many bands, SAR), so there are few;
        ``encode`` takes arrays of one shape and dtype at a time.

        Raises:
            SensorError: The encoder cannot take this sensor's bands.
        """
        ...

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors for n stacked arrays from ``prepare``."""
        ...


@runtime_checkable
class Dataset(Protocol):
    """A published dataset on disk, as samples."""

    @property
    def name(self) -> str:
        """Registry name, e.g. ``eurosat``."""
        ...

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits there are; empty where the dataset defines none."""
        ...

    def samples(self, split: str | None = None) -> Iterator[Sample]:
        """Yield samples in a fixed order; None yields every split. Reads metadata only.

        Raises:
            InputError: There is no such split; the message lists the splits.
        """
        ...


@runtime_checkable
class EncodesText(Protocol):
    """Turns sentences into unit vectors of the same space as its tiles."""

    @property
    def space(self) -> VectorSpace:
        """The space the vectors live in."""
        ...

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors."""
        ...


@runtime_checkable
class EncodesSentences(Protocol):
    """Turns texts into unit vectors that compare texts with texts, in a space of their own."""

    @property
    def sentence_space(self) -> VectorSpace | None:
        """The space the vectors live in; None where this encoder gives none after all."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens after which a text is cut."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        """Return how many tokens each text has, those that frame it included."""
        ...

    def encode_sentences(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, dim) unit vectors."""
        ...
