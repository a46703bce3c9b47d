"""`swath optimize` and `swath compact` as they are run."""

import json
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from typer.testing import CliRunner, Result

import swath
from retriever.engine import current
from swath._cli import app
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


def test_says_what_was_built_then_added_then_kept(history: History) -> None:
    assert "search snapshot built: " in run("optimize", "--index", history.path).stdout
    history.add(1)
    added = json.loads(run("optimize", "--index", history.path, "--json").stdout)
    assert (added["snapshot"], added["gone"]) == ("extended", 0)
    assert added["added"] > 0
    assert f"it holds all {added['tiles']} tiles" in run("optimize", "--index", history.path).stdout


def test_rebuild_builds_what_could_have_been_kept(history: History) -> None:
    run("optimize", "--index", history.path)
    before = current(history.path)
    assert json.loads(run("optimize", "--index", history.path, "--rebuild", "--json").stdout)["snapshot"] == "built"
    assert current(history.path) != before


def test_compact_keeps_the_snapshot_in_use(history: History) -> None:
    run("optimize", "--index", history.path)
    history.add(1)
    assert run("compact", "--index", history.path).exit_code == 0
    assert not swath.open(history.path).search(vector=[1.0] + [0.0] * 15, k=1).remarks


def test_an_empty_index_has_nothing_to_make_a_snapshot_of(history: History) -> None:
    for collection in history.store.snapshot().info().collections:
        history.store.remove(collection=collection)
    assert "no search snapshot: the index holds no tiles yet" in run("optimize", "--index", history.path).stdout


def test_files_that_could_not_be_merged_are_told(history: History) -> None:
    with FileLock(history.path / "writer.lock"):
        told = run("optimize", "--index", history.path).stdout
    assert "search snapshot built: " in told
    assert "data files were not merged: swath index is writing" in told


def test_info_tells_of_the_snapshot_and_what_it_lacks(history: History) -> None:
    assert "search snapshot: none" in run("info", "--index", history.path).stdout
    run("optimize", "--index", history.path)
    held = history.store.snapshot().count()
    assert f"search snapshot: {held} tiles, made from version " in run("info", "--index", history.path).stdout
    history.add(1)
    newer = history.store.snapshot().count() - held
    told = run("info", "--index", history.path).stdout
    assert f"{newer} newer ones wait for: swath optimize --index {history.path}" in told
