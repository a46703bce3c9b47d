"""The front of the engine: the best rows of a snapshot under a filter, each query along its cheapest route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retriever._expression import Expression
from retriever.engine._layout import Layout
from retriever.engine._plan import Plan, Route
from retriever.engine._shard import Shard, Shared

Alive = Sequence[NDArray[np.uint64] | None]
"""For each shard the rows that are still there: bit r % 64 of word r // 64; None for all of them."""


class Snapshot(Protocol):
    """An opened snapshot, as ``open_snapshot`` gives it."""

    @property
    def layout(self) -> Layout:
        """What it is."""
        ...

    @property
    def shared(self) -> Shared:
        """What all shards share."""
        ...

    def shard(self, number: int) -> Shard:
        """Return a shard, opened when it is first asked for."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranking:
    """Rows of a snapshot, best first; equal scores by rising tile id."""

    rows: NDArray[np.int64]
    """(n,) numbers in the snapshot: ``Shard.first`` + place in geographic order."""
    row_ids: NDArray[np.uint64]
    """(n,) Lance row ids of the version the snapshot was made from."""
    tile_ids: tuple[str, ...]
    """n of them."""
    scores: NDArray[np.float32]
    """(n,) as ``exact_scores`` gives them, whatever the route."""
    matched: int
    """Rows that pass the filter."""
    counted: bool
    """Whether ``matched`` is exact, not an estimate."""
    plan: Plan
    """How they were found."""


class Engine:
    """Searches one snapshot; safe to use from many threads at once.

    Args:
        snapshot: Opened by ``open_snapshot``.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    def search(
        self,
        vector: NDArray[np.float32],
        *,
        k: int,
        where: Expression | None = None,
        alive: Alive | None = None,
        exact: bool = False,
        count: bool = True,
        route: Route | None = None,
    ) -> Ranking:
        """Return the best min(k, matched) rows that pass a filter.

        Args:
            vector: (dim,) unit vector.
            k: At least 1.
            where: The filter, applied first; None for all rows.
            alive: For each shard the rows that are still there; None for all of them.
            exact: Answer as a flat index does, whatever it costs.
            count: Whether ``matched`` must be exact; without it routes may stop looking early.
            route: Take this one; None for the cheapest.

        Raises:
            QueryError: The vector does not fit, k is below 1, or the route cannot answer this.
        """
        raise NotImplementedError

    def search_many(
        self, vectors: NDArray[np.float32], *, k: int, where: Expression | None = None, alive: Alive | None = None
    ) -> list[Ranking]:
        """Return what ``search`` finds for each of (n, dim) vectors under one filter, faster than one by one.

        Raises:
            QueryError: The vectors do not fit, or k is below 1.
        """
        raise NotImplementedError

    def every(
        self,
        vector: NDArray[np.float32],
        *,
        least: float,
        where: Expression | None = None,
        alive: Alive | None = None,
    ) -> Iterator[Ranking]:
        """Yield every passing row that scores at least ``least``, exactly, in geographic order, a part at a time.

        ``matched`` of each part counts the passing rows that were looked at for it.

        Raises:
            QueryError: The vector does not fit.
        """
        raise NotImplementedError

    def count(self, where: Expression | None = None, *, alive: Alive | None = None) -> int:
        """Return how many rows pass a filter, exactly."""
        raise NotImplementedError

    def explain(
        self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None, alive: Alive | None = None
    ) -> str:
        """Return how a search is answered, as text of a few lines; it is carried out to say so."""
        raise NotImplementedError
