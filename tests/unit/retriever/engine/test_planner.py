"""Which route is taken, what it was thought to cost, and what is said about it."""

from pathlib import Path

import pytest

from core import QueryError
from retriever import parse_filter
from retriever._expression import Expression
from retriever.engine import Engine
from retriever.engine._costs import BUILT_IN, Costs, Work
from retriever.engine._explain import explained
from retriever.engine._planner import route_times, sought
from retriever.engine._routes import Chosen
from tests.unit.retriever.engine.made_engine import ROWS, Made, Watched, make_engine

DAY = parse_filter("datetime >= TIMESTAMP('2019-03-01T00:00:00Z') AND datetime < TIMESTAMP('2019-03-03T00:00:00Z')")
SENSOR = parse_filter("sensor = 'sensor1'")
LATER = parse_filter("datetime >= TIMESTAMP('2019-07-01T00:00:00Z')")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_engine(tmp_path_factory.mktemp("planner"))


def with_costs(made: Made, **costs: float) -> Engine:
    """An engine that takes these routes to be free, or dear."""
    names = {name.replace("_", "."): value for name, value in costs.items()}
    return Engine(Watched(made.snapshot, costs=dict(BUILT_IN) | names))


def test_costs_are_a_straight_line_in_the_work() -> None:
    costs = Costs({"lists": 10.0, "lists.lists": 2.0, "lists.codes": 0.5, "lists.kept": 3.0}, 100)
    assert costs.time("lists", Work(lists=4, codes=20, kept=1)) == 10 + 8 + 10 + 3
    assert costs.time("exact", Work(rows=10)) == BUILT_IN["exact"] + 10 * BUILT_IN["exact.rows"]


def test_what_is_worth_a_probe_lies_on_the_line_between_two_depths() -> None:
    costs = Costs({"worth@10": 0.2, "worth@1000": 0.4, "probes@10": 30.0, "probes@1000": 129.0}, 2048)
    assert costs.worth(3) == costs.worth(10) == pytest.approx(0.2)
    assert costs.worth(100) == pytest.approx(0.3)
    assert costs.worth(10**6) == pytest.approx(0.4)
    assert (costs.probes(10), costs.probes(100), costs.probes(10**9)) == (30, 80, 129)


def test_no_more_lists_are_probed_than_there_are() -> None:
    assert Costs({}, 24).probes(10_000) == 24


@pytest.mark.parametrize("route", ["exact", "blocks", "lists"])
def test_the_cheapest_route_is_taken(made: Made, route: str) -> None:
    dear = {other: 1e9 for other in ("exact", "blocks", "lists", "slice") if other != route}
    found = with_costs(made, **dear).search(made.queries[0], k=5, where=SENSOR)
    assert found.plan.route == route
    assert min(found.plan.costs, key=lambda each: found.plan.costs[each]) == route


@pytest.mark.parametrize("where", [SENSOR, LATER], ids=["sensor", "time"])
@pytest.mark.parametrize(("exact", "route"), [(1e3, "exact"), (1e12, "blocks")])
def test_a_route_that_finds_too_little_is_not_taken_where_another_can_be_borne(
    made: Made, exact: float, route: str, where: Expression
) -> None:
    costs = dict(BUILT_IN) | {
        "slice": 1e13,
        "exact": exact,
        "lists": 1.0,
        "lists.lists": 0.0,
        "lists.codes": 0.0,
        "lists.kept": 0.0,
    }
    poor = {"lists@10": 0.9, "lists@100": 0.9, "blocks@10": 0.98, "blocks@100": 0.9}
    engine = Engine(Watched(made.snapshot, costs=costs, recall=poor))
    assert engine.search(made.queries[0], k=5, where=where).plan.route == route
    trusted = Engine(Watched(made.snapshot, costs=costs, recall=poor | {"lists@10": 0.995}))
    assert trusted.search(made.queries[0], k=5, where=where).plan.route == "lists"


def test_a_narrow_range_of_time_is_walked_row_by_row(made: Made) -> None:
    found = made.engine.search(made.queries[0], k=5, where=DAY)
    assert found.plan.route == "slice"
    assert found.plan.exact
    assert 0 < found.matched < 50
    assert found.plan.scored == found.matched


def test_a_filter_on_time_alone_is_counted_without_a_bitmap(made: Made) -> None:
    engine = with_costs(made, slice=1e9, exact=1e9, blocks=1e9, lists_lists=0.0)
    found = engine.search(made.queries[0], k=5, where=LATER)
    assert found.plan.route == "lists"
    assert found.counted
    assert found.matched == made.flat.search(made.queries[0], k=1, where=LATER).matched


def test_an_archive_without_lists_is_searched_exactly(tmp_path: Path) -> None:
    made = make_engine(tmp_path, lists=0)
    found = made.engine.search(made.queries[0], k=5)
    assert (found.plan.route, found.plan.exact) == ("exact", True)
    with pytest.raises(QueryError, match="no inverted lists"):
        made.engine.search(made.queries[0], k=5, route="lists")


def test_a_route_that_is_not_exact_cannot_be_promised_to_be(made: Made) -> None:
    with pytest.raises(QueryError, match="the route blocks is not exact; exact ones are exact, slice"):
        made.engine.search(made.queries[0], k=5, exact=True, route="blocks")


@pytest.mark.parametrize("k", [0, -3])
def test_k_is_at_least_one(made: Made, k: int) -> None:
    with pytest.raises(QueryError, match=f"k must be at least 1, got {k}"):
        made.engine.search(made.queries[0], k=k)


def test_a_vector_of_another_length_is_refused(made: Made) -> None:
    with pytest.raises(QueryError, match="the vector has 3 numbers, the index holds vectors of 64"):
        made.engine.search(made.queries[0][:3], k=1)


def test_shards_that_hold_nothing_are_not_opened(made: Made) -> None:
    snapshot = Watched(made.snapshot)
    found = Engine(snapshot).search(made.queries[0], k=5, where=parse_filter("sensor = 'unheard of'"))
    assert (found.matched, found.plan.shards, found.plan.skipped, snapshot.opened) == (0, 0, 2, [])
    assert found.tile_ids == ()


def test_estimates_are_near_what_passes(made: Made) -> None:
    found = made.engine.search(made.queries[0], k=5, where=SENSOR)
    assert found.plan.estimated == pytest.approx(found.matched, rel=0.1)


def test_fewer_passing_rows_need_more_lists(made: Made) -> None:
    query, shard, costs = made.engine.query(made.queries[0], 10), made.snapshot.shard(0), Costs({}, 2048)
    test = sought(query, shard, None).test
    many, few = (
        route_times(query, shard, Chosen(words=None, blocks=None, count=count, sure=True, lists=test), 1.0, costs)
        for count in (2000, 600)
    )
    assert few["exact"] < many["exact"]
    assert few["lists"] >= many["lists"]


def test_an_explanation_names_route_rows_work_and_promise(made: Made) -> None:
    text = made.engine.explain(made.queries[0], k=5, where=DAY)
    found = made.engine.search(made.queries[0], k=5, where=DAY)
    assert text.startswith("route     slice: every row in the range of time was tested")
    assert f"{found.matched} of {ROWS:,} pass the filter" in text
    assert "promise   exact: the rows a flat index finds" in text


@pytest.mark.parametrize(
    ("recall", "says"),
    [({"blocks@10": 0.9962, "blocks@100": 0.5}, "finds 99.6% of the true best"), ({}, "was not measured")],
)
def test_an_approximate_route_says_what_was_measured_of_it(made: Made, recall: dict[str, float], says: str) -> None:
    found = Engine(Watched(made.snapshot, recall=recall)).search(made.queries[0], k=5, route="blocks")
    assert not found.plan.exact
    assert says in explained(found.plan)
