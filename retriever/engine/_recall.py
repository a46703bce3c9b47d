"""What approximate routes find of the true best, measured when a snapshot is built: a promise with a number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retriever.engine._bitmap import bitmap_of, rows_in
from retriever.engine._layout import BLOCK
from retriever.engine._plan import Route
from retriever.engine._sample_queries import picture_queries, text_queries, tile_queries

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

EXAMINED = ("picture", "picture", "text")
"""Kinds that tiles, pictures and texts are taken for."""

SAME = 1e-6
"""Scores nearer than this are equal: the product of matrices and the scores of a search are rounded differently."""

ROUTES: tuple[Route, ...] = ("blocks", "lists")


@dataclass(frozen=True, kw_only=True, eq=False)
class Exam:
    """Queries of one kind among some of the rows, with the right answers."""

    queries: NDArray[np.float32]
    """(n, dim)."""
    kind: str
    """One of KINDS: what their reach is called by."""
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
    count = count if engine.snapshot.layout.rows >= SMALL else FEW
    layout, shared = engine.snapshot.layout, engine.snapshot.shared
    shard = engine.snapshot.shard(max(range(len(layout.shards)), key=lambda number: layout.shards[number].rows))
    drawn = [draw(shard, shared, count, rng) for draw in (tile_queries, picture_queries, text_queries)]
    return [exam for share in SHARES for exam in _exams(engine, drawn, share, rng)]


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


def _exams(
    engine: Engine, drawn: Sequence[NDArray[np.float32]], share: float, rng: np.random.Generator
) -> Iterator[Exam]:
    alive = None if share == 1 else [_some(entry.rows, share, rng) for entry in engine.snapshot.layout.shards]
    scores = _true(engine, np.concatenate(drawn), alive)
    for kind, queries, part in zip(EXAMINED, drawn, np.split(scores, len(drawn)), strict=True):
        yield Exam(kind=kind, queries=queries, share=share, alive=alive, scores=part)


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
