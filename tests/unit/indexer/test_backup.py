"""Backups hold one instant, take room for what is new alone, and are restored whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from core import IndexNotFoundError, InputError, StoreError
from indexer import Store, back_up, read_calibration, restore, verify_tables, write_calibration
from indexer._backup_document import DOCUMENT, PART, backup_meant, read_document
from tests.unit.indexer.damages import TILES, data_file, lance, three_scenes
from tests.unit.indexer.doubles import rows, tile


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return three_scenes(tmp_path / "index")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "backups"


def tiles(store: Store) -> list[str]:
    return sorted(name for batch in store.snapshot().scan(["tile_id"]) for name in batch["tile_id"].to_pylist())


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_what_comes_back_is_what_was_there(store: Store, home: Path, tmp_path: Path) -> None:
    lance(store).delete("tile_id = 'c~s1~r0000c0002'")  # a file of deletions
    store.commit([rows([tile(scene_id="s1")], schema=store.schema, fingerprint="f2")])
    write_calibration(store.folder, {"a": 1})
    report = back_up(store.folder, home)
    assert (report.tiles, report.versions["tiles"]) == (2 * TILES + 1, store.version)
    before, ledger = tiles(store), store.ledger()
    store.remove(collection="c")
    done = restore(home, tmp_path / "again")
    again = Store.open(tmp_path / "again")
    assert (done.tiles, tiles(again), again.ledger()) == (2 * TILES + 1, before, ledger)
    assert read_calibration(again.path) == {"a": 1}
    assert verify_tables(again).findings == ()
    again.commit([rows([tile(scene_id="new")], schema=again.schema)])  # and it can be written to
    again.compact(keep=timedelta(0))
    assert len(tiles(again)) == len(before) + 1


def test_what_can_be_made_anew_and_locks_are_left_out(store: Store, home: Path) -> None:
    for name in ("search", "staging"):
        (store.folder / name).mkdir()
        (store.folder / name / "file").write_text("x")
    with store.writing():
        made = back_up(store.folder, home).path
    assert names(made) == [DOCUMENT, "scenes.lance", "tiles.lance"]


def test_the_second_backup_takes_room_for_what_is_new(store: Store, home: Path) -> None:
    first = back_up(store.folder, home)
    store.commit([rows([tile(scene_id="new")], schema=store.schema)])
    second = back_up(store.folder, home)
    assert (first.linked, names(home)) == (0, sorted([first.path.name, second.path.name, "backup.lock"]))
    held = data_file(store).relative_to(store.folder)
    assert (first.path / held).stat().st_ino == (second.path / held).stat().st_ino
    assert 0 < second.linked < second.bytes
    shutil.rmtree(first.path)
    assert restore(home, home.parent / "again").tiles == 3 * TILES + 1


def test_a_file_of_the_last_backup_that_was_cut_off_is_copied_again(store: Store, home: Path) -> None:
    first = back_up(store.folder, home)
    held = first.path / data_file(store).relative_to(store.folder)
    held.write_bytes(held.read_bytes()[:-1])
    back_up(store.folder, home)
    assert restore(home, home.parent / "again").tiles == 3 * TILES
    with pytest.raises(StoreError, match="the backup is damaged"):
        restore(first.path, home.parent / "other")


def test_a_half_backup_is_none(store: Store, home: Path) -> None:
    made = back_up(store.folder, home).path
    half = home / f"{PART}x"
    made.rename(half)
    for place in (home, half):
        (half / DOCUMENT).unlink(missing_ok=True)
        with pytest.raises(InputError, match="only one that was cut off"):
            restore(place, home.parent / "again")
    assert back_up(store.folder, home).path.is_dir()
    assert not half.exists()


def test_a_backup_that_fails_leaves_the_others_and_no_part(
    store: Store, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(store.folder, home)
    before = names(home)
    store.commit([rows([tile(scene_id="new")], schema=store.schema)])

    def full(*_: object) -> str:
        raise OSError(28, os.strerror(28), str(home / "x"))

    monkeypatch.setattr("indexer._backup.copy_file", full)
    with pytest.raises(StoreError, match=r"cannot make a backup in .*: No space left on device"):
        back_up(store.folder, home)
    assert names(home) == before


def test_a_damaged_index_is_not_backed_up_in_silence(store: Store, home: Path) -> None:
    file = data_file(store)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StoreError, match=f"bytes instead of .*; see what else is damaged: swath verify {store.folder}"):
        back_up(store.folder, home)
    file.unlink()
    with pytest.raises(StoreError, match="it is gone; see what is missing: swath verify"):
        back_up(store.folder, home)
    assert names(home) == ["backup.lock"]


def test_every_damaged_file_of_a_backup_stops_the_restoration(store: Store, home: Path) -> None:
    made = back_up(store.folder, home).path
    for name in read_document(made).files:
        file = made / name
        whole = file.read_bytes()
        middle = len(whole) // 2
        file.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(StoreError, match="is not as it was written; take an earlier one"):
            restore(home, home.parent / "again")
        file.unlink()
        with pytest.raises(StoreError, match="No such file"):
            restore(home, home.parent / "again")
        file.write_bytes(whole)
    assert names(home.parent) == ["backups", "index"]  # nothing is left lying about


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"format": 99}', '{"format": 1, "files": {"../x": {}}}', '{"format": 1, "files": 3}'],
)
def test_a_document_that_is_damaged_is_said(store: Store, home: Path, text: str) -> None:
    made = back_up(store.folder, home).path
    (made / DOCUMENT).write_text(text)
    with pytest.raises(StoreError, match=DOCUMENT) as caught:
        restore(home, home.parent / "again")
    assert "\n" not in str(caught.value)
    assert back_up(store.folder, home).linked == 0  # the next one stands by itself


def test_damage_that_was_copied_is_said(store: Store, home: Path, tmp_path: Path) -> None:
    lance(store).update(where="tile_id = 'c~s1~r0000c0002'", values={"cloud": 0.25})
    back_up(store.folder, home)
    with pytest.raises(StoreError, match=r"the index was damaged when .* was made .*its tiles are not as they were"):
        restore(home, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_an_index_is_replaced_only_where_that_is_asked_for(store: Store, home: Path) -> None:
    back_up(store.folder, home)
    store.commit([rows([tile(scene_id="new")], schema=store.schema)])
    with pytest.raises(InputError, match="holds an index; give another directory, or --overwrite"):
        restore(home, store.folder)
    assert store.snapshot().count() == 3 * TILES + 1
    with FileLock(store.folder / "writer.lock"), pytest.raises(StoreError, match="another swath index is writing"):
        restore(home, store.folder, overwrite=True)
    assert store.snapshot().count() == 3 * TILES + 1
    restore(home, store.folder, overwrite=True)
    assert Store.open(store.folder).snapshot().count() == 3 * TILES
    assert names(home.parent) == ["backups", "index"]


def test_an_index_that_cannot_be_opened_can_be_replaced(store: Store, home: Path) -> None:
    back_up(store.folder, home)
    shutil.rmtree(store.folder / "tiles.lance")
    restore(home, store.folder, overwrite=True)
    assert verify_tables(Store.open(store.folder)).findings == ()


def test_what_is_in_the_way_is_never_removed(store: Store, home: Path, tmp_path: Path) -> None:
    made = back_up(store.folder, home).path
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    (tmp_path / "file").touch()
    for target, said in (
        (tmp_path / "photos", "not empty and not an index"),
        (tmp_path / "file", "is a file"),
        (made, "lies in the backup"),
        (made / "x", "lies in the backup"),
    ):
        with pytest.raises(InputError, match=said):
            restore(home, target, overwrite=True)
    for target, said in (
        (tmp_path / "photos", "holds something else than backups"),
        (tmp_path / "file", "is a file"),
        (store.folder / "x", "lies in the index"),
    ):
        with pytest.raises(InputError, match=said):
            back_up(store.folder, target)
    assert (tmp_path / "photos" / "a.jpg").exists()


def test_what_is_no_backup_is_said(tmp_path: Path, home: Path) -> None:
    for place, said in ((tmp_path / "nowhere", "is no folder"), (tmp_path, "holds no backup")):
        with pytest.raises(InputError, match=said):
            restore(place, tmp_path / "again")
    with pytest.raises(IndexNotFoundError):
        back_up(tmp_path / "nowhere", home)
    assert not home.exists()


def test_two_at_once_are_refused(store: Store, home: Path) -> None:
    home.mkdir()
    with FileLock(home / "backup.lock"), pytest.raises(StoreError, match="another swath backup is writing"):
        back_up(store.folder, home)


def test_the_newest_of_several_is_taken_and_a_named_one_too(store: Store, home: Path) -> None:
    first = back_up(store.folder, home).path
    first = first.rename(home / f"2000{first.name[4:]}")
    store.commit([rows([tile(scene_id="new")], schema=store.schema)])
    second = back_up(store.folder, home).path
    assert (backup_meant(home), backup_meant(first)) == (second, first)
    assert restore(first, home.parent / "again").tiles == 3 * TILES


def test_progress_ends_with_every_byte(store: Store, home: Path) -> None:
    told: list[tuple[int, int]] = []
    for _ in range(2):  # copied, and linked
        back_up(store.folder, home, progress=lambda done, total: told.append((done, total)))
        assert told[-1][0] == told[-1][1] > 0
    restore(home, home.parent / "again", progress=lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] == sum(file.size for file in read_document(backup_meant(home)).files.values())


def test_a_backup_is_an_index_that_can_be_searched(store: Store, home: Path) -> None:
    made = back_up(store.folder, home).path
    assert Store.open(made).snapshot().count() == 3 * TILES
    assert json.loads((made / DOCUMENT).read_text())["source"] == str(store.folder)
