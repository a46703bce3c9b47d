"""Passages by meaning and by place, and the names of places that the knowledge table holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from shapely.geometry.base import BaseGeometry

from core import EncodesText
from retriever.rag._plan_world import KnownPlace
from retriever.rag._types import Passage


@runtime_checkable
class SearchesKnowledge(Protocol):
    """Finds passages of the knowledge table."""

    def search(
        self, texts: Sequence[str], *, near: BaseGeometry | None, radius_km: float, k: int
    ) -> tuple[Passage, ...]:
        """Return at most k passages that fit the texts and the place, best first.

        Args:
            texts: Phrases or questions; a passage's score is its best cosine to any of them. None: only the place
                counts, nearest first.
            near: Area or point in lon, lat, cut at the antimeridian; None for everywhere.
            radius_km: How far from it a passage's place may be.
            k: Most passages returned.
        """
        ...

    def get(self, ids: Sequence[str]) -> tuple[Passage, ...]:
        """Return the passages with these ids in the order asked for, without those that are gone."""
        ...


class Knowledge:
    """The knowledge table of an index, as of when it was opened. Implements SearchesKnowledge and KnowsPlaces."""

    def search(
        self, texts: Sequence[str], *, near: BaseGeometry | None, radius_km: float, k: int
    ) -> tuple[Passage, ...]:
        """See ``SearchesKnowledge.search``."""
        raise NotImplementedError

    def get(self, ids: Sequence[str]) -> tuple[Passage, ...]:
        """See ``SearchesKnowledge.get``."""
        raise NotImplementedError

    def places_in(self, text: str) -> tuple[KnownPlace, ...]:
        """Return the entries with a place that a text names, none overlapping another; the longest name first."""
        raise NotImplementedError


def open_knowledge(index_dir: Path, encoder: EncodesText) -> Knowledge | None:
    """Open the passages beside the tiles of an index.

    Args:
        index_dir: The index directory.
        encoder: The index's own; it must make vectors as those stored.

    Returns:
        None where nothing was added yet.

    Raises:
        SpaceMismatchError: The passages were embedded by another encoder.
        StoreError: The table cannot be read.
    """
    raise NotImplementedError
