"""The sieve lets the rows pass for which a filter is true, whatever the filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiPoint, Point, Polygon, box
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from retriever import Expression, MemoryRows
from retriever._evaluate import matching
from retriever._expression import And, Area, Column, Nearby, Not, OneOf, Or, Relation, compare
from retriever.engine import Layout, Shard
from retriever.engine._bitmap import bitmap_of, count_in, rows_in
from retriever.engine._build import build_snapshot
from retriever.engine._layout import BLOCK
from retriever.engine._open import current, open_snapshot
from retriever.engine._sieve import estimate, holds, list_test, may_match, passing, sieve_of
from retriever.engine._sieve._kept import KEPT
from tests.unit.retriever.engine.random_expressions import RandomExpressions
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker, draw_recipe

FILTERS = 50
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


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Two thousand tiles of every kind."""
    recipe = Recipe(
        dim=4, dtype="float16", spread="tied", sensors=300, collections=300, undated=0.1, unlocated=0.1,
        years=(1890, 2110), odd=0.4,
    )  # fmt: skip
    return archive(recipe, np.random.default_rng(1), tmp_path_factory.mktemp("plain"), tiles=2000)


@pytest.mark.parametrize("seed", range(3))
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


def names(column: Literal["sensor", "collection"], *wanted: str) -> Expression:
    return OneOf(value=Column(name=column, kind="text"), choices=wanted)


def middle(made: Archive) -> tuple[float, float]:
    """Where half of the tiles lie to either side."""
    west, south = (made.shard.bounds[side][: made.shard.rows] for side in (0, 1))
    return float(np.nanmedian(west)), float(np.nanmedian(south))


def outlines(made: Archive) -> dict[str, BaseGeometry]:
    lon, lat = middle(made)
    disc = Point(lon, lat).buffer(20, quad_segs=500).intersection(box(-180, -90, 180, 90))
    return {
        "many edges": disc,
        "with a hole": disc.difference(Point(lon, lat).buffer(5)),
        "several parts": unary_union([box(-170, -80, lon - 1, 80), disc.intersection(box(lon, -90, 180, 90))]),
        "a line": LineString([(-170, -60), (lon, lat), (170, 70)]),
        "points": MultiPoint([(lon, lat), *((x, y) for x in range(-170, 171, 5) for y in range(-80, 81, 5))]),
        "nothing": Polygon(),
    }


@pytest.mark.parametrize("name", ["many edges", "with a hole", "several parts", "a line", "points", "nothing"])
@pytest.mark.parametrize("relation", ["intersects", "within", "overlaps"])
def test_areas_of_any_outline(plain: Archive, name: str, relation: Relation) -> None:
    area = Area(relation=relation, geometry=outlines(plain)[name])
    check(plain, area, np.random.default_rng(0))
    beside = Area(relation="intersects", geometry=box(0, 0, 10, 10))
    check(plain, Or(parts=(area, beside)), np.random.default_rng(0))


@pytest.mark.parametrize("radius_km", [1.0, 300.0, 5000.0, 15_000.0, 20_100.0])
def test_circles_of_any_size(plain: Archive, radius_km: float) -> None:
    lon, lat = middle(plain)
    for centre in ((lon, lat), (180.0, 80.0), (0.0, -90.0)):
        check(plain, Nearby(lon=centre[0], lat=centre[1], radius_km=radius_km), np.random.default_rng(0))


def test_names_that_no_longer_fit_a_byte_are_told_apart(plain: Archive) -> None:
    sensors = plain.layout.sensors
    assert len(sensors) > 256
    for wanted in (sensors[:1], sensors[255:256], (sensors[3], sensors[256]), sensors[255:], sensors):
        check(plain, names("sensor", *wanted), np.random.default_rng(0))
        check(plain, Not(part=names("sensor", *wanted)), np.random.default_rng(0))
    rest = sieve_of(names("sensor", *sensors[255:]), plain.layout)
    assert list_test(rest, plain.shard).exact
    assert not list_test(sieve_of(names("sensor", sensors[255]), plain.layout), plain.shard).exact


def test_a_name_that_is_not_there_lets_nothing_pass(plain: Archive) -> None:
    sieve = sieve_of(names("sensor", "no such sensor"), plain.layout)
    assert sieve.never
    assert not may_match(sieve, plain.layout.shards[0])
    assert passing(sieve, plain.shard, exact=False, alive=None).count == 0


def test_rows_that_are_gone_do_not_pass(plain: Archive) -> None:
    rng, where = np.random.default_rng(2), compare("cloud", "number", "<=", 0.5)
    staying = np.flatnonzero(rng.random(plain.shard.rows) < 0.5)
    alive = bitmap_of(staying, len(plain.shard.seconds))
    before = alive.copy()
    expected = np.intersect1d(plain.true_of(where), staying)
    for _ in range(2):  # the second time from memory
        found = passing(sieve_of(where, plain.layout), plain.shard, exact=True, alive=alive)
        assert rows_in(found.words).tolist() == expected.tolist()
    assert passing(sieve_of(None, plain.layout), plain.shard, exact=True, alive=alive).count == len(staying)
    assert np.array_equal(alive, before)


def test_an_answer_is_remembered_for_its_own_filter_shard_and_rows(plain: Archive) -> None:
    where = compare("cloud", "number", "<=", 0.5)
    first = passing(sieve_of(where, plain.layout), plain.shard, exact=True, alive=None)
    assert passing(sieve_of(where, plain.layout), plain.shard, exact=False, alive=None) is first
    alive = bitmap_of(np.arange(10), len(plain.shard.seconds))
    assert passing(sieve_of(where, plain.layout), plain.shard, exact=True, alive=alive).count <= 10
    other = replace(plain.shard)
    assert passing(sieve_of(where, plain.layout), other, exact=True, alive=None) is not first


def test_a_filter_of_dates_and_sensors_needs_no_more_than_lists_hold(plain: Archive) -> None:
    dates = [compare("datetime", "instant", ">=", datetime(1950, 1, 1, tzinfo=UTC))]
    dates.append(compare("datetime", "instant", "<=", datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)))
    both = And(parts=(*dates, names("sensor", *plain.layout.sensors[:9])))
    assert list_test(sieve_of(both, plain.layout), plain.shard).exact
    area = Area(relation="intersects", geometry=box(0, 0, 10, 10))
    assert not list_test(sieve_of(And(parts=(both, area)), plain.layout), plain.shard).exact


def test_estimates_of_areas_are_near_the_truth(plain: Archive) -> None:
    lon, lat = middle(plain)
    area = Area(relation="intersects", geometry=box(-180, lat, lon, 90))
    guess, truth = estimate(sieve_of(area, plain.layout), plain.shard), len(plain.true_of(area))
    assert truth / 2 <= guess.likely <= truth * 2
