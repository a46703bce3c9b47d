"""Tiles near a point and tiles of a place through time, over rows laid out by hand."""

from datetime import UTC, datetime

import pytest
from shapely.geometry import Point, box

from core import QueryError
from retriever import SearchRequest, tiles_near, tiles_over
from tests.unit.retriever.tables import row, rows_in_memory


def day(month: int) -> datetime:
    return datetime(2021, month, 1, tzinfo=UTC)


ROWS = rows_in_memory(
    [
        row("here-may", box(0, 0, 1, 1), datetime=day(5)),
        row("here-jan", box(0, 0, 1, 1), datetime=day(1), cloud=0.9),
        row("half-mar", box(0.5, 0, 1.5, 1), datetime=day(3), sensor="sentinel-1-rtc"),
        row("strip-feb", box(0.95, 0, 1.95, 1), datetime=day(2)),
        row("beside", box(1, 0, 2, 1), datetime=day(4)),
        row("undated", box(0, 0, 1, 1), datetime=None),
        row("far", box(20, 20, 21, 21), datetime=day(6)),
        row("no-place", None, datetime=day(7)),
    ]
)


def filters(**given: object) -> SearchRequest:
    return SearchRequest.build(vector=(1.0,), **given)  # type: ignore[arg-type]


def test_the_nearest_come_first_and_equal_distances_by_id() -> None:
    found = tiles_near(ROWS, filters(near=(0.5, -0.1), radius_km=200), limit=4)
    assert [record.tile_id for record in found.records] == ["here-jan", "here-may", "undated", "half-mar"]
    assert found.measures == pytest.approx([11.12, 11.12, 11.12, 66.7], abs=0.1)
    assert found.matched == 6


def test_inside_a_tile_the_distance_is_nothing() -> None:
    found = tiles_near(ROWS, filters(near=(20.5, 20.5), radius_km=1), limit=4)
    assert [(record.tile_id, measure) for record, measure in zip(found.records, found.measures, strict=True)] == [
        ("far", 0.0)
    ]


def test_near_needs_a_place() -> None:
    with pytest.raises(QueryError, match="near"):
        tiles_near(ROWS, filters(), limit=1)


def test_a_place_is_shown_by_date_without_neighbours_and_undated_tiles() -> None:
    found = tiles_over(ROWS, box(0, 0, 1, 1), filters(), limit=10)
    assert [record.tile_id for record in found.records] == ["here-jan", "half-mar", "here-may"]
    assert found.measures == pytest.approx([1, 0.5, 1])
    assert found.matched == 3


def test_filters_hold_for_places_too() -> None:
    found = tiles_over(ROWS, box(0, 0, 1, 1), filters(sensor="sentinel-1-rtc"), limit=10)
    assert [record.tile_id for record in found.records] == ["half-mar"]


def test_more_dates_than_asked_for_are_thinned_and_keep_first_and_last() -> None:
    rows = rows_in_memory([row(f"t{month:02}", box(0, 0, 1, 1), datetime=day(month)) for month in range(1, 13)])
    found = tiles_over(rows, Point(0.5, 0.5), filters(), limit=4)
    assert [record.tile_id for record in found.records] == ["t01", "t05", "t08", "t12"]
    assert found.matched == 12
    assert len(tiles_over(rows, Point(0.5, 0.5), filters(), limit=1).records) == 1


def test_nothing_there_is_nothing_found() -> None:
    assert tiles_over(ROWS, Point(100, 50), filters(), limit=3).records == ()
    assert tiles_near(ROWS, filters(near=(50, 100), radius_km=5), limit=3).matched == 0


def test_a_name_that_the_index_does_not_have_is_an_error_and_not_an_empty_answer() -> None:
    with pytest.raises(QueryError, match=r"no sensor 'nope'.*it holds"):
        tiles_over(ROWS, Point(0.5, 0.5), filters(sensor="nope"), limit=3)
    with pytest.raises(QueryError, match="no collection"):
        tiles_near(ROWS, filters(near=(0, 0), radius_km=5, collection="nope"), limit=3)
