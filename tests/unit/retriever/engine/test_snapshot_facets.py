"""Facets counted from a search snapshot are those counted by reading the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from core import QueryError
from retriever import FacetRequest
from retriever._expression import compare
from retriever._facets import Keeps, Scoring, count_facets
from retriever.engine import EngineRows, Fresh, build_snapshot
from retriever.engine._least import least_scores
from tests.unit.retriever.engine.random_expressions import RandomExpressions
from tests.unit.retriever.engine.random_histories import History, held
from tests.unit.retriever.engine.random_tables import Recipe

RECIPE = Recipe(
    dim=16, dtype="float16", spread="scattered", sensors=3, collections=2, undated=0.1, unlocated=0.1,
    years=(1890, 2110), odd=0.2,
)  # fmt: skip
EVERYTHING = FacetRequest(time=7, h3=2, cloud=4, sensor=True, collection=True, label=True)
SAME = 1e-5
"""How far best scores may be apart: both are sums of 16 float32 products, in another order."""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> History:
    """An index with a snapshot of several shards, of which rows are gone and after which rows came."""
    made = History(tmp_path_factory.mktemp("facets") / "index", RECIPE, np.random.default_rng(11))
    made.add(25)
    build_snapshot(made.store.snapshot(), made.path, shard_rows=60)
    made.remove()
    made.add(4)
    return made


def rows_of(history: History) -> EngineRows:
    rows = Fresh(history.store).newest().rows
    assert isinstance(rows, EngineRows)
    assert rows.state.alive is not None
    assert len(rows.state.delta)
    return rows


def check_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Equal but for the last digits of best scores."""
    best = [[cell.pop("best", None) for cell in facets.get("h3", [])] for facets in (found, expected)]
    assert found == expected
    assert best[0] == pytest.approx(best[1], abs=SAME)


def reaches(limit: np.float32) -> Keeps:
    return lambda scores, _: scores >= limit


def never_below(least: float) -> Keeps:
    """Good enough from one score on, which differs between sensors."""

    def keeps(scores: NDArray[np.float32], sensors: pa.Array) -> NDArray[np.bool_]:
        shift = np.array([0.1 if name == "sensor1" else 0.0 for name in sensors.to_pylist()])
        kept: NDArray[np.bool_] = scores >= least + shift
        return kept

    return keeps


@pytest.mark.parametrize("scored", ["no", "best", "limited"])
def test_counts_are_those_of_the_table_under_any_filter(changed: History, scored: str) -> None:
    rows, table, rng = rows_of(changed), held(changed.store), np.random.default_rng(5)
    drawn = RandomExpressions(table.table, rng)
    for _ in range(40):
        where, vector = drawn.draw(), changed.maker.query(table.table)
        least = float(rng.choice([-1.0, 0.0, 0.2, 0.5, 1.0]))
        keeps = never_below(least) if scored == "limited" else None
        scoring = None if scored == "no" else Scoring(vector=vector, keeps=keeps)
        expected = count_facets(table, EVERYTHING, where, scoring).to_dict()
        check_same(count_facets(rows, EVERYTHING, where, scoring).to_dict(), expected)


def test_a_score_just_at_the_limit_is_enough(changed: History) -> None:
    rows, table = rows_of(changed), held(changed.store)
    vector = changed.maker.query(table.table)
    for score in np.unique(table.ranking(vector, None).scores)[::20]:
        for limit in (score, np.nextafter(score, np.float32(2))):
            scoring = Scoring(vector=vector, keeps=reaches(limit))
            expected = count_facets(table, FacetRequest(sensor=True), None, scoring)
            assert count_facets(rows, FacetRequest(sensor=True), None, scoring).to_dict() == expected.to_dict()


@pytest.mark.parametrize("limit", [-1.0, -0.3, 0.0, 1e-30, 0.7, 1.0])
def test_the_least_score_is_found_to_the_last_bit(limit: float) -> None:
    found = least_scores(reaches(np.float32(limit)), ["one"], np.array([0]))
    assert found.tolist() == [np.float32(limit)]


def test_a_limit_that_nothing_or_everything_reaches() -> None:
    names = ["nothing", "everything", "not asked"]

    def keeps(scores: NDArray[np.float32], sensors: pa.Array) -> NDArray[np.bool_]:
        return np.full(len(scores), sensors[0].as_py() == "everything")

    assert least_scores(keeps, names, np.array([0, 1])).tolist() == [np.inf, -np.inf, np.inf]


def test_a_sensor_without_a_limit_matters_only_where_its_tiles_pass(changed: History) -> None:
    rows = rows_of(changed)

    def keeps(scores: NDArray[np.float32], sensors: pa.Array) -> NDArray[np.bool_]:
        if "sensor1" in sensors.to_pylist():
            raise QueryError("nothing is said about sensor1")
        return scores >= 0

    scoring = Scoring(vector=changed.maker.query(held(changed.store).table), keeps=keeps)
    with pytest.raises(QueryError, match="nothing is said about sensor1"):
        count_facets(rows, EVERYTHING, None, scoring)
    others = compare("sensor", "text", "<>", "sensor1")
    assert count_facets(rows, EVERYTHING, others, scoring).matched
