"""The sieve lets the rows pass for which a filter is true, whatever the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from retriever import Expression, MemoryRows
from retriever._evaluate import matching
from retriever.engine import Layout, Shard
from retriever.engine._bitmap import count_in, rows_in
from retriever.engine._build import build_snapshot
from retriever.engine._layout import BLOCK
from retriever.engine._open import current, open_snapshot
from retriever.engine._sieve import estimate, holds, list_test, may_match, passing, sieve_of
from retriever.engine._sieve._kept import KEPT
from tests.unit.retriever.engine.random_expressions import RandomExpressions
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker, draw_recipe

FILTERS = 150
"""Filters of each table."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Archive:
    layout: Layout
    shard: Shard
    tiles: pa.RecordBatch
    """Every column, in the shard's order."""

    def true_of(self, where: Expression | None) -> NDArray[np.int64]:
        return np.arange(self.shard.rows) if where is None else matching(where, self.tiles)


def archive(recipe: Recipe, rng: np.random.Generator, home: Path, tiles: int) -> Archive:
    table = TileMaker(recipe, rng).tiles(tiles)
    build_snapshot(MemoryRows(table, space=recipe.space), home, lists=0)
    folder = current(home)
    assert folder is not None
    snapshot = open_snapshot(folder)
    shard = snapshot.shard(0)
    (rows,) = table.take(pa.array(shard.row_ids)).combine_chunks().to_batches()
    return Archive(layout=snapshot.layout, shard=shard, tiles=rows)


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    KEPT.clear()
    yield
    KEPT.clear()


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_pass_are_those_for_which_the_filter_is_true(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    recipe = replace(draw_recipe(rng), dim=4, spread="tied")
    made = archive(recipe, rng, tmp_path, tiles=int(rng.integers(1, 900)))
    drawn = RandomExpressions(pa.Table.from_batches([made.tiles]), rng)
    for _ in range(FILTERS):
        check(made, drawn.draw(), rng)


def check(made: Archive, where: Expression | None, rng: np.random.Generator) -> None:
    """Every question about one filter, against the filter's own truth."""
    sieve, shard = sieve_of(where, made.layout), made.shard
    expected = made.true_of(where)
    assert sieve.everything <= (len(expected) == shard.rows)
    assert not sieve.never or not len(expected)

    wide = passing(sieve, shard, exact=False, alive=None)
    assert set(expected.tolist()) <= set(rows_in(wide.words).tolist()), where
    assert not wide.sure or wide.count == len(expected), where
    exact = passing(sieve, shard, exact=True, alive=None)
    assert rows_in(exact.words).tolist() == expected.tolist(), where
    assert exact.sure
    assert exact.count == len(expected) == count_in(exact.words)
    assert exact.blocks.tolist() == np.unique(expected // BLOCK).tolist()

    guess = estimate(sieve, shard)
    assert guess.low <= len(expected) <= guess.high, where
    assert guess.low <= guess.likely <= guess.high, where
    assert may_match(sieve, made.layout.shards[0]) or not len(expected), where

    rows = rng.choice(shard.rows, size=min(shard.rows, 20)).astype(np.int32)
    assert holds(sieve, shard, rows).tolist() == np.isin(rows, expected).tolist(), where
    check_lists(made, where, expected)


def check_lists(made: Archive, where: Expression | None, expected: NDArray[np.int64]) -> None:
    """The tests of lists lose no row, and where they say that they are enough they are."""
    test = list_test(sieve_of(where, made.layout), made.shard)
    seconds, sensor = made.shard.seconds[: made.shard.rows], made.shard.sensor[: made.shard.rows]
    kept = (seconds >= test.first) & (seconds <= test.last)
    if test.sensors is not None:
        kept &= test.sensors[sensor] != 0
    assert kept[expected].all(), where
    assert not test.exact or int(kept.sum()) == len(expected), where
