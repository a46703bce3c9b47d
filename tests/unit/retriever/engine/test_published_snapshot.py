"""The search snapshot of an index in a bucket: built on one machine, fetched by another, searched like a local one."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core import StoreError
from indexer import BucketPath, Store, objects_in, remove_file, replace_document, replace_file
from indexer.store import PUBLISHED, SEARCH
from retriever import Searcher, SearchRequest
from retriever.engine import EngineRows, Fresh, compact, current, optimize, verify_snapshot
from retriever.engine._published import fetch
from tests.unit.indexer.doubles import SPACE, rows, tile

Machine = Callable[[str], Store]


@pytest.fixture
def on(bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Open the index on a machine of some name: one with a cache of its own."""

    def opened(machine: str) -> Store:
        monkeypatch.setenv("SWATH_INDEX_CACHE", str(tmp_path / machine))
        store = Store.create_or_open(f"{bucket}/index", space=SPACE)
        assert store.folder.is_relative_to(tmp_path / machine)
        return store

    return opened


def fill(store: Store, *names: str, seed: int = 2) -> None:
    rng = np.random.default_rng(seed)
    for name in names:
        vectors = rng.normal(size=(20, 4)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        tiles = [tile(scene_id=name, col=col) for col in range(20)]
        store.commit([rows(tiles, schema=store.schema, vectors=vectors)])


def found(store: Store, *, through: bool) -> list[tuple[str, float]]:
    """What a search finds, after a look whether it goes through a search snapshot."""
    searcher = Searcher(store)
    assert isinstance(searcher.version().rows, EngineRows) is through
    request = SearchRequest.build(vector=[0.5, -0.5, 0.5, 0.5], k=25, exact=True)
    return [(hit.tile_id, round(hit.score, 4)) for hit in searcher.search(request)]


def place_of(store: Store) -> BucketPath:
    assert isinstance(store.path, BucketPath)
    return store.path


def in_search(store: Store) -> set[str]:
    return {name.split("/")[0] for name, _ in objects_in(place_of(store) / SEARCH)}


def test_what_one_machine_built_another_fetches_and_searches(on: Machine) -> None:
    one = on("one")
    fill(one, "a", "b", "c")
    expected = found(one, through=False)
    assert optimize(one).snapshot == "built"
    assert found(one, through=True) == expected
    two = on("two")
    assert found(two, through=True) == expected
    here, there = current(two.folder), current(one.folder)
    assert here is not None
    assert there is not None
    assert here.name == there.name
    assert fetch(two) is False  # it has it already


def test_what_came_and_went_since_is_seen_through_a_fetched_snapshot(on: Machine) -> None:
    one = on("one")
    fill(one, "a", "b", "c")
    optimize(one)
    two, searched = on("two"), Fresh(on("two"))
    assert searched.newest().index(exact=True).count(None) == 60
    fill(one, "d", seed=3)
    one.remove(scene_id="a")
    assert searched.newest().index(exact=True).count(None) == 60
    names = {tile_id.split("~")[1] for tile_id, _ in found(two, through=True)}
    assert "a" not in names
    assert "d" in names


def test_a_compaction_on_another_machine_brings_the_snapshot_along(on: Machine) -> None:
    one = on("one")
    fill(one, "a", "b", "c")
    optimize(one)
    fill(one, "d", seed=3)
    expected = found(one, through=True)
    compact(on("two"))
    assert found(on("three"), through=True) == expected
    assert in_search(one) == {PUBLISHED, json.loads(_document(one))["name"]}


def _document(store: Store) -> str:
    from indexer._small_files import file_bytes

    return file_bytes(place_of(store) / SEARCH / PUBLISHED).decode()


def test_a_newer_one_is_fetched_beside_searches(on: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retriever.engine._published_watch.LOOK_S", 0.0)
    one = on("one")
    fill(one, "a", "b", "c")
    two = Fresh(on("two"))
    assert not isinstance(two.newest().rows, EngineRows)
    optimize(one)
    two.newest()
    thread = two._published._thread
    assert thread is not None
    thread.join(timeout=30)
    assert isinstance(two.newest().rows, EngineRows)


def test_an_index_made_anew_at_the_address_is_not_searched_through_the_snapshot_of_the_earlier_one(
    on: Machine,
) -> None:
    one = on("one")
    fill(one, "a", "b", "c")
    optimize(one)
    for name in [name for name, _ in objects_in(place_of(one)) if not name.startswith(SEARCH)]:
        remove_file(place_of(one) / name)
    again = on("one")
    assert again.folder != one.folder
    fill(again, "x", "y", "z", "w", "v", "u", seed=9)
    assert {tile_id.split("~")[1] for tile_id, _ in found(again, through=False)} <= set("xyzwvu")
    optimize(again)
    assert found(on("two"), through=True) == found(again, through=True)


def test_one_that_is_not_whole_is_passed_over_and_made_anew(on: Machine, caplog: pytest.LogCaptureFixture) -> None:
    one = on("one")
    fill(one, "a", "b", "c")
    optimize(one)
    expected = found(one, through=True)
    name = json.loads(_document(one))["name"]
    replace_file(place_of(one) / SEARCH / name / "layout.json", b"{}")
    two = on("two")
    assert verify_snapshot(two).state == "damaged"
    assert found(two, through=False) == expected
    assert "is not whole: layout.json has 2 bytes instead of" in caplog.text
    with pytest.raises(StoreError, match="make it anew with: swath optimize --index s3://"):
        fetch(two)
    optimize(two)
    assert verify_snapshot(on("three"), full=True).state == "whole"
    assert found(on("three"), through=True) == expected


@pytest.mark.parametrize(
    "told",
    [
        {"name": "../../x", "files": {}},
        {"name": "0000000001-a", "files": {"../x": 1}},
        {"name": "0000000001-a", "files": {"/etc/x": 1}},
        {"name": "0000000001-a", "files": {"shared/..": 1}},
        {"name": "0000000001-a", "files": 3},
        {"files": {}},
    ],
)
def test_names_that_lead_out_of_the_folder_are_refused(on: Machine, told: dict[str, object], tmp_path: Path) -> None:
    store = on("one")
    fill(store, "a")
    replace_document(place_of(store) / SEARCH / PUBLISHED, told)
    with pytest.raises(StoreError, match="is damaged"):
        fetch(store)
    assert len(found(store, through=False)) == 20
    assert not list(tmp_path.rglob("x"))
