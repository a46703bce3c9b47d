"""An index that is written to, compacted and optimized at random answers like the flat index at every version."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from retriever._vector_index import Rows
from retriever.engine import Fresh
from retriever.engine._build import build_snapshot, compact, optimize
from tests.unit.retriever.engine.congruence import check_exact, check_sound, mean_recall, recall
from tests.unit.retriever.engine.random_expressions import RandomExpressions
from tests.unit.retriever.engine.random_histories import HeldRows, History, held
from tests.unit.retriever.engine.random_tables import draw_recipe

KS = (1, 10, 10, 100, 10_000)
LEAST_RECALL = 0.97
SEEDS = (3, 5)
"""Between them, everything is done once."""


class Life:
    """One index from its first scene on, asked at every version.

    Args:
        seed: Where chance comes from.
        path: Where the index is made.
    """

    def __init__(self, seed: int, path: Path) -> None:
        self.seed = seed
        self.rng = np.random.default_rng(seed)
        self.history = History(path, draw_recipe(self.rng), self.rng)
        self.fresh = Fresh(self.history.store)
        self.used: Counter[str] = Counter()
        self.shares: list[float] = []

    def live(self, steps: int, queries: int) -> None:
        """Change the index so many times, and ask so many questions after each change."""
        self.history.add(int(self.rng.integers(1, 120)))
        self.optimize()
        for _ in range(steps):
            self.used[self.history.step()] += 1
            if (also := self.rng.random()) < 0.35:
                self.optimize()
            elif also < 0.45:
                self.compact()
            self.ask(queries)

    def optimize(self) -> None:
        if not self.history.store.snapshot().count():
            return
        if self.rng.random() < 0.7 and self.used["built"]:
            self.used[optimize(self.history.store).snapshot] += 1
            return
        self.used["built"] += 1
        shard_rows = int(self.rng.choice([100, 100_000]))
        build_snapshot(self.history.store.snapshot(), self.history.path, shard_rows=shard_rows, lists=self._lists())

    def compact(self) -> None:
        """Compact with the snapshot brought along."""
        self.used["compact along"] += 1
        compact(self.history.store)

    def ask(self, queries: int) -> None:
        rows = held(self.history.store)
        filters = RandomExpressions(rows.table, self.rng) if len(rows.table) else None
        for _ in range(queries):
            vector, k = self.history.maker.query(rows.table), int(self.rng.choice(KS))
            where = filters.draw() if filters else None
            asked = (self.seed, dict(self.used), k, where)
            newest = self.fresh.newest()
            assert newest.number == self.history.store.version, asked
            expected = rows.ranking(vector, where)
            check_exact(newest.index(exact=True).search(vector, k=k, where=where), expected, k, asked)
            index = newest.index()
            found = index.search(vector, k=k, where=where)
            check_sound(found, expected, k, asked)
            explained = index.explained()
            self.used[explained["index"]] += 1
            if all(search["exact"] for search in explained.get("searches", ())):
                check_exact(found, expected, k, asked)
            else:
                self.shares.append(recall(found, expected, k))
            self._columns_are_those_of_the_table(newest.rows, rows, found.row_ids)

    def _columns_are_those_of_the_table(self, rows: Rows, expected: HeldRows, row_ids: NDArray[np.uint64]) -> None:
        columns = [name for name in expected.table.column_names if name not in ("_rowid", "preview")]
        taken = rows.take(row_ids, columns)
        assert taken.to_pylist() == expected.take(row_ids, columns).to_pylist()

    def _lists(self) -> int | None:
        return [None, 4, 10][self.rng.integers(3)]


def test_an_index_answers_like_the_flat_index_whatever_was_done_to_it(tmp_path: Path) -> None:
    used: Counter[str] = Counter()
    for seed in SEEDS:
        life = Life(seed, tmp_path / str(seed))
        life.live(steps=5, queries=6)
        used += life.used
    assert {"add", "replace", "remove", "compact", "built", "extended", "snapshot"} <= set(used), used


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_indexes_answer_like_the_flat_index_whatever_was_done_to_them(block: int, tmp_path: Path) -> None:
    shares = []
    for seed in range(1000 + block * 10, 1010 + block * 10):
        life = Life(seed, tmp_path / str(seed))
        life.live(steps=12, queries=9)
        shares += life.shares
    assert not shares or mean_recall(shares) >= LEAST_RECALL
