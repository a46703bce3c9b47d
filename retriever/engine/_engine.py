"""The front of the engine: the best rows of a snapshot under a filter, each query along its cheapest route."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core import QueryError
from retriever._expression import Expression
from retriever.engine._batch import in_threads
from retriever.engine._costs import Costs
from retriever.engine._every import Part, parts_above
from retriever.engine._explain import explained
from retriever.engine._layout import Layout
from retriever.engine._plan import EXACT_ROUTES, Plan, Route
from retriever.engine._plan_of import plan_of, plan_of_part
from retriever.engine._planner import Wish, outlook
from retriever.engine._query import Query
from retriever.engine._shard import Shard, Shared
from retriever.engine._shard_search import Answer, count_shard, search_shard
from retriever.engine._shortlist import best_of, names_of
from retriever.engine._sieve import Sieve, may_match, sieve_of

Alive = Sequence[NDArray[np.uint64] | None]
"""For each shard the rows that are still there: bit r % 64 of word r // 64; None for all of them."""

KEPT_FILTERS = 256
"""Filters whose sieve is kept: an interactive session repeats few of them."""


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
    routes: tuple[Route, ...]
    """The way each shard was searched."""
    planned: Callable[[], Plan]
    """Tells how they were found."""

    @cached_property
    def plan(self) -> Plan:
        """How they were found; put together only where it is asked for."""
        return self.planned()


class Engine:
    """Searches one snapshot; safe to use from many threads at once.

    Args:
        snapshot: Opened by ``open_snapshot``.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        layout = snapshot.layout
        self._costs = Costs(layout.costs, layout.lists, layout.recall)
        self._sieve = lru_cache(KEPT_FILTERS)(lambda where: sieve_of(where, layout))
        self._outlook = lru_cache(KEPT_FILTERS * max(len(layout.shards), 1))(outlook)

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
        self._check(vector, k)
        self._check_route(route, exact=exact)
        query = self.query(vector, k, where)
        answers = self._answers(query, alive, Wish(exact=exact, count=count, route=route))
        best, told = (
            best_of([answer.candidates for answer in answers], query.vector, k),
            [each.told for each in answers],
        )
        return Ranking(
            rows=best.rows,
            row_ids=best.row_ids,
            tile_ids=best.tile_ids,
            scores=best.scores,
            matched=sum(each.matched for each in told),
            counted=all(each.counted for each in told),
            routes=tuple(each.route for each in told),
            planned=partial(plan_of, told, self.snapshot.layout, self._costs, k, route),
        )

    def search_many(
        self, vectors: NDArray[np.float32], *, k: int, where: Expression | None = None, alive: Alive | None = None
    ) -> list[Ranking]:
        """Return what ``search`` finds for each of (n, dim) vectors under one filter, faster than one by one.

        Raises:
            QueryError: The vectors do not fit, or k is below 1.
        """
        return in_threads(lambda vector: self.search(vector, k=k, where=where, alive=alive), list(vectors))

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
        self._check(vector, 1)
        return self._every(self.query(vector, 1, where), alive, least)

    def _every(self, query: Query, alive: Alive | None, least: float) -> Iterator[Ranking]:
        for shard, living in self._shards(query.sieve, alive):
            for part in parts_above(query, shard, living, least):
                yield self._part(part)

    def _part(self, part: Part) -> Ranking:
        rows = part.rows
        return Ranking(
            rows=rows.astype(np.int64) + part.shard.first,
            row_ids=part.shard.row_ids[rows],
            tile_ids=tuple(names_of(part.shard, rows)),
            scores=part.scores,
            matched=part.looked,
            counted=True,
            routes=("exact",),
            planned=partial(plan_of_part, part.looked, self.snapshot.layout),
        )

    def explain(
        self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None, alive: Alive | None = None
    ) -> str:
        """Return how a search is answered, as text of a few lines; it is carried out to say so."""
        return explained(self.search(vector, k=k, where=where, alive=alive).plan)

    def count(self, where: Expression | None = None, *, alive: Alive | None = None) -> int:
        """Return how many rows pass a filter, exactly."""
        sieve = self._sieve(where)
        return sum(count_shard(sieve, shard, living) for shard, living in self._shards(sieve, alive))

    def _answers(self, query: Query, alive: Alive | None, wish: Wish) -> list[Answer]:
        """What each shard holds; each knows how good a row must be to matter after those before it."""
        answers: list[Answer] = []
        for shard, living in self._shards(query.sieve, alive):
            answer = search_shard(query, shard, living, wish, self._costs)
            answers.append(answer)
            query.saw(answer.candidates.scores)
        return answers

    def _shards(self, sieve: Sieve, alive: Alive | None) -> Iterator[tuple[Shard, NDArray[np.uint64] | None]]:
        """Shards that may hold a passing row, and which of their rows are there."""
        for number, entry in enumerate(self.snapshot.layout.shards):
            if may_match(sieve, entry):
                yield self.snapshot.shard(number), None if alive is None else alive[number]

    def query(self, vector: NDArray[np.float32], k: int, where: Expression | None = None) -> Query:
        """Return a search as routes take it; for measurements."""
        snapshot = self.snapshot
        return Query(
            np.ascontiguousarray(vector, np.float32),
            k=k,
            sieve=self._sieve(where),
            layout=snapshot.layout,
            shared=snapshot.shared,
            outlook=self._outlook,
        )

    def _check(self, vector: NDArray[np.float32], k: int) -> None:
        layout = self.snapshot.layout
        if vector.shape != (layout.dim,):
            raise QueryError(
                f"the vector has {vector.size} numbers, the index holds vectors of {layout.dim}"
                f" ({layout.encoder}@{layout.revision})"
            )
        if k < 1:
            raise QueryError(f"k must be at least 1, got {k}")

    def _check_route(self, route: Route | None, *, exact: bool) -> None:
        if route == "lists" and not self.snapshot.layout.lists:
            raise QueryError("this snapshot has no inverted lists; leave the route to the planner")
        if exact and route is not None and route not in EXACT_ROUTES:
            raise QueryError(f"the route {route} is not exact; exact ones are {', '.join(sorted(EXACT_ROUTES))}")
