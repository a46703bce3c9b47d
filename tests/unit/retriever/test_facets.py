"""Counts over all matching tiles, against counting them one by one."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import h3.api.basic_str as h3
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely.geometry import box

from core import QueryError, cell_text, parse_instant
from retriever import (
    Calibration,
    FacetRequest,
    Facets,
    MemoryRows,
    Searcher,
    SearchRequest,
    SensorLine,
    facets,
    filters_only,
)
from retriever._facet_tallies import MAX_CELLS, MAX_NAMES, Cells, Names, Shares, Times, parents
from retriever._facets import Keeps, Scoring, count_facets
from tests.unit.retriever.tables import SPACE, Archive, row, table, unit_vectors

FIRST = datetime(2020, 1, 1, tzinfo=UTC)
EVERYTHING = FacetRequest(time=7, h3=2, cloud=4, sensor=True, collection=True, label=True)
QUERY = np.array([1, 0, 0, 0], np.float32)
COUNT = 500


def made_up(count: int = COUNT) -> list[dict[str, Any]]:
    rng, vectors = np.random.default_rng(7), unit_vectors(count, seed=8)
    rows = []
    for number in range(count):
        lon, lat = rng.uniform(-179, 179), rng.uniform(-85, 85)
        place = box(lon - 0.01, lat - 0.01, lon + 0.01, lat + 0.01) if number % 11 else None
        rows.append(
            row(
                f"t{number:04d}",
                place,
                vector=vectors[number].tolist(),
                datetime=FIRST + timedelta(days=int(rng.integers(0, 900))) if number % 7 else None,
                cloud=float(rng.uniform()) if number % 3 else None,
                sensor=["rgb", "sentinel-1-rtc", "sentinel-2-l2a"][number % 3],
                collection=f"c{int(rng.integers(0, 4))}",
                label=[None, "forest", "water"][int(rng.integers(0, 3))],
            )
        )
    return rows


ROWS = made_up()
MEMORY = MemoryRows(table(ROWS), space=SPACE, batch_rows=37)


def counted(wanted: FacetRequest = EVERYTHING, question: Scoring | None = None, **filters: Any) -> dict[str, Any]:
    where = SearchRequest.build(vector=QUERY, **filters).where()
    return count_facets(MEMORY, wanted, where, question).to_dict()


FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "none": ({}, lambda _: True),
    "sensor": ({"sensor": "rgb"}, lambda tile: tile["sensor"] == "rgb"),
    "cloud": ({"max_cloud": 40}, lambda tile: tile["cloud"] is not None and tile["cloud"] <= 0.4),
    "CQL2": (
        {"filter": "cloud * 2 < 0.5 OR label = 'water'"},
        lambda tile: (tile["cloud"] is not None and tile["cloud"] * 2 < 0.5) or tile["label"] == "water",
    ),
    "dated": (
        {"datetime": "2020-03-01/.."},
        lambda tile: (tile["datetime"] or FIRST) >= datetime(2020, 3, 1, tzinfo=UTC),
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_counts_are_those_of_counting_one_by_one(name: str) -> None:
    filters, passes = FILTERS[name]
    tiles = [tile for tile in ROWS if passes(tile)]
    found = counted(**filters)
    assert found["matched"] == len(tiles)
    assert found["time"] == by_hand_times(tiles, 7)
    assert {cell["cell"]: cell["count"] for cell in found["h3"]} == Counter(
        h3.cell_to_parent(cell_text(tile["h3"]), 2) for tile in tiles if tile["h3"] is not None
    )
    for column in ("sensor", "collection", "label"):
        names = Counter(tile[column] for tile in tiles if tile[column] is not None)
        ranked = sorted(names.items(), key=lambda item: (-item[1], item[0]))
        assert [(entry["name"], entry["count"]) for entry in found[column]] == ranked
    bins = Counter(min(int(tile["cloud"] * 4), 3) for tile in tiles if tile["cloud"] is not None)
    assert [entry["count"] for entry in found["cloud"]] == [bins[number] for number in range(4)]
    missing = {"time": "datetime", "h3": "h3", "cloud": "cloud", "label": "label"}
    unknown = {facet: sum(tile[column] is None for tile in tiles) for facet, column in missing.items()}
    assert found["unknown"] == {facet: count for facet, count in unknown.items() if count}


def by_hand_times(tiles: list[dict[str, Any]], bins: int) -> list[dict[str, Any]]:
    dates = [tile["datetime"] for tile in tiles if tile["datetime"] is not None]
    span = max(dates) - min(dates)
    edges = [min(dates) + span * step // bins for step in range(bins + 1)]
    last = edges[-1] + timedelta(microseconds=1)
    limits = [*edges[:-1], last]
    counts = [sum(start <= date < end for date in dates) for start, end in pairwise(limits)]
    shown = [date.isoformat().replace("+00:00", "Z") for date in edges]
    return [
        {"start": start, "end": end, "count": count}
        for (start, end), count in zip(pairwise(shown), counts, strict=True)
    ]


def test_the_best_score_of_each_cell_is_the_highest_in_it() -> None:
    best: dict[str, float] = defaultdict(lambda: -2.0)
    for tile in ROWS:
        if tile["h3"] is not None:
            cell = h3.cell_to_parent(cell_text(tile["h3"]), 2)
            best[cell] = max(best[cell], float(np.dot(tile["vector"], QUERY)))
    found = counted(FacetRequest(h3=2), Scoring(vector=QUERY))
    assert {cell["cell"]: cell["best"] for cell in found["h3"]} == pytest.approx(dict(best), abs=1e-6)
    assert all(cell["best"] is None for cell in counted(FacetRequest(h3=2))["h3"])


def at_least(least: np.float32) -> Keeps:
    return lambda scores, _: scores >= least


def test_a_least_score_counts_the_tiles_that_reach_it() -> None:
    exact = np.sort([np.float32(np.dot(np.float64(np.float32(tile["vector"])), np.float64(QUERY))) for tile in ROWS])
    for least in (exact[0], exact[100], exact[-1], np.nextafter(exact[-1], np.float32(2))):
        question = Scoring(vector=QUERY, keeps=at_least(least))
        assert counted(FacetRequest(sensor=True), question)["matched"] == int((exact >= least).sum())


def test_a_least_score_may_differ_between_sensors() -> None:
    def keeps(scores: Any, sensors: pa.Array) -> Any:
        return scores >= np.array([0.5 if name == "rgb" else 2.0 for name in sensors.to_pylist()])

    found = counted(FacetRequest(sensor=True), Scoring(vector=QUERY, keeps=keeps))
    right = sum(tile["sensor"] == "rgb" and tile["vector"][0] >= 0.5 for tile in ROWS)
    assert found["sensor"] == [{"name": "rgb", "count": right}]


def test_vectors_are_read_only_where_scores_are_needed() -> None:
    read: list[str] = []

    class Watched(MemoryRows):
        def scan(self, columns: Any, where: Any = None) -> Any:
            read.extend(columns)
            return super().scan(columns, where)

    rows = Watched(table(ROWS), space=SPACE)
    count_facets(rows, EVERYTHING, None, None)
    assert set(read) == {"datetime", "h3", "cloud", "sensor", "collection", "label"}
    count_facets(rows, FacetRequest(h3=1), None, Scoring(vector=QUERY))
    assert "vector" in read


def test_an_archive_without_tiles_has_empty_facets() -> None:
    found = count_facets(MemoryRows(table([]), space=SPACE), EVERYTHING, None, None).to_dict()
    assert (found["matched"], found["time"], found["h3"], found["sensor"], found["unknown"]) == (0, [], [], [], {})
    assert [entry["count"] for entry in found["cloud"]] == [0, 0, 0, 0]


def test_one_date_makes_one_bin() -> None:
    rows = MemoryRows(table([row("a", datetime=FIRST), row("b", datetime=FIRST)]), space=SPACE)
    found = count_facets(rows, FacetRequest(time=60), None, None).to_dict()
    assert found["time"] == [{"start": "2020-01-01T00:00:00Z", "end": "2020-01-01T00:00:00Z", "count": 2}]


@given(
    instants=st.lists(st.integers(-(10**15), 4 * 10**15), min_size=1, max_size=30),
    bins=st.integers(1, 1000),
)
def test_no_date_is_lost_between_bins(instants: list[int], bins: int) -> None:
    tally = Times(bins)
    tally.add(pa.array(instants, pa.timestamp("us", tz="UTC")), None)
    entries = tally.result().entries
    assert sum(entry["count"] for entry in entries) == len(instants)
    assert [entry["end"] for entry in entries[:-1]] == [entry["start"] for entry in entries[1:]]
    first = parse_instant(entries[0]["start"])
    assert (first - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) == min(instants)


@given(shares=st.lists(st.floats(0, 1), max_size=30), bins=st.integers(1, 100))
def test_no_share_is_lost_between_bins(shares: list[float], bins: int) -> None:
    tally = Shares("cloud", bins)
    tally.add(pa.array(shares, pa.float64()), None)
    entries = tally.result().entries
    assert sum(entry["count"] for entry in entries) == len(shares)
    for entry in entries:
        inside = [share for share in shares if entry["start"] <= share < entry["end"] or entry["end"] == share == 1]
        assert entry["count"] == len(inside)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), resolution=st.integers(0, 12))
def test_parents_are_those_of_the_h3_library(lat: float, lon: float, resolution: int) -> None:
    cell = h3.latlng_to_cell(lat, lon, 12)
    (found,) = parents(np.array([int(cell, 16)], np.uint64), resolution)
    assert cell_text(int(found)) == h3.cell_to_parent(cell, resolution)


def test_too_many_cells_are_refused_with_a_resolution_that_works() -> None:
    tally = Cells(7)
    rng = np.random.default_rng(1)
    places = zip(np.degrees(np.arcsin(rng.uniform(-1, 1, 60_000))), rng.uniform(-180, 180, 60_000), strict=True)
    tally.add(pa.array([int(h3.latlng_to_cell(*place, 12), 16) for place in places], pa.uint64()), None)
    with pytest.raises(QueryError, match=f"more than the {MAX_CELLS:,} one answer holds; ask for resolution [3-6]"):
        tally.result()


def test_rare_names_are_counted_together() -> None:
    tally = Names("label")
    tally.add(pa.array([f"n{number}" for number in range(MAX_NAMES + 5)] + ["often"] * 3 + [None]), None)
    found = tally.result()
    assert (len(found.entries), found.entries[0], found.other, found.unknown) == (
        MAX_NAMES,
        {"name": "often", "count": 3},
        6,
        1,
    )


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({}, "nothing to count: name one or more of time, h3"),
        ({"time": 0}, "time bins must be between 1 and 1,000, got 0"),
        ({"cloud": 1001}, "cloud bins must be between"),
        ({"h3": 13}, "h3 resolution must be between 0 and 12, got 13"),
        ({"h3": -1}, "h3 resolution must be between 0 and 12, got -1"),
    ],
)
def test_what_cannot_be_counted_is_said(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(QueryError, match=says):
        FacetRequest(**wrong)


def test_resolution_zero_is_a_resolution() -> None:
    found: Facets = count_facets(MEMORY, FacetRequest(h3=0), None, None)
    assert sum(cell["count"] for cell in found.counted["h3"].entries) + found.counted["h3"].unknown == COUNT


def every_chance(query: NDArray[np.float32], lines: dict[str, SensorLine]) -> dict[str, float]:
    """Probability of each tile, worked out by hand."""
    chances = {}
    for tile in ROWS:
        line = lines[tile["sensor"]]
        score = float(np.float32(np.dot(np.float64(np.float32(tile["vector"])), np.float64(query))))
        chances[tile["tile_id"]] = 1 / (1 + np.exp(-(line.slope * score + line.intercept)))
    return chances


class OneDirection:
    """Encodes every text as the query."""

    space = SPACE

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.tile(QUERY, (len(texts), 1))


def test_facets_count_what_the_search_finds_good_enough() -> None:
    lines = {
        "rgb": SensorLine(slope=2.0, intercept=0.0),
        "sentinel-1-rtc": SensorLine(slope=9.0, intercept=-3.0),
        "sentinel-2-l2a": SensorLine(slope=0.0, intercept=-0.2),
    }
    calibration = Calibration(space=SPACE, method="platt", sensors=lines, source="made up")
    searcher = Searcher(Archive(MEMORY), OneDirection(), calibration=calibration)
    chances = every_chance(QUERY, lines)
    for least in (0.0, 0.3, 0.5, 0.9, 1.0):
        request = SearchRequest.build(text="x", k=COUNT, min_probability=least, max_cloud=70)
        found = facets(searcher, request, FacetRequest(sensor=True))
        clear = [tile for tile in ROWS if tile["cloud"] is not None and tile["cloud"] <= 0.7]
        assert found.matched == sum(chances[tile["tile_id"]] >= least for tile in clear)
        assert found.matched == len(searcher.search(request))
    for low in (-1.0, 0.0, 0.25):
        request = SearchRequest.build(vector=QUERY, k=COUNT, min_score=low)
        assert facets(searcher, request, FacetRequest(sensor=True)).matched == len(searcher.search(request))


def test_facets_leave_out_what_the_search_leaves_out() -> None:
    searcher = Searcher(Archive(MEMORY), OneDirection())
    for asked in (
        {"like": "t0001"},
        {"query": [{"like": "t0001"}, {"point": [ROWS[5]["lon"], ROWS[5]["lat"]], "weight": -1}]},
        {"text": "x", "plus": ["t0002"], "minus": ["t0003", "t0004"]},
    ):
        request = SearchRequest.build(k=1, **asked)
        matched = searcher.search(request).matched
        assert matched < COUNT
        for wanted in (FacetRequest(sensor=True), FacetRequest(h3=0)):
            assert facets(searcher, request, wanted).matched == matched


def test_all_tiles_can_be_counted_without_a_question_or_an_encoder() -> None:
    searcher = Searcher(Archive(MEMORY))
    assert facets(searcher, filters_only(), EVERYTHING).matched == COUNT
    clear = facets(searcher, filters_only(max_cloud=40), FacetRequest(h3=1))
    assert clear.matched == sum(tile["cloud"] is not None and tile["cloud"] <= 0.4 for tile in ROWS)
    assert {cell["best"] for cell in clear.counted["h3"].entries} == {None}


def test_words_are_not_encoded_where_no_score_is_needed() -> None:
    searcher = Searcher(Archive(MEMORY))
    request = SearchRequest.build(text="x")
    assert facets(searcher, request, FacetRequest(time=3, h3=1, best=False)).matched == COUNT
    with pytest.raises(QueryError, match="no encoder"):
        facets(searcher, request, FacetRequest(h3=1))


def test_thresholds_without_a_question_and_unknown_names_are_said() -> None:
    searcher = Searcher(Archive(MEMORY))
    with pytest.raises(QueryError, match="need something to search for"):
        facets(searcher, filters_only(min_score=0.5), EVERYTHING)
    with pytest.raises(QueryError, match="no sensor 'nope' in the index; it holds rgb"):
        facets(searcher, filters_only(sensor="nope"), EVERYTHING)
    with pytest.raises(QueryError, match="swath calibrate"):
        facets(
            Searcher(Archive(MEMORY), OneDirection()), SearchRequest.build(text="x", min_probability=0.5), EVERYTHING
        )


def test_a_sensor_that_the_calibration_does_not_know_is_said() -> None:
    lines = {"rgb": SensorLine(slope=2.0, intercept=0.0)}
    calibration = Calibration(space=SPACE, method="platt", sensors=lines, source="made up")
    searcher = Searcher(Archive(MEMORY), OneDirection(), calibration=calibration)
    with pytest.raises(QueryError, match="the calibration says nothing about sentinel-"):
        facets(searcher, SearchRequest.build(text="x", min_probability=0.5), EVERYTHING)
