"""What every snapshot promises, whoever built it: each array says of each tile what the table says."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from numpy.typing import NDArray

from core import VectorSpace
from retriever import MemoryRows
from retriever.engine import BLOCK, LANES, Layout, Shard
from retriever.engine._build import build_snapshot
from retriever.engine._layout import CONNECTED, IS_BOX, LOCATED, UNDATED, UNKNOWN, WHOLE
from retriever.engine._open import OpenSnapshot, current, open_snapshot
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker

ROWS = 700
RECIPES = (
    Recipe(dim=16, dtype="float16", spread="clustered", sensors=4, collections=3, undated=0.1, unlocated=0.1,
           years=(2016, 2024), odd=0.4),
    Recipe(dim=65, dtype="float32", spread="scattered", sensors=300, collections=300, undated=0.5, unlocated=0.5,
           years=(1890, 2110), odd=1),
    Recipe(dim=7, dtype="float16", spread="tied", sensors=1, collections=1, undated=1, unlocated=1,
           years=(2016, 2024), odd=0),
)  # fmt: skip
SIDES = ("west", "south", "east", "north")


@dataclass
class Built:
    """A snapshot and what it was made from."""

    table: pa.Table
    layout: Layout
    opened: OpenSnapshot
    space: VectorSpace

    def shards(self) -> Iterator[tuple[Shard, list[dict[str, Any]]]]:
        """Each shard with the rows of the table that lie in it, in its order."""
        rows = self.table.to_pylist()
        for number in range(len(self.layout.shards)):
            shard = self.opened.shard(number)
            yield shard, [rows[row_id] for row_id in shard.row_ids.tolist()]


@pytest.fixture(scope="module", params=range(len(RECIPES)), ids=lambda place: RECIPES[place].spread)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    recipe, path = RECIPES[request.param], tmp_path_factory.mktemp("snapshot")
    table = TileMaker(recipe, np.random.default_rng(request.param)).tiles(ROWS)
    layout = build_snapshot(MemoryRows(table, space=recipe.space), path, shard_rows=300, lists=8, bucket_rows=100)
    folder = current(path)
    assert folder is not None
    return Built(table, layout, open_snapshot(folder), recipe.space)


def test_every_tile_is_in_one_shard(built: Built) -> None:
    row_ids = np.concatenate([shard.row_ids for shard, _ in built.shards()])
    assert sorted(row_ids.tolist()) == list(range(ROWS))
    assert sum(entry.rows for entry in built.layout.shards) == built.layout.rows == ROWS
    assert [shard.first for shard, _ in built.shards()] == [0, 300, 600]


def test_vectors_are_those_of_the_table(built: Built) -> None:
    for shard, rows in built.shards():
        assert shard.vectors.dtype == built.layout.dtype
        np.testing.assert_array_equal(shard.vectors, np.array([row["vector"] for row in rows]))


def test_scalars_are_every_column_but_vector_and_preview(built: Built) -> None:
    names = [name for name in built.table.column_names if name not in ("vector", "preview")]
    for shard, rows in built.shards():
        assert set(shard.scalars.column_names) == set(names)
        assert shard.scalars.select(names).to_pylist() == [{name: row[name] for name in names} for row in rows]


def test_bounds_hold_the_footprint_and_are_the_next_numbers_outward(built: Built) -> None:
    for shard, rows in built.shards():
        located = [row["footprint"] is not None for row in rows]
        assert (shard.flags[: shard.rows] & LOCATED != 0).tolist() == located
        for side, name in enumerate(SIDES):
            for found, row in zip(shard.bounds[side].tolist(), rows, strict=False):
                if row[name] is None:
                    assert math.isnan(found)
                    continue
                out = -math.inf if side < 2 else math.inf
                assert found in (row[name], float(np.float32(row[name])), _next(row[name], out))
                assert found <= row[name] if side < 2 else found >= row[name]


def _next(value: float, out: float) -> float:
    return float(np.nextafter(np.float32(value), np.float32(out)))


def test_a_box_is_a_rectangle_and_a_connected_footprint_reaches_all_four_sides(built: Built) -> None:
    seen = 0
    for shard, rows in built.shards():
        for flags, row in zip(shard.flags.tolist(), rows, strict=False):
            sides = tuple(row[name] for name in SIDES)
            shape = None if row["footprint"] is None else shapely.from_wkb(row["footprint"])
            if flags & IS_BOX:
                assert shape is not None
                assert shape.normalize() == shapely.box(*sides).normalize()
                seen += 1
            if flags & CONNECTED:
                assert shape is not None
                assert shape.geom_type == "Polygon"
                assert shape.bounds == sides
    assert seen or built.table["footprint"].null_count + _crooked(built.table) >= ROWS


def _crooked(table: pa.Table) -> int:
    shapes = [shapely.from_wkb(wkb) for wkb in table["footprint"].drop_null().to_pylist()]
    return sum(shape.normalize() != shape.envelope.normalize() for shape in shapes)


def test_seconds_are_rounded_down_and_whole_where_nothing_was_lost(built: Built) -> None:
    for shard, rows in built.shards():
        for second, flags, row in zip(shard.seconds.tolist(), shard.flags.tolist(), rows, strict=False):
            if row["datetime"] is None:
                assert second == UNDATED
                assert not flags & WHOLE
                continue
            exact = row["datetime"].timestamp()
            assert second == min(max(math.floor(exact), UNDATED + 1), 2**31 - 1)
            assert bool(flags & WHOLE) == (second == exact)


def test_names_are_places_in_the_layout(built: Built) -> None:
    for shard, rows in built.shards():
        columns = (
            ("sensor", shard.sensor, built.layout.sensors),
            ("collection", shard.collection, built.layout.collections),
        )
        for name, places, known in columns:
            assert set(known) == set(built.table[name].to_pylist())
            expected = [min(known.index(row[name]), UNKNOWN) for row in rows]
            assert places[: shard.rows].tolist() == expected


def test_clouds_are_percents_rounded_down(built: Built) -> None:
    for shard, rows in built.shards():
        for percent, row in zip(shard.cloud.tolist(), rows, strict=False):
            if row["cloud"] is None:
                assert percent == UNKNOWN
            else:
                assert percent == max(whole for whole in range(101) if whole / 100 <= row["cloud"])


def test_rows_lie_by_cell(built: Built) -> None:
    cells = np.concatenate([shard.cells for shard, _ in built.shards()])
    assert (cells[:-1] <= cells[1:]).all()
    for shard, rows in built.shards():
        assert shard.cells.tolist() == [row["h3"] or 0 for row in rows]


def test_padding_is_no_tile(built: Built) -> None:
    for shard, _ in built.shards():
        padding = slice(shard.rows, None)
        assert len(shard.flags) % BLOCK == 0
        assert not (shard.flags[padding] & LOCATED).any()
        assert (shard.seconds[padding] == UNDATED).all()
        assert np.isnan(shard.bounds[:, padding]).all()


def test_zones_cover_their_rows_and_no_more(built: Built) -> None:
    for shard, _ in built.shards():
        for zone in range(len(shard.zone_located)):
            rows = slice(zone * BLOCK, min((zone + 1) * BLOCK, shard.rows))
            _check_zone(shard, zone, rows)


def _check_zone(shard: Shard, zone: int, rows: slice) -> None:
    located, seconds = shard.flags[rows] & LOCATED != 0, shard.seconds[rows]
    dated = seconds != UNDATED
    assert shard.zone_located[zone] == located.sum()
    assert shard.zone_dated[zone] == dated.sum()
    if dated.any():
        assert shard.zone_seconds[:, zone].tolist() == [seconds[dated].min(), seconds[dated].max()]
    else:
        assert shard.zone_seconds[0, zone] > shard.zone_seconds[1, zone]
    for places, sets in ((shard.sensor, shard.zone_sensors), (shard.collection, shard.zone_collections)):
        held = {place for place in range(256) if int(sets[place // 64, zone]) >> (place % 64) & 1}
        assert held == set(places[rows].tolist())
    known = shard.cloud[rows][shard.cloud[rows] != UNKNOWN]
    if len(known):
        assert shard.zone_cloud[:, zone].tolist() == [known.min(), known.max()]
    cells = shard.cells[rows][shard.cells[rows] != 0]
    if len(cells):
        assert shard.zone_cells[:, zone].tolist() == [cells.min(), cells.max()]
    west, south, east, north = (side[rows][located] for side in shard.bounds)
    if not located.any():
        assert np.isnan(shard.zone_bounds[:, zone]).all()
        return
    crosses = west > east
    found = shard.zone_bounds[:, zone].tolist()
    assert found[1::2] == [south.min(), north.max()]
    assert found[::2] == ([-180, 180] if crosses.any() else [west.min(), east.max()])


def test_the_order_of_time_holds_every_row_once(built: Built) -> None:
    for shard, _ in built.shards():
        assert sorted(shard.by_time.tolist()) == list(range(shard.rows))
        seconds = shard.seconds[shard.by_time]
        assert (seconds[:-1] <= seconds[1:]).all()


def test_lists_hold_every_row_once_by_rising_second(built: Built) -> None:
    for shard, _ in built.shards():
        held = []
        for number, (start, size) in enumerate(
            zip(shard.list_starts[:-1].tolist(), shard.list_sizes.tolist(), strict=True)
        ):
            assert start % LANES == 0
            rows = shard.list_rows[start : start + size]
            assert (shard.list_rows[start + size : shard.list_starts[number + 1]] == -1).all()
            assert (shard.list_of[rows] == number).all()
            assert (np.diff(shard.list_seconds[start : start + size].astype(np.int64)) >= 0).all()
            np.testing.assert_array_equal(shard.list_seconds[start : start + size], shard.seconds[rows])
            np.testing.assert_array_equal(shard.list_sensor[start : start + size], shard.sensor[rows])
            held += rows.tolist()
        assert sorted(held) == list(range(shard.rows))
        assert shard.list_starts[-1] == len(shard.list_rows)


def test_both_orders_hold_the_same_codes(built: Built) -> None:
    for shard, _ in built.shards():
        slots = np.flatnonzero(shard.list_rows >= 0)
        rows = shard.list_rows[slots]
        pairs = (
            (shard.list_factors, shard.factors), (shard.list_offsets, shard.offsets), (shard.list_ones, shard.ones),
            (_codes(shard.list_codes), _codes(shard.codes)),
        )  # fmt: skip
        for listed, placed in pairs:
            np.testing.assert_array_equal(listed[slots], placed[rows])


def test_codes_count_their_bits_and_rows_are_with_their_nearest_centroid(built: Built) -> None:
    for shard, _ in built.shards():
        codes = _codes(shard.codes)[: shard.rows]
        np.testing.assert_array_equal(np.bitwise_count(codes).sum(axis=1), shard.ones[: shard.rows])
        distances = ((shard.vectors[:, None].astype(np.float64) - built.opened.shared.centroids[None]) ** 2).sum(axis=2)
        chosen = distances[np.arange(shard.rows), shard.list_of[: shard.rows]]
        assert (chosen <= distances.min(axis=1) + 1e-5).all()


def _codes(interleaved: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """(n, words) codes of (n / LANES, words, LANES)."""
    return interleaved.transpose(0, 2, 1).reshape(-1, interleaved.shape[1])


def test_shard_entries_say_what_is_in_the_shard(built: Built) -> None:
    for entry, (shard, rows) in zip(built.layout.shards, built.shards(), strict=True):
        assert entry.dated == sum(row["datetime"] is not None for row in rows)
        for names, counts, known in (
            ([row["sensor"] for row in rows], entry.sensors, built.layout.sensors),
            ([row["collection"] for row in rows], entry.collections, built.layout.collections),
        ):
            assert sum(counts) == len(rows)
            assert list(counts[:UNKNOWN]) == [names.count(name) for name in known[:UNKNOWN]]
        seconds = shard.seconds[: shard.rows][shard.seconds[: shard.rows] != UNDATED]
        assert entry.seconds == ((seconds.min(), seconds.max()) if len(seconds) else None)
        if entry.bounds is None:
            assert not (shard.flags & LOCATED).any()
            continue
        west, south, east, north = shard.bounds[:, : shard.rows][:, shard.flags[: shard.rows] & LOCATED != 0]
        crosses = (west > east).any()
        assert (entry.bounds[0] <= west.min() and entry.bounds[2] >= east.max()) or crosses
        assert entry.bounds[1] <= south.min()
        assert entry.bounds[3] >= north.max()
        assert not crosses or (entry.bounds[0], entry.bounds[2]) == (-180, 180)
