"""The search snapshot against its check sums and the table: every byte counts, and what is merely old is no damage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from indexer.store import CURRENT, SEARCH
from retriever.engine import SnapshotCheck, build_snapshot, current, optimize, verify_snapshot
from retriever.engine import _verify as verify_module
from retriever.engine._sums import LARGE, SUMS, read_sums, write_sums, wrong_inside
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


@pytest.fixture
def folder(history: History) -> Path:
    build_snapshot(history.store.snapshot(), history.path, lists=3)
    found = current(history.path)
    assert found is not None
    return found


def names(check: SnapshotCheck) -> list[tuple[str, bool]]:
    for finding in check.findings:
        assert "\n" not in finding.message
        assert "swath optimize" in finding.advice
    return [(finding.name, finding.damage) for finding in check.findings]


def middle(path: Path) -> None:
    """Flip a bit of the byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def test_none_is_no_finding(history: History) -> None:
    check = verify_snapshot(history.store)
    assert (check.state, check.compared, check.findings) == ("none", 0, ())


@pytest.mark.parametrize("full", [False, True])
def test_one_that_is_whole_is_not_complained_about(history: History, folder: Path, full: bool) -> None:
    told: list[tuple[int, int]] = []
    check = verify_snapshot(history.store, full=full, progress=lambda done, total: told.append((done, total)))
    assert (check.state, check.findings) == ("whole", ())
    assert check.compared == history.store.snapshot().count() == told[-1][0] == told[-1][1]


def test_a_sample_is_smaller(history: History, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_module, "SAMPLED_ROWS", 7)
    assert verify_snapshot(history.store).compared == 7


def test_newer_and_lost_rows_are_no_damage(history: History, folder: Path) -> None:
    history.replace()
    history.remove()
    history.add(1)
    check = verify_snapshot(history.store, full=True)
    assert (check.state, names(check)) == ("whole", [("snapshot-behind", False)])
    assert check.compared == history.store.snapshot().count()
    optimize(history.store)
    assert verify_snapshot(history.store, full=True).findings == ()


def test_one_that_a_compaction_left_behind_is_not_used(history: History, folder: Path) -> None:
    history.add(1)
    history.store.compact()
    check = verify_snapshot(history.store)
    assert (check.state, names(check)) == ("not used", [("snapshot-not-used", False)])


def test_one_of_another_table_is_damage(history: History, folder: Path, tmp_path: Path) -> None:
    other = History(tmp_path / "other", RECIPE, np.random.default_rng(1))
    other.add(20)
    build_snapshot(other.store.snapshot(), other.path, lists=3)
    shutil.rmtree(history.path / SEARCH)
    shutil.copytree(other.path / SEARCH, history.path / SEARCH)
    (finding,) = verify_snapshot(history.store).findings
    assert (finding.name, finding.damage) == ("snapshot-damaged", True)


def test_every_file_counts(history: History, folder: Path) -> None:
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size):
        whole = file.read_bytes()
        middle(file)
        assert verify_snapshot(history.store).state == "damaged", file
        file.write_bytes(whole)
    assert verify_snapshot(history.store).state == "whole"


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: (home / CURRENT).write_text("missing\n"),
        lambda home: (home / CURRENT).write_bytes(b"\xff\xfe"),
    ],
)
def test_a_pointer_to_nowhere_is_damage(history: History, folder: Path, damage: Callable[[Path], object]) -> None:
    damage(history.path / SEARCH)
    assert names(verify_snapshot(history.store)) == [("snapshot-damaged", True)]


def test_rows_that_pass_every_sum_but_are_not_the_tables_are_noticed(history: History, folder: Path) -> None:
    """As if the wrong thing had been written in the first place."""
    shard = folder / "000"
    vectors = np.fromfile(shard / "vectors.bin", np.float16).reshape(-1, 16)
    vectors[[3, 4]] = vectors[[4, 3]]
    vectors.tofile(shard / "vectors.bin")
    (shard / SUMS).unlink()
    write_sums(shard)
    check = verify_snapshot(history.store, full=True)
    assert names(check) == [("snapshot-damaged", True)]
    assert "2 of " in check.findings[0].message


class TestSumsOfLargeFiles:
    def test_see_the_middle(self, tmp_path: Path) -> None:
        for name in ("codes.bin", "list_rows.bin"):
            (tmp_path / name).write_bytes(bytes(200_000))
        write_sums(tmp_path)
        assert list(wrong_inside(tmp_path)) == [(tmp_path / "codes.bin", True)]
        middle(tmp_path / "codes.bin")
        assert list(wrong_inside(tmp_path)) == [(tmp_path / "codes.bin", False)]

    def test_are_not_made_of_files_that_are_known(self, tmp_path: Path) -> None:
        (tmp_path / "codes.bin").write_bytes(bytes(200_000))
        write_sums(tmp_path)
        known = read_sums(tmp_path)
        middle(tmp_path / "codes.bin")
        (tmp_path / SUMS).unlink()
        write_sums(tmp_path, known)
        assert list(wrong_inside(tmp_path)) == [(tmp_path / "codes.bin", False)]

    def test_that_an_earlier_swath_did_not_make_are_said_to_be_missing(self, tmp_path: Path) -> None:
        (tmp_path / "codes.bin").write_bytes(bytes(200_000))
        write_sums(tmp_path)
        sums = {name: found[:2] for name, found in read_sums(tmp_path).items()}
        (tmp_path / SUMS).write_text(json.dumps(sums))
        assert list(wrong_inside(tmp_path)) == [(tmp_path / "codes.bin", None)]

    def test_are_made_of_large_files_alone(self, folder: Path) -> None:
        sums = read_sums(folder / "000")
        assert {name for name, found in sums.items() if len(found) > 2} <= LARGE
