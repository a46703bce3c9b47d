"""Facts measured on original pixels: how much of a place is water, plants, snow or burnt ground, date by date."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from retriever.rag._types import EvidenceTile, Fact, QueryPlan

if TYPE_CHECKING:
    from indexer import Reach
    from retriever._vector_index import Rows


class Readable(Protocol):
    """What is measured in: an archive."""

    @property
    def rows(self) -> Rows:
        """One version of the tile table."""
        ...

    @property
    def reach(self) -> Reach | None:
        """What may be opened; None opens whatever a record names."""
        ...


def measure(plan: QueryPlan, tiles: Sequence[EvidenceTile], archive: Readable) -> tuple[Fact, ...]:
    """Return what an index of the plan's renderings says of the tiles' dates; nothing where it names none.

    Never raises for pixels that cannot be read: a fact says which dates are missing.

    Args:
        plan: ``renderings`` names the index, e.g. ``index:ndwi``; ``place`` bounds the area.
        tiles: The evidence; each of its dates is measured, and cited by its tile.
        archive: The index and what may be opened.
    """
    del plan, tiles, archive
    return ()
