"""What is acknowledged is on the disk: the order in which files are synced, and what a failing disk leads to."""

import errno
import os
from datetime import timedelta
from pathlib import Path

import pytest

from core import StoreError
from indexer import Store, verify_tables
from indexer._durable import Durable
from indexer._lance import SCENES, TILES
from indexer._manifest import table_files
from tests.unit.retriever.watched_index import add_scene, made


class Disk:
    """Notes what is synced, and fails when told to."""

    def __init__(self) -> None:
        self.synced: list[str] = []
        self.fails_on = "never"

    def fsync(self, opened: int) -> None:
        name = str(Path(f"/proc/self/fd/{opened}").readlink())
        if self.fails_on in name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.synced.append(name)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    found = Disk()
    monkeypatch.setattr(os, "fsync", found.fsync)
    return found


def newest(store: Store, name: str) -> set[str]:
    """The files of the newest version of a table."""
    table, moment = store.folder / f"{name}.lance", store.moment()
    version = moment.tiles.version if name == TILES else moment.scenes_version
    return {str(table / file.path) for file in table_files(table, version)}


def test_tiles_reach_the_disk_before_the_ledger_and_both_before_a_commit_returns(tmp_path: Path, disk: Disk) -> None:
    store = made(tmp_path / "index")
    add_scene(store, "s1", ["red", "blue"])
    tiles, ledger = newest(store, TILES), newest(store, SCENES)
    assert tiles | ledger <= set(disk.synced)
    written = [name for name in ledger if "/data/" in name]
    assert max(map(disk.synced.index, tiles)) < min(map(disk.synced.index, written))
    folders = {str(Path(name).parent) for name in tiles | ledger}
    assert folders <= set(disk.synced)


def test_a_removal_is_on_the_disk_ledger_first(tmp_path: Path, disk: Disk) -> None:
    store = made(tmp_path / "index")
    for name in ("s1", "s2"):
        add_scene(store, name, ["red"])
    disk.synced.clear()
    store.remove(scene_id="s1")
    erased = [name for name in disk.synced if name.endswith(".manifest")]
    assert [SCENES in name for name in erased] == [True, False]


def test_a_file_is_synced_once(tmp_path: Path, disk: Disk) -> None:
    store = made(tmp_path / "index")
    for number in range(3):
        add_scene(store, f"s{number}", ["red"])
    files = [name for name in disk.synced if Path(name).is_file()]
    assert len(files) == len(set(files))


@pytest.mark.parametrize("where", [TILES, SCENES])
def test_a_disk_that_fails_is_one_line_and_the_commit_is_not_acknowledged(
    tmp_path: Path, disk: Disk, where: str
) -> None:
    store = made(tmp_path / "index")
    disk.fails_on = f"{where}.lance/data/"
    with pytest.raises(StoreError, match=r"cannot write to the index .*: Input/output error"):
        add_scene(store, "s1", ["red"])
    disk.fails_on = "never"
    again = Store.open(store.folder)
    add_scene(again, "s1", ["red"])
    assert again.snapshot().count() == 1
    assert set(newest(again, TILES)) | set(newest(again, SCENES)) <= set(disk.synced)


def test_a_disk_that_fails_after_a_scene_was_replaced_leaves_it_unfinished_and_not_damaged(
    tmp_path: Path, disk: Disk
) -> None:
    store = made(tmp_path / "index")
    add_scene(store, "s1", ["red", "blue"])
    disk.fails_on = f"{TILES}.lance/data/"
    with pytest.raises(StoreError, match="Input/output error"):
        add_scene(store, "s1", ["green"], mark="2")
    disk.fails_on = "never"
    assert not store.ledger()
    assert not [finding for finding in verify_tables(store).findings if finding.damage]
    add_scene(Store.open(store.path), "s1", ["green"], mark="2")
    assert not verify_tables(Store.open(store.path)).findings


def scenes(store: Store) -> list[str]:
    """Scene of every tile, as somebody reads them who comes later."""
    batches = Store.open(store.folder).snapshot().scan(["scene_id"])
    return sorted(name for batch in batches for name in batch["scene_id"].to_pylist())


def cut_off(store: Store) -> None:
    """What Lance leaves where the last write of a data file failed."""
    newest = max((store.folder / f"{TILES}.lance" / "data").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    os.truncate(newest, newest.stat().st_size // 2)


@pytest.mark.parametrize("room", [True, False])
def test_a_version_with_a_file_that_is_cut_off_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: bool
) -> None:
    store = made(tmp_path / "index")
    add_scene(store, "s1", ["red"])
    table = store._table(TILES)
    if not room:
        monkeypatch.setattr(type(table), "restore", _no_room)

    def change() -> None:
        with store.writing(), store.changing(TILES):
            table.add(table.to_arrow())
            cut_off(store)

    with pytest.raises(StoreError, match=r"bytes instead of .*; the disk is full or fails"):
        change()
    assert scenes(store) == ["s1"]
    add_scene(Store.open(store.folder), "s2", ["blue"])
    assert scenes(store) == ["s1", "s2"]


def _no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_deletion_that_cannot_be_read_back_is_undone(tmp_path: Path) -> None:
    store = made(tmp_path / "index")
    add_scene(store, "s1", ["red", "blue"])

    def change() -> None:
        with store.writing(), store.changing(TILES):
            store._table(TILES).delete("tile_id = 'c~s1~0'")
            for file in (store.folder / f"{TILES}.lance" / "_deletions").iterdir():
                os.truncate(file, 0)

    with pytest.raises(StoreError, match="the disk is full or fails"):
        change()
    assert Store.open(store.folder).snapshot().count() == 2


def test_a_compaction_that_is_cut_off_drops_no_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = made(tmp_path / "index")
    for name in ("s1", "s2"):
        add_scene(store, name, ["red"])
    settle = Durable.settle

    def cut(durable: Durable, name: str, before: int) -> None:
        if name == TILES:
            cut_off(store)
        settle(durable, name, before)

    monkeypatch.setattr(Durable, "settle", cut)
    with pytest.raises(StoreError, match="bytes instead of"):
        store.compact(keep=timedelta(0))
    assert scenes(store) == ["s1", "s2"]
