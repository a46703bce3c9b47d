"""What approximate routes find of the true best, measured when a snapshot is built: a promise with a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import bitmap_of, rows_in
from retriever.engine._layout import BLOCK
from retriever.engine._plan import Route
from retriever.engine._sample_queries import left_out, text_queries, tile_queries

if TYPE_CHECKING:
    from retriever.engine._engine import Alive, Engine

SMALL = 20_000
"""Rows below which FEW queries are asked: such an archive is searched exactly unless a route is asked for."""

FEW = 8
"""See SMALL."""

KS = (10, 100)
"""Hits asked for."""

SHARES = (1.0, 0.1, 0.01)
"""Of the rows that pass; where fewer do, they are searched exactly."""

QUERIES = 64
"""Of each kind and share: 640 of the 10 best rows in each mean, so that it is known to about .003."""

SAME = 1e-6
"""Scores nearer than this are equal: the product of matrices and the scores of a search are rounded differently."""

ROUTES: tuple[Route, ...] = ("blocks", "lists")


@dataclass(frozen=True, kw_only=True, eq=False)
class Exam:
    """Queries of one kind among some of the rows, with the right answers."""

    queries: NDArray[np.float32]
    """(n, dim)."""
    share: float
    """Of the rows that pass."""
    alive: Alive | None
    """Which do."""
    scores: NDArray[np.float32]
    """(n, ...) best scores, falling; minus infinity where fewer rows pass."""


def measure_recall(engine: Engine, seed: int = 0) -> dict[str, float]:
    """Return what to write into ``Layout.recall``, by ``route@k``: the mean share of the true best that was found.

    It is the least over kinds of queries and shares of rows that pass. Rows pass by chance, and queries are made from
    stored vectors; the truth is a product of matrices with all of them.

    Args:
        engine: Of the snapshot.
        seed: Of the queries and of which rows pass.
    """
    rng = np.random.default_rng(seed)
    return marks(engine, exams(engine, QUERIES, rng)) if engine.snapshot.layout.rows else {}


def exams(engine: Engine, count: int, rng: np.random.Generator) -> list[Exam]:
    """Return ``count`` queries of each kind, made from the largest shard, for each share of rows that pass."""
    layout, shared = engine.snapshot.layout, engine.snapshot.shared
    count = count if layout.rows >= SMALL else FEW
    number = max(range(len(layout.shards)), key=lambda at: layout.shards[at].rows)
    shard = engine.snapshot.shard(number)
    pictures, others = left_out(shard, count, rng)
    everywhere: list[NDArray[np.uint64] | None] = [None] * len(layout.shards)
    elsewhere = [*everywhere[:number], others, *everywhere[number + 1 :]]
    drawn = [
        (tile_queries(shard, shared, count, rng), everywhere),
        (pictures, elsewhere),
        (text_queries(shard, shared, count, rng), everywhere),
    ]
    return [_exam(engine, queries, there, share, rng) for share in SHARES for queries, there in drawn]


def marks(engine: Engine, asked: Sequence[Exam]) -> dict[str, float]:
    """Return the least mean share of the true best over exams, by ``route@k``."""
    routes = [route for route in ROUTES if route != "lists" or engine.snapshot.layout.lists]
    worst: dict[str, float] = {}
    for exam in asked:
        for k in KS:
            for route in routes:
                found = float(np.mean([_share(engine, exam, at, k, route) for at in range(len(exam.queries))]))
                worst[f"{route}@{k}"] = min(worst.get(f"{route}@{k}", 1.0), found)
    return worst


def _share(engine: Engine, exam: Exam, at: int, k: int, route: Route) -> float:
    """Share of the true best that a route found; a row that ties with the last of them counts."""
    true = exam.scores[at][:k]
    true = true[np.isfinite(true)]
    if not len(true):
        return 1.0
    found = engine.search(exam.queries[at], k=k, alive=exam.alive, route=route).scores
    return float((found >= true[-1] - SAME).sum() / len(true))


def _exam(engine: Engine, queries: NDArray[np.float32], there: Alive, share: float, rng: np.random.Generator) -> Exam:
    """The queries among a share of the rows that are there."""
    alive = there
    if share < 1:
        some = [_some(entry.rows, share, rng) for entry in engine.snapshot.layout.shards]
        alive = [chosen if old is None else chosen & old for chosen, old in zip(some, there, strict=True)]
    asked = None if all(words is None for words in alive) else alive
    return Exam(queries=queries, share=share, alive=asked, scores=_true(engine, queries, asked))


def _true(engine: Engine, queries: NDArray[np.float32], alive: Alive | None) -> NDArray[np.float32]:
    """(n, max(KS)) best scores, falling."""
    from retriever.engine._kernels import best_of_matrix  # imports numba

    keep = max(KS)
    best = np.full((len(queries), keep), -np.inf, np.float32)
    for number in range(len(engine.snapshot.layout.shards)):
        rows = None if alive is None or (words := alive[number]) is None else rows_in(words)
        found = best_of_matrix(queries, engine.snapshot.shard(number), rows, keep=keep)
        for at, (_, scores) in enumerate(found):
            best[at] = -np.sort(-np.concatenate([best[at], scores]))[:keep]
    return best


def _some(rows: int, share: float, rng: np.random.Generator) -> NDArray[np.uint64]:
    return bitmap_of(np.flatnonzero(rng.random(rows) < share), -(-rows // BLOCK) * BLOCK)
