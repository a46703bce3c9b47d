"""Listing: every tile that passes, once, in the order asked for."""

from datetime import UTC, datetime, timedelta

import pytest
from shapely.geometry import box

from core import parse_bbox
from retriever import MemoryRows, SearchRequest, list_tiles, parse_filter, take_tiles
from tests.unit.retriever.tables import SPACE, row, rows_in_memory, table

DAY = datetime(2023, 5, 1, tzinfo=UTC)


def rows() -> MemoryRows:
    return rows_in_memory(
        [
            row("b", box(0, 0, 1, 1), datetime=DAY, cloud=0.5),
            row("undated", box(5, 5, 6, 6), cloud=0.1),
            row("a", box(0, 0, 1, 1), datetime=DAY),
            row("newest", box(9, 9, 10, 10), datetime=DAY + timedelta(days=1), cloud=0.2),
        ]
    )


def names(**given: object) -> list[str]:
    found = rows()
    return [record.tile_id for record in take_tiles(found, list_tiles(found, **given))]  # type: ignore[arg-type]


def test_newest_first_then_by_id_and_undated_last() -> None:
    assert names() == ["newest", "a", "b", "undated"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ([("tile_id", False)], ["a", "b", "newest", "undated"]),
        ([("tile_id", True)], ["undated", "newest", "b", "a"]),
        ([("cloud", False)], ["undated", "newest", "b", "a"]),
        ([("cloud", True)], ["b", "newest", "undated", "a"]),
        ([], ["a", "b", "newest", "undated"]),
    ],
)
def test_any_order(order: list[tuple[str, bool]], expected: list[str]) -> None:
    assert names(order=order) == expected


def test_only_what_passes() -> None:
    assert names(where=parse_filter("cloud < 0.3")) == ["newest", "undated"]
    assert names(where=SearchRequest(bbox=parse_bbox("0,0,2,2")).where()) == ["a", "b"]
    assert names(where=parse_filter("cloud > 1")) == []


def test_batches_make_no_difference() -> None:
    many = [row(f"t{number:03}", datetime=DAY + timedelta(hours=number % 7)) for number in range(100)]
    whole, split = MemoryRows(table(many), space=SPACE), MemoryRows(table(many), space=SPACE, batch_rows=9)
    assert list_tiles(whole).tolist() == list_tiles(split).tolist()


def test_an_empty_index_lists_nothing() -> None:
    empty = rows_in_memory([])
    assert list_tiles(empty).tolist() == []
    assert take_tiles(empty, []) == ()
