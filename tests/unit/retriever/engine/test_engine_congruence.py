"""The engine answers like the flat index: on random tables, under random filters, along every route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from core import QueryError
from retriever import Expression, MemoryRows
from retriever.engine import Engine
from retriever.engine._build import build_snapshot
from retriever.engine._engine import Alive
from retriever.engine._open import current, open_snapshot
from retriever.engine._plan import EXACT_ROUTES, Route
from tests.unit.retriever.engine.congruence import check_exact, check_sound, mean_recall, recall
from tests.unit.retriever.engine.random_expressions import RandomExpressions
from tests.unit.retriever.engine.random_histories import HeldRows
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker, draw_recipe

ROUTES: tuple[Route, ...] = get_args(Route)
KS = (1, 2, 10, 10, 10, 100, 1000, 10_000)
PER_TABLE = 30
LEAST_RECALL = 0.97
"""Tables of a thousand tiles in any direction are harder than archives, on which recall is measured elsewhere."""


@dataclass
class Case:
    """A table, a snapshot of it, and where chance comes from."""

    seed: int
    folder: Path

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        self.recipe: Recipe = draw_recipe(self.rng)
        self.maker = TileMaker(self.recipe, self.rng)
        self.table = self.maker.tiles(int(self.rng.choice([1, 40, 700, 1200])))
        rows = MemoryRows(self.table, space=self.recipe.space)
        shard_rows, lists = int(self.rng.choice([300, 10_000])), int(self.rng.choice([0, 6, 25]))
        build_snapshot(rows, self.folder, shard_rows=shard_rows, lists=min(lists, len(self.table) // 8))
        newest = current(self.folder)
        assert newest is not None
        self.engine = Engine(open_snapshot(newest))
        self.filters = RandomExpressions(self.table, self.rng)

    @cached_property
    def rows(self) -> HeldRows:
        return self.without([])

    def without(self, gone: Sequence[int]) -> HeldRows:
        """Return the rows of the table but these."""
        row_ids = np.arange(len(self.table), dtype=np.uint64)
        table = self.table.append_column("_rowid", pa.array(row_ids))
        return HeldRows(table.take(pa.array(np.setdiff1d(row_ids, gone))), self.recipe.space)

    def alive(self, gone: Sequence[int]) -> Alive:
        """Return the same as the engine is told it."""
        found: list[NDArray[np.uint64] | None] = []
        for number in range(len(self.engine.snapshot.layout.shards)):
            shard = self.engine.snapshot.shard(number)
            there = np.zeros(len(shard.flags), np.bool_)
            there[: shard.rows] = ~np.isin(shard.row_ids, gone)
            found.append(None if there[: shard.rows].all() else np.packbits(there, bitorder="little").view(np.uint64))
        return found

    def draw(self) -> tuple[NDArray[np.float32], int, Expression | None]:
        """Return a query."""
        return self.maker.query(self.table), int(self.rng.choice(KS)), self.filters.draw()


def ask_every_way(case: Case, gone: Sequence[int] = ()) -> list[float]:
    """Compare one random query along every route; return the recall of those that are not exact."""
    vector, k, where = case.draw()
    expected = case.without(gone).ranking(vector, where) if gone else case.rows.ranking(vector, where)
    alive, shares = case.alive(gone) if gone else None, []
    asked = (case.seed, k, where)
    check_exact(case.engine.search(vector, k=k, where=where, alive=alive, exact=True), expected, k, asked)
    for route in (None, *ROUTES):
        try:
            found = case.engine.search(vector, k=k, where=where, alive=alive, route=route)
        except QueryError:
            assert route is not None, asked
            continue
        check_sound(found, expected, k, (route, *asked))
        assert found.counted
        assert route in (None, found.plan.route)
        if found.plan.exact:
            check_exact(found, expected, k, (route, *asked))
        elif expected.matched:
            shares.append(recall(found, expected, k))
        assert found.plan.exact or found.plan.route not in EXACT_ROUTES
    return shares


def compare(seeds: Sequence[int], folder: Path) -> None:
    shares = []
    for seed in seeds:
        case = Case(seed, folder / str(seed))
        for _ in range(PER_TABLE):
            shares += ask_every_way(case)
        gone = case.rng.choice(len(case.table), len(case.table) // 3, replace=False).tolist()
        for _ in range(PER_TABLE // 3):
            shares += ask_every_way(case, gone)
    assert mean_recall(shares) >= LEAST_RECALL


@pytest.mark.parametrize("seed", range(2))
def test_every_route_answers_like_the_flat_index(seed: int, tmp_path: Path) -> None:
    compare(range(seed * 3, seed * 3 + 3), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_every_route_answers_like_the_flat_index_on_many_tables(seed: int, tmp_path: Path) -> None:
    compare(range(seed * 10, seed * 10 + 10), tmp_path)


@pytest.mark.parametrize("seed", range(200, 202))
def test_a_batch_answers_like_one_query_after_another(seed: int, tmp_path: Path) -> None:
    case = Case(seed, tmp_path)
    for _ in range(5):
        where, k = case.filters.draw(), int(case.rng.choice(KS))
        vectors = np.stack([case.maker.query(case.table) for _ in range(7)])
        for vector, found in zip(vectors, case.engine.search_many(vectors, k=k, where=where), strict=True):
            expected = case.rows.ranking(vector, where)
            check = check_exact if found.plan.exact else check_sound
            check(found, expected, k, (seed, k, where))


@pytest.mark.parametrize("seed", range(300, 303))
def test_every_tile_above_a_score_is_streamed_once(seed: int, tmp_path: Path) -> None:
    case = Case(seed, tmp_path)
    used: Counter[bool] = Counter()
    for _ in range(20):
        vector, _, where = case.draw()
        expected = case.rows.ranking(vector, where)
        least = float(case.rng.choice(expected.scores)) if len(expected.scores) else 0.0
        parts = list(case.engine.every(vector, least=least, where=where))
        found = {name: score for part in parts for name, score in zip(part.tile_ids, part.scores.tolist(), strict=True)}
        count = int((expected.scores >= least).sum())
        wanted = dict(zip(expected.tile_ids[:count], expected.scores[:count].tolist(), strict=True))
        assert found == wanted
        assert sum(len(part.tile_ids) for part in parts) == count
        assert sum(part.matched for part in parts) == expected.matched
        assert case.engine.count(where) == expected.matched
        used[bool(wanted)] += 1
    assert used[True]
