"""Maximal marginal relevance: candidates that fit, and are unlike those that were chosen before.

The next tile is the one of greatest ``LAMBDA * relevance - (1 - LAMBDA) * likeness``, where likeness is that to the
chosen tile it is most like (Carbonell and Goldstein 1998, https://doi.org/10.1145/290941.291025).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retriever.rag.evidence._pool import Pool, Weights
from retriever.rag.evidence._retrieve import Candidate, Search

LAMBDA = 0.75
"""Weight of relevance against likeness. Measured in docs/design/answers-evidence.md."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Picked:
    """A candidate that was chosen."""

    at: int
    """Its place in the pool."""
    search: Search
    """What found it."""
    candidate: Candidate
    """The tile."""


class Spread:
    """A choice as it grows: the same candidates give the same choice.

    Args:
        pool: Every candidate once.
        searches: What found them; they take turns, so each gets its share.
        weights: What makes two tiles alike.
    """

    def __init__(self, pool: Pool, searches: Sequence[Search], weights: Weights) -> None:
        self._pool = pool
        self._weights = weights
        self._searches = searches
        self._at = [pool.places(each.row_id for each in search.candidates) for search in searches]
        self._relevance = [_relevance(search, pool, at) for search, at in zip(searches, self._at, strict=True)]
        self._likest = np.zeros(len(pool))
        self._shown = np.zeros(len(pool), dtype=bool)

    def pick(self, tiles: int, *, once_a_place: bool = False) -> list[Picked]:
        """Return at most so many further candidates.

        Args:
            tiles: Most of them.
            once_a_place: Whether one tile of a place is enough.
        """
        found: list[Picked] = []
        barred = np.zeros(len(self._pool), dtype=bool)
        turns = list(range(len(self._searches)))
        while turns and len(found) < tiles:
            turn = turns.pop(0)
            best = self._best(turn, barred)
            if best is None:
                continue
            turns.append(turn)
            found.append(self._picked(turn, best))
            self.show(found[-1].at)
            if once_a_place:
                barred |= self._pool.same_place(found[-1].at)
        return found

    def show(self, at: int) -> None:
        """Count a candidate as shown: its duplicates are out, and what is like it is worth less."""
        self._shown |= self._pool.duplicates(at)
        self._likest = np.maximum(self._likest, self._pool.likeness(at, self._weights))

    def show_rows(self, row_ids: Collection[int]) -> None:
        """Count rows as shown; those that are no candidates do not matter."""
        for at in self._pool.places(row_id for row_id in row_ids if row_id in self._pool):
            self.show(int(at))

    def _best(self, turn: int, barred: NDArray[np.bool_]) -> int | None:
        """Return which candidate of a search comes next; ties go to the better rank."""
        at = self._at[turn]
        out = self._shown[at] | barred[at]
        if out.all():
            return None
        worth = LAMBDA * self._relevance[turn] - (1 - LAMBDA) * self._likest[at]
        return int(np.argmax(np.where(out, -np.inf, worth)))

    def _picked(self, turn: int, best: int) -> Picked:
        search = self._searches[turn]
        return Picked(at=int(self._at[turn][best]), search=search, candidate=search.candidates[best])


def _relevance(search: Search, pool: Pool, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n,) how well candidates fit, from 0 for the worst to 1 for the best; of a list, how clear they are."""
    if search.phrase is None:
        return pool.quality[at]
    values = np.array([each.worth for each in search.candidates], dtype=np.float64)
    width = float(np.ptp(values)) if len(values) else 0.0
    return (values - values.min()) / width if width > 0 else np.ones(len(values))
