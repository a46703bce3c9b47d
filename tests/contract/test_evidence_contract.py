"""Evidence against brute force: filters come first, facts are of all tiles that match, and nothing depends on order."""

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from core import Interval, rfc3339
from core.testing import MeanColourEncoder
from retriever import filters_only
from retriever._calibration import probabilities
from retriever.rag import Archive, EvidenceSet, Fact, PlannedPlace, QueryPlan, gather
from retriever.rag.evidence._filters import filters_of
from retriever.rag.evidence._retrieve import retrieve
from tests.unit.retriever.evidence_tables import CALIBRATION, SENSORS, archive_of, day, random_rows

ROWS = random_rows(160, seed=4)
ARCHIVE = archive_of(ROWS)


@pytest.fixture(autouse=True, scope="module")
def _enough() -> Iterator[None]:
    """Whether evidence carries an answer is judged elsewhere, and by an encoder that knows more than colours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("retriever.rag.evidence._gather.judge", lambda retrieved, archive: None)
        yield


places = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 4)).map(
        lambda at: box(
            10.001 + at[0] * 0.02, 45.001 + at[1] * 0.02, 10.001 + at[0] * 0.02 + at[2] * 0.02, 45.03 + at[1] * 0.02
        )
    ),
)
instants = st.integers(2014, 2024).map(lambda year: datetime(year, 1, 1, tzinfo=UTC))
periods = st.lists(
    st.tuples(st.one_of(st.none(), instants), st.one_of(st.none(), instants)).filter(
        lambda ends: ends[0] is None or ends[1] is None or ends[0] <= ends[1]
    ),
    max_size=3,
).map(tuple)
plans = st.builds(
    lambda place, periods, sensors, cloud, sought, shape: QueryPlan(
        question="?",
        sought=sought,
        shape=shape,
        place=None if place is None else PlannedPlace(name="there", geometry=place, source="coordinates"),
        periods=periods,
        sensors=sensors,
        max_cloud=cloud,
    ),
    places,
    periods,
    st.sets(st.sampled_from(SENSORS), max_size=2).map(lambda names: tuple(sorted(names))),
    st.one_of(st.none(), st.sampled_from((10.0, 50.0, 90.0))),
    st.sampled_from(((), ("red",), ("red", "blue"))),
    st.sampled_from(("describe", "when", "compare", "change", "count")),
)


def passes(row: dict[str, Any], plan: QueryPlan, period: Interval) -> bool:
    """What the plan's filters mean, said again."""
    start, end = period
    if plan.place is not None and (
        row["footprint"] is None or not shapely.from_wkb(row["footprint"]).intersects(plan.place.geometry)
    ):
        return False
    if (start is not None or end is not None) and row["datetime"] is None:
        return False
    if (start is not None and row["datetime"] < start) or (end is not None and row["datetime"] > end):
        return False
    if plan.max_cloud is not None and (row["cloud"] is None or row["cloud"] * 100 > plan.max_cloud):
        return False
    return not plan.sensors or row["sensor"] in plan.sensors


def matching(plan: QueryPlan) -> list[dict[str, Any]]:
    return [row for row in ROWS if any(passes(row, plan, period) for period in plan.periods or ((None, None),))]


def chance(row: dict[str, Any], phrase: str) -> float:
    vector = MeanColourEncoder().encode_text([phrase])[0].astype(np.float64)
    vector /= np.linalg.norm(vector)
    line = CALIBRATION.sensors[row["sensor"]]
    score = np.float32(np.array(row["vector"], np.float32).astype(np.float64) @ vector)
    shift = 0.0 if line.centre is None else float(np.dot(line.centre, vector))
    return float(probabilities(np.array([line.slope * (float(score) - shift) + line.intercept]))[0])


def named(evidence: EvidenceSet, name: str, sought: str | None = None) -> Fact | None:
    of = [fact for fact in evidence.facts if fact.name == name]
    return next((fact for fact in of if sought is None or fact.value["sought"] == sought), None)


@settings(max_examples=60, deadline=None)
@given(plans, st.integers(1, 20))
def test_as_many_candidates_as_match_and_each_of_them_passes(plan: QueryPlan, tiles: int) -> None:
    found = retrieve(plan, ARCHIVE, filters_of(plan, None), tiles=tiles)
    ids = [row["tile_id"] for row in ROWS]
    assert len(found.searches) == max(len(plan.sought), 1) * max(len(plan.periods), 1)
    for search in found.searches:
        period = (None, None) if search.filtered.period is None else plan.periods[search.filtered.period]
        right = {row["tile_id"] for row in ROWS if passes(row, plan, period)}
        shown = [ids[candidate.row_id] for candidate in search.candidates]
        assert search.matched == len(right)
        assert len(shown) == len(set(shown)) == min(len(right), 8 * tiles)
        assert set(shown) <= right


@settings(max_examples=60, deadline=None)
@given(plans)
def test_facts_are_those_of_a_brute_force_over_all_tiles(plan: QueryPlan) -> None:
    evidence = gather(plan, ARCHIVE, tiles=5, pictures=0)
    rows = matching(plan)
    assert evidence.matched == len(rows)
    assert (evidence.insufficient is None) == bool(evidence.tiles) == bool(rows)
    if not rows:
        return
    assert_facts(evidence, rows, plan, None)
    sensors = named(evidence, "sensors")
    assert sensors is not None
    assert sensors.value == {name: sum(row["sensor"] == name for row in rows) for name in sensors.value}
    assert sum(sensors.value.values()) == len(rows)
    for phrase in plan.sought:
        likely = [row for row in rows if chance(row, phrase) >= 0.5]
        fact = named(evidence, "likely", phrase)
        assert fact is not None
        assert (fact.value["tiles"], fact.value["of"]) == (len(likely), len(rows))
        assert_facts(evidence, likely, plan, phrase)


def cell_km2(footprint: bytes) -> float:
    """The area between two meridians and two parallels in closed form (cells of the grid do not overlap)."""
    west, south, east, north = shapely.from_wkb(footprint).bounds
    half, e = 6356.7523142**2 / 2, 0.0818191908426

    def up_to(lat: float) -> float:
        sine = math.sin(math.radians(lat))
        return half * (sine / (1 - (e * sine) ** 2) + math.atanh(e * sine) / e)

    return math.radians(east - west) * (up_to(north) - up_to(south))


def assert_facts(evidence: EvidenceSet, rows: list[dict[str, Any]], plan: QueryPlan, phrase: str | None) -> None:
    prefix = "" if phrase is None else "likely_"
    dates = sorted(row["datetime"] for row in rows if row["datetime"] is not None)
    told = named(evidence, f"{prefix}dates", phrase)
    if told is not None:
        assert told.value["count"] == len({each.date() for each in dates})
        assert told.value["undated"] == len(rows) - len(dates)
    assert (told is None) == (not dates)
    if dates and (phrase is not None or not plan.sought):
        first, last = named(evidence, "first_seen", phrase), named(evidence, "last_seen", phrase)
        assert first is not None
        assert last is not None
        assert (first.value["datetime"], last.value["datetime"]) == (rfc3339(dates[0]), rfc3339(dates[-1]))
    cells = {row["footprint"] for row in rows if row["footprint"] is not None}
    ground = named(evidence, f"{prefix}area_km2", phrase)
    assert (ground is None) == (not cells)
    if ground is not None:
        km2 = ground.value if phrase is None else ground.value["km2"]
        assert km2 == pytest.approx(sum(map(cell_km2, cells)), rel=1e-3)
    if len(plan.periods) > 1 and rows:
        told = named(evidence, f"{prefix}periods", phrase)
        assert told is not None
        counts = told.value if phrase is None else told.value["periods"]
        assert [each["tiles"] for each in counts] == [
            sum(passes(row, plan, period) for row in rows) for period in plan.periods
        ]


@settings(max_examples=40, deadline=None)
@given(plans, st.integers(1, 15))
def test_facts_and_tiles_cite_what_they_can_be_checked_on(plan: QueryPlan, tiles: int) -> None:
    evidence = gather(plan, ARCHIVE, tiles=tiles, pictures=0)
    assert len(evidence.tiles) <= tiles
    assert [tile.number for tile in evidence.tiles] == list(range(1, len(evidence.tiles) + 1))
    assert len({tile.record.tile_id for tile in evidence.tiles}) == len(evidence.tiles)
    right = {row["tile_id"] for row in matching(plan)}
    assert {tile.record.tile_id for tile in evidence.tiles} <= right
    by_number = {tile.number: tile for tile in evidence.tiles}
    for fact in evidence.facts:
        assert set(fact.cites) <= evidence.numbers()
        if fact.name in ("first_seen", "last_seen"):
            assert all(_date(number, by_number) == fact.value["datetime"] for number in fact.cites)


def _date(number: int, tiles: dict[int, Any]) -> str | None:
    instant = tiles[number].record.datetime
    return None if instant is None else rfc3339(instant)


@pytest.mark.parametrize("shape", ["describe", "when", "compare"])
@pytest.mark.parametrize("rearranged", [lambda rows: rows[::-1], lambda rows: rows[60:] + rows[:60]])
def test_the_same_archive_gives_the_same_evidence_in_any_order_of_its_rows(
    shape: Any, rearranged: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    plan = QueryPlan(
        question="?",
        sought=("red", "blue"),
        shape=shape,
        periods=((None, day("2018-01-01")), (day("2020-01-01"), None)),
    )
    first = gather(plan, ARCHIVE, pictures=0)
    again = gather(plan, archive_of(rearranged(ROWS), batch_rows=37), pictures=0)
    assert told(first) == told(again)
    assert [fact.text for fact in first.facts] == [fact.text for fact in again.facts]


def told(evidence: EvidenceSet) -> list[tuple[Any, ...]]:
    return [
        (tile.number, tile.record.tile_id, tile.sought, tile.period, tile.score, tile.probability)
        for tile in evidence.tiles
    ]


def test_filters_of_the_user_hold_beside_those_of_the_plan() -> None:
    plan = QueryPlan(
        question="?", sought=("red",), sensors=("naip", "sentinel-2-l2a"), periods=((day("2016-01-01"), None),)
    )
    given_too = filters_only(sensor=["naip", "sentinel-1-rtc"], datetime="../2019-12-31", max_cloud=60)
    evidence = gather(plan, ARCHIVE, filters=given_too, tiles=50, pictures=0)
    right = [
        row
        for row in ROWS
        if row["sensor"] == "naip"
        and row["datetime"] is not None
        and day("2016-01-01") <= row["datetime"] < day("2020-01-01")
        and row["cloud"] is not None
        and row["cloud"] <= 0.6
    ]
    assert evidence.matched == len(right) > 0
    assert {tile.record.tile_id for tile in evidence.tiles} <= {row["tile_id"] for row in right}
    assert evidence.dropped == ()


def test_an_archive_reads_as_one_version() -> None:
    assert isinstance(ARCHIVE, Archive)
    assert ARCHIVE.rows is ARCHIVE.searcher.snapshot()
