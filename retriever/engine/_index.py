"""The vector index over one version of the table: the engine's best rows of a snapshot, merged with newer rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever._expression import And, Column, Compare, Constant, Expression, OneOf, of_each_sensor
from retriever._vector_index import Matches
from retriever.engine._delta_index import DeltaIndex
from retriever.engine._engine import Engine, Ranking
from retriever.engine._plan import EXACT_ROUTES, Plan
from retriever.engine._state import State


class EngineIndex:
    """Answers as ``FlatIndex`` does, along the engine's cheapest route. Made for one request.

    Args:
        state: The snapshot as seen from a version of the table.
        exact: Answer as the flat index does, whatever it costs.
    """

    def __init__(self, state: State, *, exact: bool = False) -> None:
        self._state = state
        self._exact = exact
        self._newer = DeltaIndex(state.delta)
        self._known: dict[tuple[bytes, int], tuple[Expression | None, Ranking]] = {}
        self._found: list[Ranking] = []

    @property
    def _engine(self) -> Engine:
        return self._state.opened.engine

    def search(self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None) -> Matches:
        """See ``SearchesVectors``."""
        known = self._known.get((vector.tobytes(), k))
        if known is not None and known[0] == where:
            found = known[1]
        else:
            found = self._engine.search(vector, k=k, where=where, alive=self._state.alive, exact=self._exact)
        self._found.append(found)
        return self._joined(found, vector, k, where)

    def ahead(self, vectors: NDArray[np.float32], *, k: int, where: Expression | None = None) -> None:
        """See ``SearchesArchive``."""
        if self._exact:
            return
        found = self._engine.search_many(vectors, k=k, where=where, alive=self._state.alive)
        for vector, each in zip(vectors, found, strict=True):
            self._known[vector.tobytes(), k] = where, each

    def search_each(
        self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None
    ) -> dict[str, Matches]:
        """Return, for each sensor, what ``search`` finds among its tiles; sensors without a match are left out.

        One search where all tiles that can match are of one sensor, else one for each.

        Raises:
            QueryError: The vector does not fit the index.
        """
        parts = of_each_sensor(self.sensors(where), where)
        found = {name: self.search(vector, k=k, where=part) for name, part in parts.items()}
        return {name: each for name, each in found.items() if each.matched}

    def every(self, vector: NDArray[np.float32], *, least: float, where: Expression | None = None) -> Iterator[Matches]:
        """Yield all rows that pass the filter and score at least ``least``, a part at a time, in no order of score.

        ``matched`` of a part counts the passing rows that were looked at for it.

        Raises:
            QueryError: The vector does not fit the index.
        """
        for part in self._engine.every(vector, least=least, where=where, alive=self._state.alive):
            yield _matches(part)
        yield from self._newer.above(vector, least=least, where=where)

    def count(self, where: Expression | None = None) -> int:
        """Return how many rows pass a filter."""
        return self._engine.count(where, alive=self._state.alive) + self._newer.count(where)

    def sensors(self, where: Expression | None = None) -> tuple[str, ...]:
        """Return the sensors whose tiles can pass a filter, sorted."""
        named = _named(where)
        return tuple(sorted(self._present() if named is None else self._present() & named))

    def explained(self) -> dict[str, Any]:
        """Return how the searches so far were answered, as JSON values."""
        layout = self._engine.snapshot.layout
        return {
            "index": "snapshot",
            "snapshot_version": layout.version,
            "newer": len(self._state.delta),
            "gone": layout.rows - self._state.living,
            "searches": [_told(found.plan) for found in self._found],
        }

    def route(self) -> str:
        """Return the route that was taken; an approximate one where searches went different ways."""
        taken = [route for found in self._found for route in found.routes]
        # The plans would say the same; putting one together takes five times as long.
        return next((route for route in taken if route not in EXACT_ROUTES), taken[0] if taken else "exact")

    def _present(self) -> frozenset[str]:
        layout = self._engine.snapshot.layout
        counted = {
            name for entry in layout.shards for name, count in zip(layout.sensors, entry.sensors, strict=False) if count
        }
        # Those after the 255th are counted together.
        return frozenset(counted) | frozenset(layout.sensors[255:]) | self._state.delta.sensors

    def _joined(self, found: Ranking, vector: NDArray[np.float32], k: int, where: Expression | None) -> Matches:
        first = _matches(found)
        if not len(self._state.delta):
            return first
        return _merged(first, self._newer.search(vector, k=k, where=where), k)


def _told(plan: Plan) -> dict[str, Any]:
    return asdict(plan) | {"costs": dict(plan.costs)}


def _named(where: Expression | None) -> frozenset[str] | None:
    """The sensors that a filter names; None where it leaves that open."""
    match where:
        case OneOf(value=Column(name="sensor"), choices=choices):
            return frozenset(map(str, choices))
        case Compare(op="=", left=Column(name="sensor"), right=Constant(value=value)):
            return frozenset({str(value)})
        case And(parts=parts):
            known = [names for names in map(_named, parts) if names is not None]
            return frozenset.intersection(*known) if known else None
        case _:
            return None


def _matches(found: Ranking) -> Matches:
    return Matches(tile_ids=found.tile_ids, row_ids=found.row_ids, scores=found.scores, matched=found.matched)


def _merged(first: Matches, second: Matches, k: int) -> Matches:
    """The k best of both; equal scores by rising tile id."""
    floor = first.scores[k - 1] if len(first.scores) >= k else -np.inf
    coming = int((second.scores >= floor).sum())
    matched = first.matched + second.matched
    if not coming:
        return replace(first, matched=matched)
    best = sorted([*_entries(first), *_entries(second, coming)])[:k]
    return Matches(
        tile_ids=tuple(tile_id for _, tile_id, _ in best),
        row_ids=np.array([row_id for *_, row_id in best], dtype=np.uint64),
        scores=np.array([-score for score, *_ in best], dtype=np.float32),
        matched=matched,
    )


def _entries(found: Matches, count: int | None = None) -> Iterator[tuple[float, str, int]]:
    return zip((-found.scores[:count]).tolist(), found.tile_ids[:count], found.row_ids[:count].tolist(), strict=True)
