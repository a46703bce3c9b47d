"""One question to an archive, with what may go along with it."""

from __future__ import annotations

from dataclasses import dataclass

from core import QueryError
from retriever._request import SearchRequest
from retriever.rag._types import QueryPlan, Turn

MAX_TILES = 50
"""Most tiles of an evidence set; a person or a model compares no more."""

MAX_TURNS = 20
"""Most earlier questions of a dialogue."""


@dataclass(frozen=True, kw_only=True, eq=False)
class AskRequest:
    """One question to an archive."""

    question: str
    """In words."""
    plan: QueryPlan | None = None
    """How it is to be read, where somebody has edited that; None plans it."""
    filters: SearchRequest | None = None
    """Filters that hold whatever the question says, from `filters_only`."""
    turns: tuple[Turn, ...] = ()
    """Earlier questions of the dialogue, oldest first."""
    tiles: int = 12
    """Most tiles of evidence, 1 to 50."""
    pictures: int | None = None
    """Most pictures drawn; None draws what the model is given, and none without a model."""
    use_model: bool = True
    """False answers from records even where a model is set up."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            QueryError: One is out of range.
        """
        if not 1 <= self.tiles <= MAX_TILES:
            raise QueryError(f"tiles must be between 1 and {MAX_TILES}, got {self.tiles}")
        if self.pictures is not None and not 0 <= self.pictures <= MAX_TILES:
            raise QueryError(f"pictures must be between 0 and {MAX_TILES}, got {self.pictures}")
        if len(self.turns) > MAX_TURNS:
            raise QueryError(f"a dialogue may hold {MAX_TURNS} earlier questions, got {len(self.turns)}; start anew")
