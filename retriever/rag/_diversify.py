"""From candidates to evidence: spread over periods, places, dates and sensors, without near-duplicates."""

from __future__ import annotations

from dataclasses import dataclass

from retriever.rag._archive import Archive
from retriever.rag._retrieve import Candidate, Retrieved, Search
from retriever.rag._types import QueryPlan


@dataclass(frozen=True, kw_only=True, eq=False)
class Chosen:
    """A tile that becomes evidence."""

    search: Search
    """What found it."""
    candidate: Candidate
    """The tile."""


def diversify(plan: QueryPlan, archive: Archive, retrieved: Retrieved, *, tiles: int) -> tuple[Chosen, ...]:
    """Return the tiles to show, best first in each period.

    Args:
        plan: Its shape says whether places or dates are to be spread.
        archive: Where vectors and footprints are read.
        retrieved: The candidates.
        tiles: Most tiles returned.

    Raises:
        StoreError: The index cannot be read.
    """
    chosen: list[Chosen] = []
    seen: set[int] = set()
    for rank in range(max((len(search.candidates) for search in retrieved.searches), default=0)):
        for search in retrieved.searches:
            if rank < len(search.candidates) and search.candidates[rank].row_id not in seen and len(chosen) < tiles:
                seen.add(search.candidates[rank].row_id)
                chosen.append(Chosen(search=search, candidate=search.candidates[rank]))
    return tuple(chosen)
