"""What approximate routes find of the true best, measured when a snapshot is built: a promise with a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import bitmap_of
from retriever.engine._layout import BLOCK
from retriever.engine._plan import Route
from retriever.engine._sample_queries import picture_queries, text_queries

if TYPE_CHECKING:
    from retriever.engine._engine import Alive, Engine

KS = (10, 100)
"""Hits asked for."""

SHARES = (1.0, 0.1, 0.01)
"""Of the rows that pass; where fewer do, they are searched exactly."""

QUERIES = 8
"""Of each kind and share: 160 of the 10 best rows at each share. A scan of a million rows takes 0.1 s each."""

ROUTES: tuple[Route, ...] = ("blocks", "lists")


def measure_recall(engine: Engine, seed: int = 0) -> dict[str, float]:
    """Return what to write into ``Layout.recall``, by ``route@k``: the mean share of the true best that was found.

    It is the least over kinds of queries and shares of rows that pass. Rows pass by chance, and queries are made from
    stored vectors.

    Args:
        engine: Of the snapshot.
        seed: Of the queries and of which rows pass.
    """
    rng = np.random.default_rng(seed)
    layout = engine.snapshot.layout
    if not layout.rows:
        return {}
    routes = [route for route in ROUTES if route != "lists" or layout.lists]
    worst: dict[str, float] = {}
    for share in SHARES:
        alive = None if share == 1 else [_some(entry.rows, share, rng) for entry in layout.shards]
        for queries in _queries(engine, rng):
            for k in KS:
                for route, found in _found(engine, queries, k, alive, routes).items():
                    name = f"{route}@{k}"
                    worst[name] = min(worst.get(name, 1.0), found)
    return worst


def _queries(engine: Engine, rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """Of each kind some, from the largest shard."""
    layout = engine.snapshot.layout
    largest = max(range(len(layout.shards)), key=lambda number: layout.shards[number].rows)
    shard, shared = engine.snapshot.shard(largest), engine.snapshot.shared
    return [draw(shard, shared, QUERIES, rng) for draw in (picture_queries, text_queries)]


def _found(
    engine: Engine, queries: NDArray[np.float32], k: int, alive: Alive | None, routes: list[Route]
) -> dict[Route, float]:
    """Mean share of the true best that each route found; a row that ties with the last of them counts."""
    shares: dict[Route, list[float]] = {route: [] for route in routes}
    for query in queries:
        least = engine.search(query, k=k, alive=alive, exact=True).scores
        for route in routes:
            scores = engine.search(query, k=k, alive=alive, route=route).scores
            shares[route].append(float((scores >= least[-1]).mean()) if len(least) else 1.0)
    return {route: float(np.mean(found)) for route, found in shares.items()}


def _some(rows: int, share: float, rng: np.random.Generator) -> NDArray[np.uint64]:
    return bitmap_of(np.flatnonzero(rng.random(rows) < share), -(-rows // BLOCK) * BLOCK)
