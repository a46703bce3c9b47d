"""What can be computed of all tiles that match, so that no model has to guess it."""

from __future__ import annotations

from collections.abc import Sequence

from retriever.rag._archive import Archive
from retriever.rag._retrieve import Retrieved
from retriever.rag._types import EvidenceTile, Fact, QueryPlan


def facts_of(
    plan: QueryPlan, archive: Archive, retrieved: Retrieved, tiles: Sequence[EvidenceTile]
) -> tuple[Fact, ...]:
    """Return what is true of all tiles that pass the filters, not only of those shown.

    Args:
        plan: The question.
        archive: What is counted.
        retrieved: The filters and the phrases.
        tiles: The evidence, which facts cite.

    Raises:
        StoreError: The index cannot be read.
    """
    matched = sum(search.matched for search in retrieved.searches[:1])
    text = f"{matched:,} tiles pass the filters."
    return (Fact(name="tiles", text=text, value=matched, cites=tuple(tile.number for tile in tiles)),)
