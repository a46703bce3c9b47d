"""Which scenes are new, and which rows are theirs, whatever happens to the table in between."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from core import ConfigError
from indexer import Scenes, Store, marks_from_bytes, marks_to_bytes, next_row_id, rows_of
from tests.unit.retriever.watched_index import add_scene, made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return made(tmp_path / "index")


def ids(store: Store, scenes: Scenes, first: int = 0) -> list[str]:
    table = store.snapshot()
    rows = rows_of(scenes, table, first=first)
    assert (np.diff(rows.astype(np.int64)) > 0).all()
    return sorted(table.take(rows, ["tile_id"])["tile_id"].to_pylist()) if len(rows) else []


def test_an_empty_index_has_no_scenes(store: Store) -> None:
    scenes = Scenes.of(store)
    assert len(scenes) == 0
    assert len(scenes.since(marks_from_bytes(b""))) == 0
    assert next_row_id(store.snapshot()) == 0
    assert ids(store, scenes) == []


def test_what_was_committed_since_is_new(store: Store) -> None:
    add_scene(store, "a", ["red", "blue"])
    seen, first = Scenes.of(store).marks, next_row_id(store.snapshot())
    assert len(Scenes.of(store).since(seen)) == 0
    came = add_scene(store, "b", ["red"]) + add_scene(store, "d", ["blue", "green"])
    assert ids(store, Scenes.of(store).since(seen), first) == sorted(came)


def test_a_scene_committed_again_is_new(store: Store) -> None:
    add_scene(store, "a", ["red", "blue"])
    add_scene(store, "b", ["red"])
    seen, first = Scenes.of(store).marks, next_row_id(store.snapshot())
    again = add_scene(store, "a", ["red", "blue", "green"], mark="2")
    assert ids(store, Scenes.of(store).since(seen), first) == sorted(again)


def test_a_scene_that_was_removed_and_came_back_is_new(store: Store) -> None:
    add_scene(store, "a", ["red"])
    add_scene(store, "b", ["red"])
    seen = Scenes.of(store).marks
    store.remove(scene_id="a")
    assert len(Scenes.of(store).since(seen)) == 0
    came = add_scene(store, "a", ["red"])
    assert ids(store, Scenes.of(store).since(seen)) == came


def test_a_compaction_makes_nothing_new_and_hides_nothing(store: Store) -> None:
    for number in range(6):
        add_scene(store, f"old{number}", ["red"] * 3)
    seen, first = Scenes.of(store).marks, next_row_id(store.snapshot())
    came = add_scene(store, "new", ["red", "blue"])
    store.compact(keep=timedelta(0))
    assert store.fragments == 1
    assert ids(store, Scenes.of(store).since(seen), first) == came
    add_scene(store, "newer", ["red"])
    store.compact(keep=timedelta(0))
    assert len(ids(store, Scenes.of(store).since(seen), first)) == 3


def test_rows_before_the_first_are_found_where_the_ledger_counts_more(store: Store) -> None:
    """A scene whose tiles were written before somebody looked and whose ledger entry after."""
    came = add_scene(store, "a", ["red", "blue"])
    new = Scenes.of(store)
    assert ids(store, new, next_row_id(store.snapshot())) == came


def test_marks_survive_bytes_in_any_order(store: Store) -> None:
    for scene in "dbca":
        add_scene(store, scene, ["red"])
    marks = Scenes.of(store).marks
    content = marks_to_bytes(marks)
    assert content == marks_to_bytes(marks[::-1])
    assert len(Scenes.of(store).since(marks_from_bytes(content))) == 0
    assert set(marks_from_bytes(content).to_pylist()) == set(marks.to_pylist())
    with pytest.raises(ConfigError, match="no whole number of marks"):
        marks_from_bytes(content[:-1])
