"""Files of a snapshot that are cut off, foreign, or gone: searches go to the table itself and say why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import Store
from indexer.store import CURRENT, SEARCH
from retriever.engine import Fresh
from retriever.engine._build import build_snapshot
from retriever.engine._open import current
from tests.unit.retriever.engine.congruence import check_exact
from tests.unit.retriever.engine.random_histories import HeldRows, History, held
from tests.unit.retriever.engine.random_tables import Recipe

RECIPE = Recipe(
    dim=16, dtype="float16", spread="scattered", sensors=2, collections=2, undated=0.1, unlocated=0.1,
    years=(2016, 2024), odd=0.2,
)  # fmt: skip

Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    made = History(tmp_path_factory.mktemp("damaged") / "index", RECIPE, np.random.default_rng(0))
    made.add(30)
    build_snapshot(made.store.snapshot(), made.path, lists=3)
    return made


@pytest.fixture(scope="module")
def rows(history: History) -> HeldRows:
    return held(history.store)


@pytest.fixture
def folder(history: History, tmp_path: Path) -> Iterator[Path]:
    """The snapshot's folder, of which everything is put back afterwards."""
    shutil.copytree(history.path / SEARCH, tmp_path / "kept")
    yield whole(history)
    shutil.rmtree(history.path / SEARCH)
    shutil.copytree(tmp_path / "kept", history.path / SEARCH)


def whole(history: History) -> Path:
    found = current(history.path)
    assert found is not None
    return found


def check(history: History, rows: HeldRows, *, used: bool) -> tuple[str, ...]:
    """Answers are right; return the remarks. ``used``: whether they come from the snapshot."""
    version = Fresh(Store.open(history.path)).newest()
    rng = np.random.default_rng(0)
    for _ in range(3):
        vector = history.maker.query(rows.table)
        k = int(rng.choice([1, 5, 50]))
        index = version.index(exact=True)
        check_exact(index.search(vector, k=k), rows.ranking(vector, None), k, "")
        assert index.explained()["index"] == ("snapshot" if used else "flat")
    return version.remarks


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0" * 64)


def _gone(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(path.stat().st_size))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _flipped(path: Path) -> None:
    """One bit of one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x40
    path.write_bytes(bytes(data))


DAMAGES = (_cut, _longer, _gone, _empty, _noise, _folder, _flipped)
ARRAYS = (
    "codes", "factors", "list_of", "bounds", "seconds", "flags", "zone_bounds", "by_time", "list_starts", "list_sizes",
    "list_rows", "list_codes", "vectors", "row_ids", "cells",
)  # fmt: skip


def test_the_snapshot_is_used_where_it_is_whole(history: History, rows: HeldRows) -> None:
    assert check(history, rows, used=True) == ()


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_files_are_noticed_and_answers_stay_right(
    damage: Damage, history: History, rows: HeldRows, folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "file"
    files = [folder / "000" / f"{name}.bin" for name in ARRAYS]
    for file in (*files, folder / "000" / "scalars.arrow", folder / "shared" / "centroids.bin", folder / "layout.json"):
        shutil.copy(file, kept)
        damage(file)
        remarks = check(history, rows, used=False)
        assert len(remarks) == 1, file
        assert "swath optimize" in remarks[0]
        assert "\n" not in remarks[0]
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
        shutil.copy(kept, file)
    assert check(history, rows, used=True) == ()


def _with(**values: Any) -> Damage:
    def write(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return write


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_text("{}"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("null"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_bytes(b"\xff\xfe\x00"),
        _with(format=999),
        _with(format="1"),
        _with(rows=10**15),
        _with(rows=-1),
        _with(rows="many"),
        _with(dim=0),
        _with(dim=8),
        _with(dtype="float64"),
        _with(words=9),
        _with(lists=-1),
        _with(lists=10**9),
        _with(shards=[]),
        _with(shards="none"),
        _with(shards=[{}]),
        _with(version=10**12),
        _with(version=None),
        _with(encoder="another"),
        _with(revision="2"),
        _with(words=0),
        _with(sensors=None),
        _with(unknown=1),
    ],
)  # fmt: skip
def test_a_layout_that_does_not_fit_is_noticed(damage: Damage, history: History, rows: HeldRows, folder: Path) -> None:
    damage(folder / "layout.json")
    check(history, rows, used=False)


@pytest.mark.parametrize("folder_name", ["../../../etc", "000", "missing", "..", ".", "a\nb", ""])
def test_a_shard_of_another_name_is_noticed(folder_name: str, history: History, rows: HeldRows, folder: Path) -> None:
    path = folder / "layout.json"
    document = json.loads(path.read_text())
    document["shards"][0]["folder"] = folder_name
    path.write_text(json.dumps(document))
    check(history, rows, used=folder_name == "000")


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(""),
        lambda path: path.write_text("\n\n"),
        lambda path: path.write_text("missing\n"),
        lambda path: path.write_text("..\n"),
        lambda path: path.write_text(".\n"),
        lambda path: path.write_text("../search\n"),
        lambda path: path.write_text("/etc\n"),
        lambda path: path.write_bytes(b"\xff\x00\xfe"),
        lambda path: path.write_text("a\0b"),
        lambda path: path.write_text("x" * 100_000),
        _folder,
    ],
)  # fmt: skip
def test_a_pointer_to_nowhere_is_no_snapshot(damage: Damage, history: History, rows: HeldRows, folder: Path) -> None:
    damage(folder.parent / CURRENT)
    check(history, rows, used=False)


def test_a_file_where_the_folder_should_be_is_no_snapshot(history: History, rows: HeldRows, folder: Path) -> None:
    shutil.rmtree(folder.parent)
    folder.parent.write_text("a file")
    check(history, rows, used=False)
    folder.parent.unlink()
    folder.parent.mkdir()


def test_a_snapshot_of_another_index_is_noticed(history: History, rows: HeldRows, folder: Path, tmp_path: Path) -> None:
    other = History(tmp_path / "other", RECIPE, np.random.default_rng(1))
    other.add(30)
    build_snapshot(other.store.snapshot(), other.path, lists=3)
    shutil.rmtree(folder.parent)
    shutil.copytree(other.path / SEARCH, folder.parent)
    (remark,) = check(history, rows, used=False)
    assert "swath optimize" in remark


def test_building_anew_mends_everything(history: History, rows: HeldRows, folder: Path) -> None:
    _noise(folder / "layout.json")
    (folder.parent / CURRENT).write_bytes(b"\xff")
    build_snapshot(history.store.snapshot(), history.path)
    assert check(history, rows, used=True) == ()
