"""`swath verify`, `swath backup`, `swath restore`, and what `doctor` and `info` tell of an index."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import swath
from indexer.store import SEARCH
from retriever.engine import current
from swath._cli import app
from tests.unit.indexer.damages import data_file, lance
from tests.unit.retriever.engine.random_histories import History
from tests.unit.retriever.engine.random_tables import Recipe

RECIPE = Recipe(
    dim=16, dtype="float16", spread="scattered", sensors=2, collections=2, undated=0.1, unlocated=0.1,
    years=(2016, 2024), odd=0.2,
)  # fmt: skip


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "index", RECIPE, np.random.default_rng(0))
    made.add(10)
    return made


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)


def exit_code(*arguments: object) -> int:
    """As the program ends: what a command returns is its exit code."""
    from swath._errors import run_and_report

    return run_and_report(lambda: app([*map(str, arguments)], standalone_mode=False))


def test_verify_says_that_an_index_is_whole(history: History) -> None:
    tiles = history.store.snapshot().count()
    assert exit_code("verify", history.path) == 0
    told = run("verify", history.path).stdout
    assert f"{history.path} is whole: {tiles:,} tiles of 10 scenes at version" in told
    assert "all compared with their check sums; search snapshot: none" in told
    run("optimize", "--index", history.path)
    assert f"search snapshot: whole ({tiles:,} rows compared)" in run("verify", history.path, "--full").stdout


def test_verify_ends_with_4_and_a_line_for_each_damage(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    run("optimize", "--index", history.path)
    name = history.store.snapshot().take([*_row_ids(history)[:1]], ["tile_id"])["tile_id"][0].as_py()
    lance(history.store).delete(f"tile_id = '{name}'")
    capsys.readouterr()
    assert exit_code("verify", history.path) == 4
    told = capsys.readouterr()
    assert "is DAMAGED" in told.out
    assert told.err.count("\n") == 1
    assert told.err.startswith("damaged: scene ")
    assert told.err.endswith("[tiles-missing]\n")


def _row_ids(history: History) -> list[int]:
    return [row for batch in history.store.snapshot().scan(()) for row in batch["_rowid"].to_pylist()]


def test_verify_in_json_has_everything(history: History) -> None:
    report = json.loads(run("verify", history.path, "--json").stdout)
    assert (report["whole"], report["scenes"], report["snapshot"], report["findings"]) == (True, 10, "none", [])
    assert report["summed"] == report["tiles"] == history.store.snapshot().count()
    lance(history.store, "scenes").drop_columns(["digest"])
    report = json.loads(run("verify", history.path, "--json").stdout)
    assert (report["whole"], report["summed"]) == (True, 0)
    assert [finding["name"] for finding in report["findings"]] == ["scenes-not-summed"]


def test_verify_takes_an_index_that_cannot_be_opened(history: History) -> None:
    for file in (history.path / "scenes.lance" / "data").iterdir():
        file.write_bytes(b"")
    report = swath.verify(history.path)
    assert (report.whole, report.version) == (False, None)
    assert [finding.name for finding in report.findings] == ["index-unreadable"]
    assert exit_code("verify", history.path) == 4


def test_verify_of_no_index_is_bad_input(tmp_path: Path) -> None:
    assert exit_code("verify", tmp_path) == 2


def test_a_damaged_table_does_not_hide_the_rest(history: History) -> None:
    run("optimize", "--index", history.path)
    data_file(history.store).unlink()
    report = swath.verify(history.path)
    kinds = {finding.name for finding in report.findings}
    assert {"file-damaged", "rows-unreadable", "tiles-missing"} <= kinds
    assert not report.whole
    assert report.findings[0].damage


def test_backup_and_restore_as_they_are_run(history: History, tmp_path: Path) -> None:
    tiles = history.store.snapshot().count()
    assert f"{tiles:,} tiles in " in run("backup", history.path, tmp_path / "backups").stdout
    history.add(1)
    made = json.loads(run("backup", history.path, tmp_path / "backups", "--json").stdout)
    assert made["linked"] > 0
    assert "restored" in run("restore", tmp_path / "backups", tmp_path / "again").stdout
    assert swath.open(tmp_path / "again").info().tiles == made["tiles"] == history.store.snapshot().count()
    assert exit_code("restore", tmp_path / "backups", tmp_path / "again") == 2
    assert exit_code("restore", tmp_path / "backups", tmp_path / "again", "--overwrite") == 0
    assert swath.open(tmp_path / "again").verify().whole


def test_a_restored_index_takes_its_old_search_snapshot_for_none(history: History, tmp_path: Path) -> None:
    run("optimize", "--index", history.path)
    swath.open(history.path).backup(tmp_path / "backups")
    swath.restore(tmp_path / "backups", history.path, overwrite=True)
    assert not (history.path / SEARCH).exists()
    assert current(history.path) is None


def test_versions_are_kept_as_long_as_it_is_said(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("compact", "optimize"):
        history.add(1)
        assert exit_code(command, "--index", history.path, "--keep-days", "7", "--keep-versions", "3") == 0
    assert len(lance(history.store).list_versions()) > 3
    for command in ("compact", "optimize"):
        for days in ("-1", "1e300", "nan"):
            assert exit_code(command, "--index", history.path, "--keep-days", days) == 2
    history.add(1)
    for _ in range(2):
        run("compact", "--index", history.path, "--keep-days", "0")
    assert len(lance(history.store).list_versions()) == 1
    assert "Traceback" not in capsys.readouterr().err


def checks(history: History) -> dict[str, tuple[bool, str]]:
    from swath._doctor_index import examine_index

    return {check.name: (check.state != "fail", check.found) for check in examine_index(history.path)}


def test_doctor_looks_at_an_index(history: History) -> None:
    found = checks(history)
    assert set(found) == {"index disk", "index tables", "index files", "index encoder", "search snapshot"}
    assert all(ok for ok, _ in found.values())
    assert f"{history.store.snapshot().count():,} tiles at version {history.store.version}" in found["index tables"][1]
    assert found["search snapshot"][1].startswith("none")
    run("optimize", "--index", history.path)
    history.add(1)
    assert "newer ones wait for: swath optimize" in checks(history)["search snapshot"][1]
    data_file(history.store).unlink()
    ok, said = checks(history)["index files"]
    assert not ok
    assert "No such file" in said


def test_doctor_of_a_broken_index_does_not_break(history: History) -> None:
    for file in (history.path / "scenes.lance" / "_versions").glob("*.manifest"):
        file.write_bytes(b"")
    assert {name for name, (ok, _) in checks(history).items() if not ok} == {"index tables", "index files"}


def test_info_in_json_tells_of_the_search_snapshot(history: History) -> None:
    def snapshot() -> dict[str, object]:
        return dict(json.loads(run("info", "--index", history.path, "--json").stdout)["search_snapshot"])

    assert snapshot() == {"state": "none"}
    run("optimize", "--index", history.path)
    told = snapshot()
    assert (told["state"], told["newer"], told["version"]) == ("used", 0, history.store.version)
    assert told["tiles"] == history.store.snapshot().count()
    assert isinstance(told["bytes"], int)
    assert told["bytes"] > 0
    folder = current(history.path)
    assert folder is not None
    (folder / "layout.json").write_text("{}")
    told = snapshot()
    assert told["state"] == "not used"
    assert "swath optimize" in str(told["reason"])
