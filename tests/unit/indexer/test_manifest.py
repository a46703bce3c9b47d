"""The files that a manifest names are those the table is read from."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from core import StoreError
from indexer import Store
from indexer._manifest import manifest_file, table_files, wrong_files
from tests.unit.indexer.damages import TILES, lance, three_scenes


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return three_scenes(tmp_path / "index")


def test_a_table_of_nothing_but_these_files_reads_the_same(store: Store, tmp_path: Path) -> None:
    lance(store).delete("tile_id = 'c~s1~r0000c0002'")
    store.compact()
    lance(store).delete("tile_id = 'c~s1~r0000c0003'")
    store.remove(scene_id="s0")
    for name, version in (("tiles", store.version), ("scenes", lance(store, "scenes").version)):
        for file in table_files(store.folder / f"{name}.lance", version):
            target = tmp_path / "copy" / f"{name}.lance" / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(store.folder / f"{name}.lance" / file.path, target)
    copy = Store.open(tmp_path / "copy")
    assert copy.version == store.version
    assert [b.to_pydict() for b in copy.snapshot().scan(["tile_id", "vector"])] == [
        b.to_pydict() for b in store.snapshot().scan(["tile_id", "vector"])
    ]
    assert copy.snapshot().count() == 2 * TILES - 2
    assert any(file.path.startswith("_deletions") for file in table_files(store.folder / "tiles.lance", store.version))


def test_an_earlier_version_names_its_own_files(store: Store) -> None:
    table = store.folder / "tiles.lance"
    counts = [sum(file.path.startswith("data") for file in table_files(table, v)) for v in range(1, store.version + 1)]
    assert counts == [0, 1, 2, 3]


def test_a_version_that_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(StoreError, match="No such file"):
        table_files(store.folder / "tiles.lance", 999)


def test_every_byte_of_a_manifest_may_be_wrong(store: Store) -> None:
    """Whatever it says then: an error of one line, or names of files that can be looked for."""
    table = store.folder / "tiles.lance"
    manifest = manifest_file(table, store.version)
    whole = manifest.read_bytes()
    for place in range(0, len(whole), 3):
        manifest.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with suppress(StoreError):
            assert all("\n" not in line for line in wrong_files(table, store.version))
    for length in range(0, len(whole), 40):
        manifest.write_bytes(whole[:length])
        with pytest.raises(StoreError):
            table_files(table, store.version)


def test_files_outside_the_table_are_refused(store: Store) -> None:
    table = store.folder / "tiles.lance"
    manifest = manifest_file(table, store.version)
    name = table_files(table, store.version)[0].path.removeprefix("data/").encode()
    manifest.write_bytes(manifest.read_bytes().replace(name, b"../" * 3 + name[9:]))
    with pytest.raises(StoreError, match="outside its folder"):
        table_files(table, store.version)
