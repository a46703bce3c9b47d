"""What ``optimize`` does to an index: builds, extends, keeps, and always leaves a snapshot that holds every tile."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from core import StoreError
from indexer.store import CURRENT, SEARCH, Store
from retriever.engine import OpenSnapshot, build_snapshot, compact, current, open_snapshot, optimize
from retriever.engine._build._folders import LOCK, building
from tests.unit.retriever.engine.random_histories import History
from tests.unit.retriever.engine.random_tables import Recipe

RECIPE = Recipe(
    dim=16, dtype="float16", spread="scattered", sensors=2, collections=2, undated=0.1, unlocated=0.1,
    years=(2016, 2024), odd=0.2,
)  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "index", RECIPE, np.random.default_rng(0))
    made.add(20)
    return made


def snapshot(history: History) -> OpenSnapshot:
    folder = current(history.path)
    assert folder is not None
    return open_snapshot(folder)


def vectors_by_row(history: History) -> dict[int, list[float]]:
    """What the table says."""
    rows: dict[int, list[float]] = {}
    for batch in history.store.snapshot().scan(["vector"]):
        rows |= dict(zip(batch["_rowid"].to_pylist(), batch["vector"].to_pylist(), strict=True))
    return rows


def check_holds_every_tile(history: History) -> None:
    """Each tile of the table is once in the snapshot, under its row id and with its vector and id."""
    stored, found = vectors_by_row(history), 0
    opened = snapshot(history)
    assert opened.layout.version == history.store.version
    names: dict[int, str] = {}
    for batch in history.store.snapshot().scan(["tile_id"]):
        names |= dict(zip(batch["_rowid"].to_pylist(), batch["tile_id"].to_pylist(), strict=True))
    for number in range(len(opened.layout.shards)):
        shard = opened.shard(number)
        tiles = shard.scalars["tile_id"].to_pylist()
        for row, row_id in enumerate(shard.row_ids.tolist()):
            if row_id in stored:
                found += 1
                assert shard.vectors[row].tolist() == stored[row_id]
                assert tiles[row] == names[row_id]
    assert found == len(stored)


def test_the_first_time_builds_and_the_second_keeps(history: History) -> None:
    report = optimize(history.store)
    assert (report.snapshot, report.added, report.tiles) == ("built", report.tiles, history.store.snapshot().count())
    assert report.bytes > 0
    check_holds_every_tile(history)
    folder = current(history.path)
    assert optimize(history.store).snapshot == "kept"
    assert current(history.path) == folder


def test_a_few_new_tiles_become_a_shard_of_their_own(history: History) -> None:
    optimize(history.store)
    before = snapshot(history).layout
    history.add(1)
    report = optimize(history.store)
    after = snapshot(history).layout
    assert report.snapshot == "extended"
    assert report.added == after.rows - before.rows > 0
    assert [entry.folder for entry in after.shards] == ["000", "later-000"]
    check_holds_every_tile(history)


def test_later_shards_are_made_one_again(history: History) -> None:
    optimize(history.store)
    for _ in range(2):
        history.add(1)
        optimize(history.store)
    assert [entry.folder for entry in snapshot(history).layout.shards] == ["000", "later-000"]
    check_holds_every_tile(history)


def test_many_new_tiles_put_everything_in_order_anew(history: History) -> None:
    optimize(history.store)
    history.add(20)
    assert optimize(history.store).snapshot == "built"
    assert [entry.folder for entry in snapshot(history).layout.shards] == ["000"]
    check_holds_every_tile(history)


def test_tiles_that_went_or_were_replaced_are_not_taken_for_the_old_ones(history: History) -> None:
    optimize(history.store)
    history.replace()
    history.remove()
    report = optimize(history.store)
    assert report.gone > 0
    check_holds_every_tile(history)


def test_a_compaction_takes_the_snapshot_along(history: History) -> None:
    history.add(1)  # a second data file
    build_snapshot(history.store.snapshot(), history.path)
    before = snapshot(history).shard(0)
    report = compact(history.store)
    assert report.fragments_after < report.fragments_before
    after = snapshot(history)
    assert not np.array_equal(before.row_ids, after.shard(0).row_ids)
    check_holds_every_tile(history)


def test_a_damaged_snapshot_is_built_anew(history: History) -> None:
    optimize(history.store)
    (snapshot(history).folder / "000" / "codes.bin").write_bytes(b"short")
    assert optimize(history.store).snapshot == "built"
    check_holds_every_tile(history)


def test_an_empty_index_gets_no_snapshot(tmp_path: Path) -> None:
    report = optimize(Store.create_or_open(tmp_path / "index", space=RECIPE.space))
    assert (report.snapshot, report.tiles, report.bytes) == ("none", 0, 0)


def test_two_at_once_are_refused(history: History) -> None:
    with FileLock(history.path / SEARCH / LOCK):
        for build in (optimize, compact, lambda store: build_snapshot(store.snapshot(), store.path)):
            with pytest.raises(StoreError, match="another swath optimize is at work"):
                build(history.store)
    assert optimize(history.store).snapshot == "built"


def test_two_threads_at_once_are_refused(history: History) -> None:
    with building(history.path), ThreadPoolExecutor(1) as pool:
        other = pool.submit(build_snapshot, history.store.snapshot(), history.path)
        with pytest.raises(StoreError, match="another swath optimize is at work"):
            other.result()


def test_tiles_are_taken_up_while_another_process_writes(history: History) -> None:
    with FileLock(history.path / "writer.lock"):
        report = optimize(history.store)
    assert (report.snapshot, report.compacted) == ("built", False)
    history.add(1)
    with FileLock(history.path / "writer.lock"):
        report = optimize(history.store)
        assert (report.snapshot, report.compacted) == ("extended", False)
        assert report.fragments_after == report.fragments_before > 1
        assert optimize(history.store).snapshot == "kept"
    check_holds_every_tile(history)
    assert optimize(history.store).compacted
    check_holds_every_tile(history)


def test_tiles_that_went_alone_need_no_new_snapshot(history: History) -> None:
    optimize(history.store)
    history.replace()
    assert optimize(history.store).gone > 0
    for _ in range(2):
        report = optimize(history.store)
        assert (report.snapshot, report.added) == ("kept", 0)


def test_a_snapshot_of_another_index_is_built_anew(history: History, tmp_path: Path) -> None:
    other = History(tmp_path / "other", RECIPE, np.random.default_rng(7))
    other.add(20)
    for change in (compact, optimize):
        build_snapshot(other.store.snapshot(), other.path)
        shutil.rmtree(history.path / SEARCH, ignore_errors=True)
        shutil.copytree(other.path / SEARCH, history.path / SEARCH)
        history.add(1)  # a compaction has something to do
        change(history.store)
    check_holds_every_tile(history)


def test_a_pointer_that_cannot_be_read_is_written_anew(history: History) -> None:
    optimize(history.store)
    (history.path / SEARCH / CURRENT).write_bytes(b"\xff\xfe")
    assert optimize(history.store).snapshot == "built"
    check_holds_every_tile(history)


def test_a_killed_build_leaves_the_old_snapshot_and_is_cleared_away(history: History) -> None:
    optimize(history.store)
    left = history.path / SEARCH / ".part-0000000099-killed"
    left.mkdir()
    (left / "codes.bin").write_bytes(b"half")
    check_holds_every_tile(history)
    optimize(history.store, rebuild=True)
    assert not left.exists()
    check_holds_every_tile(history)


def test_a_build_that_fails_leaves_the_old_snapshot(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    optimize(history.store)
    folder = snapshot(history).folder

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("retriever.engine._build._shard.write_array", full)
    with pytest.raises(StoreError, match="No space left on device"):
        optimize(history.store, rebuild=True)
    assert current(history.path) == folder
    assert [entry.name for entry in (history.path / SEARCH).iterdir() if entry.is_dir()] == [
        folder.name if folder else ""
    ]
    check_holds_every_tile(history)
