"""Every way to the best rows, against the flat index."""

import numpy as np
import pytest

from retriever import Expression, parse_filter
from retriever.engine import Alive, Engine, Route
from retriever.engine._bitmap import are_in, bitmap_of, count_in, rows_in
from retriever.engine._fit import fit_costs
from retriever.engine._layout import BLOCK
from retriever.engine._recall import measure_recall
from retriever.engine._shortlist import near_best
from tests.unit.retriever.engine.congruence import check_exact, check_sound, recall
from tests.unit.retriever.engine.made_engine import ROWS, Made, Watched, make_engine

ROUTES: tuple[Route, ...] = ("exact", "slice", "blocks", "lists")
LEAST_RECALL = 0.95
"""Of codes of 64 bits of rows in any direction; recall on archives is measured elsewhere."""

FILTERS = [
    None,
    parse_filter("sensor = 'sensor1'"),
    parse_filter("datetime >= TIMESTAMP('2019-10-01T00:00:00Z')"),
    parse_filter("datetime < TIMESTAMP('2020-03-01T00:00:00Z') AND sensor <> 'sensor0'"),
    parse_filter("cloud < 0.3 AND label = 'Forest'"),
    parse_filter("label LIKE '%e%'"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_engine(tmp_path_factory.mktemp("routes"))


@pytest.mark.parametrize("where", FILTERS)
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_gives_the_best_rows_that_pass(made: Made, route: Route, where: Expression | None) -> None:
    shares = []
    for query in made.queries[:3]:
        expected = made.flat.search(query, k=ROWS, where=where)
        for k in (1, 10, 500):
            found = made.engine.search(query, k=k, where=where, route=route)
            check_sound(found, expected, k, (route, where))
            if found.plan.exact:
                check_exact(found, expected, k, (route, where))
            shares.append(recall(found, expected, k))
    assert np.mean(shares) >= LEAST_RECALL


@pytest.mark.parametrize("where", FILTERS)
def test_rows_that_went_are_neither_found_nor_counted(made: Made, where: Expression | None) -> None:
    query = made.queries[0]
    gone = set(made.flat.search(query, k=40, where=where).tile_ids)
    alive: Alive = [
        bitmap_of(
            np.array([r for r, name in enumerate(shard.scalars["tile_id"].to_pylist()) if name not in gone], np.int64),
            -(-shard.rows // BLOCK) * BLOCK,
        )
        for shard in (made.snapshot.shard(0), made.snapshot.shard(1))
    ]
    before = made.engine.count(where)
    assert made.engine.count(where, alive=alive) == before - len(gone)
    for route in ROUTES:
        found = made.engine.search(query, k=50, where=where, alive=alive, route=route)
        assert found.matched == before - len(gone)
        assert not gone & set(found.tile_ids)


@pytest.mark.parametrize("route", ["exact", "blocks", "lists"])
@pytest.mark.parametrize("where", FILTERS)
def test_without_counting_k_rows_come_back_all_the_same(made: Made, route: Route, where: Expression | None) -> None:
    expected = made.flat.search(made.queries[1], k=ROWS, where=where)
    for k in (5, 300, ROWS):
        found = made.engine.search(made.queries[1], k=k, where=where, count=False, route=route)
        assert len(found.tile_ids) == min(k, expected.matched)
        assert set(found.tile_ids) <= set(expected.tile_ids)
        assert not found.counted or found.matched == expected.matched


def test_many_queries_are_answered_like_single_ones(made: Made) -> None:
    found = made.engine.search_many(made.queries, k=7, where=FILTERS[1])
    single = [made.engine.search(query, k=7, where=FILTERS[1]) for query in made.queries]
    assert [each.tile_ids for each in found] == [each.tile_ids for each in single]
    assert made.engine.search_many(made.queries[:0], k=7) == []


@pytest.mark.parametrize("where", FILTERS)
def test_every_row_above_a_score_is_streamed(made: Made, where: Expression | None) -> None:
    query = made.queries[2]
    expected = made.flat.search(query, k=ROWS, where=where)
    least = float(np.quantile(expected.scores, 0.7))
    parts = list(made.engine.every(query, least=least, where=where))
    found = {name: score for part in parts for name, score in zip(part.tile_ids, part.scores.tolist(), strict=True)}
    wanted = zip(expected.tile_ids, expected.scores.tolist(), strict=True)
    assert found == {name: score for name, score in wanted if score >= np.float32(least)}
    assert sum(part.matched for part in parts) == expected.matched
    rows = np.concatenate([part.rows for part in parts])
    assert (np.diff(rows) > 0).all()


def test_more_lists_are_probed_where_fewer_rows_pass(made: Made) -> None:
    costs = {"probes@5": 0.0, "probes@10000": 0.0, "worth@5": 1.0, "worth@10000": 0.0}
    engine = Engine(Watched(made.snapshot, costs=costs))
    rare = parse_filter("label = 'Forest' AND cloud < 0.2")
    every, some = (engine.search(made.queries[0], k=5, where=where, route="lists").plan for where in (None, rare))
    assert every.scanned < some.scanned <= ROWS


def test_costs_and_recall_are_measured_and_can_be_used(made: Made) -> None:
    costs = fit_costs(made.engine, seed=1)
    assert all(value >= 0 for name, value in costs.items() if "@" not in name)
    assert {"exact.rows", "lists.codes", "worth@10", "probes@10", "doubt"} <= set(costs)
    found = measure_recall(made.engine, seed=1)
    assert set(found) == {"blocks@10", "blocks@100", "lists@10", "lists@100"}
    assert all(0.9 < share <= 1 for share in found.values())


def test_bitmaps_hold_the_rows_they_are_made_of() -> None:
    rows = np.array([0, 63, 64, 700])
    words = bitmap_of(rows, 1000)
    assert (len(words), count_in(words), rows_in(words).tolist()) == (16, 4, rows.tolist())
    assert are_in(words, np.array([0, 1, 64, 65, 700])).tolist() == [True, False, True, False, True]


def test_candidates_within_the_margin_of_the_last_are_kept() -> None:
    scores = np.array([0.5, 0.9, 0.8, 0.79, 0.7], np.float32)
    assert near_best(scores, 2, 0.02).tolist() == [1, 2, 3]
    assert near_best(scores, 9, 0.02).tolist() == [0, 1, 2, 3, 4]
