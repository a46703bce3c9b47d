"""The steps of a build: keys, buckets, pieces, lists, and check sums."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core import InputError, StoreError
from indexer import vector_matrix
from retriever import MemoryRows
from retriever.engine import build_snapshot, current, open_snapshot
from retriever.engine._arrays import ArraySpec
from retriever.engine._build import _lists
from retriever.engine._build._build import spread
from retriever.engine._build._lists import Nearest, list_order, lists_for, train
from retriever.engine._build._order import Keys
from retriever.engine._build._spool import Spool, Spooled
from retriever.engine._build._survey import extended, survey
from retriever.engine._build._write import write_array
from retriever.engine._layout import LANES
from retriever.engine._maps import mapped
from retriever.engine._sums import SUMS, first_wrong, write_sums
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker
from tests.unit.retriever.tables import SPACE, table

ODD = Recipe(
    dim=8, dtype="float16", spread="tied", sensors=3, collections=2, undated=0.6, unlocated=0.6,
    years=(1890, 2110), odd=0.5,
)  # fmt: skip


def tied_keys(count: int, seed: int = 0) -> Keys:
    """Few cells and dates, so that most rows are told apart by row id alone."""
    rng = np.random.default_rng(seed)
    return Keys(
        cells=rng.integers(0, 3, count).astype(np.uint64),
        micros=rng.choice(np.array([np.iinfo(np.int64).min, -5, 0, 7]), count),
        row_ids=rng.permutation(count).astype(np.uint64) + np.uint64(2**40),
    )


def test_keys_fall_between_borders_as_they_do_when_sorted() -> None:
    keys = tied_keys(500)
    rising = keys[keys.order()]
    borders = rising[np.array([60, 61, 200, 480])]
    places = rising.places_in(borders)
    assert places.tolist() == [sum(row >= border for border in (60, 61, 200, 480)) for row in range(500)]


def test_keys_are_in_one_bucket_where_there_are_no_borders() -> None:
    keys = tied_keys(20)
    assert keys.places_in(keys[slice(0, 0)]).tolist() == [0] * 20


@pytest.mark.parametrize("bucket_rows", [10_000, 64, 7])
def test_the_order_is_the_same_however_many_buckets(bucket_rows: int, tmp_path: Path) -> None:
    tiles = TileMaker(ODD, np.random.default_rng(1)).tiles(300)
    build_snapshot(MemoryRows(tiles, space=ODD.space, batch_rows=50), tmp_path, bucket_rows=bucket_rows, shard_rows=110)
    opened = open_snapshot(current(tmp_path) or tmp_path)
    found = np.concatenate([opened.shard(number).row_ids for number in range(3)])
    keys = Keys.of(tiles.append_column("_rowid", pa.array(np.arange(300, dtype=np.uint64))))
    assert found.tolist() == keys.order().tolist()


def test_buckets_are_even_though_most_rows_have_neither_place_nor_date() -> None:
    tiles = TileMaker(ODD, np.random.default_rng(1)).tiles(300)
    seen = survey(MemoryRows(tiles, space=ODD.space), bucket_rows=30)
    keys = Keys.of(tiles.append_column("_rowid", pa.array(np.arange(300, dtype=np.uint64))))
    assert np.bincount(keys.places_in(seen.borders)).tolist() == [30] * 10


def test_an_empty_table_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no tiles yet"):
        build_snapshot(MemoryRows(table([]), space=SPACE), tmp_path)
    assert current(tmp_path) is None


def spooled(folder: Path, rows: int) -> tuple[Spooled, pa.Table]:
    """Rows in buckets of about 30, and the same in order."""
    tiles = TileMaker(ODD, np.random.default_rng(3)).tiles(rows)
    source = MemoryRows(tiles, space=ODD.space)
    spool = Spool(folder / "spool", survey(source, bucket_rows=30).borders)
    spread(source, spool, np.empty(0, np.int64), lambda number: None)
    numbered = tiles.append_column("_rowid", pa.array(np.arange(rows, dtype=np.uint64)))
    return spool.finish(), numbered.take(Keys.of(numbered).order())


@pytest.mark.parametrize("size", [1, 7, 30, 100, 299, 300])
def test_shards_hold_all_rows_in_order_whoever_reads_them(tmp_path: Path, size: int) -> None:
    made, ordered = spooled(tmp_path, 300)
    starts = np.random.default_rng(0).permutation(range(0, 300, size)).tolist()
    for first in starts:
        read = list(made.between(first, min(first + size, 300), clear=False))
        numbers = np.concatenate([piece.columns["_rowid"].to_numpy() for piece in read])
        vectors = np.concatenate([piece.vectors for piece in read])
        expected = ordered.slice(first, size)
        assert numbers.tolist() == expected["_rowid"].to_pylist()
        np.testing.assert_array_equal(vectors, vector_matrix(expected["vector"]))


def test_files_go_as_they_are_read(tmp_path: Path) -> None:
    made, _ = spooled(tmp_path, 300)
    for first in (0, 100, 200):
        for _ in made.between(first, first + 100, clear=True):
            pass
    left = {int(file.stem) for file in made.folder.iterdir()}
    crossed = {
        bucket for bucket, start in made._starts() for end in (100, 200) if start < end < start + made.rows[bucket]
    }
    assert left == crossed
    made.remove()
    assert not made.folder.exists()


def test_lists_begin_at_a_multiple_of_the_lanes_and_rise_by_second() -> None:
    rng = np.random.default_rng(0)
    list_of, seconds = rng.integers(0, 5, 300).astype(np.uint16), rng.integers(-9, 9, 300).astype(np.int32)
    order = list_order(list_of, seconds, 6)
    assert not (order.starts % LANES).any()
    assert order.sizes.tolist() == np.bincount(list_of, minlength=6).tolist()
    for number in range(6):
        slots = order.rows[order.starts[number] : order.starts[number + 1]]
        rows, padding = np.split(slots, [order.sizes[number]])
        assert (list_of[rows] == number).all()
        assert (np.diff(seconds[rows]) >= 0).all()
        assert (padding == -1).all()


def test_small_archives_have_no_lists_and_no_archive_has_too_many() -> None:
    assert lists_for(19_999) == 0
    assert lists_for(1_000_000) == 2_000
    assert lists_for(10**12) == 65_535


def test_groups_of_centroids_find_nearly_always_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(12, 16))
    vectors = (centres[rng.integers(0, 12, 3000)] + 0.3 * rng.normal(size=(3000, 16))).astype(np.float32)
    centroids = train(vectors, 100)
    exact = Nearest(centroids).of(vectors)
    distances = ((vectors[:, None] - centroids[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(distances[np.arange(3000), exact], distances.min(axis=1), atol=1e-4)
    monkeypatch.setattr(_lists, "MOST_COMPARED", 50)
    assert (Nearest(centroids).of(vectors) == exact).mean() > 0.95


def test_names_keep_their_places_and_new_ones_come_after() -> None:
    assert extended(("b", "a"), ("c", "a", "d")) == ("b", "a", "c", "d")


def test_sums_notice_a_changed_a_shorter_and_a_missing_file(tmp_path: Path) -> None:
    for name in ("list_rows.bin", "codes.bin"):
        (tmp_path / name).write_bytes(bytes(200_000))
    write_sums(tmp_path)
    assert first_wrong(tmp_path) is None
    changed = bytearray(200_000)
    changed[100_000] = 1  # the middle: of a large file it is not summed
    (tmp_path / "codes.bin").write_bytes(changed)
    assert first_wrong(tmp_path) is None
    (tmp_path / "codes.bin").write_bytes(bytes(199_999))
    assert first_wrong(tmp_path) == tmp_path / "codes.bin"
    (tmp_path / "codes.bin").write_bytes(bytes(200_000))
    (tmp_path / "list_rows.bin").write_bytes(changed)
    assert first_wrong(tmp_path) == tmp_path / "list_rows.bin"
    sums = json.loads((tmp_path / SUMS).read_text())
    (tmp_path / SUMS).write_text(json.dumps({"codes.bin": sums["codes.bin"]}))
    assert first_wrong(tmp_path) == tmp_path / "list_rows.bin"
    (tmp_path / SUMS).write_text(json.dumps(sums))
    (tmp_path / "list_rows.bin").unlink()
    with pytest.raises(OSError, match="list_rows"):
        first_wrong(tmp_path)


def test_a_snapshot_without_sums_is_refused(tmp_path: Path) -> None:
    build_snapshot(MemoryRows(TileMaker(ODD, np.random.default_rng(0)).tiles(5), space=ODD.space), tmp_path)
    folder = current(tmp_path)
    assert folder is not None
    (folder / "000" / SUMS).unlink()
    with pytest.raises(StoreError, match="make it anew with: swath optimize"):
        open_snapshot(folder).shard(0)


class TestMaps:
    def test_keep_no_file_open(self, tmp_path: Path) -> None:
        tiles = TileMaker(ODD, np.random.default_rng(1)).tiles(60)
        build_snapshot(MemoryRows(tiles, space=ODD.space), tmp_path, shard_rows=20)
        before = open_files()
        opened = open_snapshot(current(tmp_path) or tmp_path)
        assert sum(opened.shard(number).rows for number in range(3)) == 60
        assert open_files() == before

    def test_stay_readable_when_the_file_is_gone_and_until_nobody_reads_them(self, tmp_path: Path) -> None:
        file = tmp_path / "numbers.bin"
        np.arange(5_000).tofile(file)
        numbers = np.frombuffer(mapped(file, scattered=True), np.int64)
        file.unlink()
        assert numbers.tolist() == list(range(5_000))
        assert str(file) in maps()
        del numbers
        assert str(file) not in maps()

    def test_may_be_larger_than_memory(self, tmp_path: Path) -> None:
        file = tmp_path / "large.bin"
        file.touch()
        os.truncate(file, 2**42)
        assert np.frombuffer(mapped(file, scattered=True), np.int64)[-1] == 0

    def test_of_nothing_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty.bin").touch()
        with pytest.raises(OSError, match=r"empty\.bin"):
            mapped(tmp_path / "empty.bin", scattered=False)


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def maps() -> str:
    found = Path("/proc/self/maps")
    return found.read_text() if found.exists() else pytest.skip("this system does not list maps")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file that is always full is needed")
def test_an_array_that_does_not_fit_on_the_disk_is_an_error_however_small(tmp_path: Path) -> None:
    (tmp_path / "seconds.bin").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left on device"):
        write_array(tmp_path, "seconds", np.zeros(4, np.int32), ArraySpec(dtype=np.dtype("<i4"), shape=(4,)))
