"""A search sees the table as of its last commit, read through the search snapshot wherever that fits."""

import gc
import json
import re
import shutil
import weakref
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core import StoreError
from indexer import RECORD_COLUMNS, Snapshot, Store
from retriever import Searcher, SearchRequest
from retriever.engine import (
    EngineRows,
    Fresh,
    SnapshotSummary,
    build_snapshot,
    current,
    optimize,
    snapshot_summary,
)
from retriever.engine import _state as state_module
from retriever.engine._build._write import write_layout
from retriever.engine._open import read_layout, snapshot_bytes
from tests.unit.retriever.engine.random_histories import History
from tests.unit.retriever.engine.random_tables import Recipe

RECIPE = Recipe(
    dim=16, dtype="float16", spread="scattered", sensors=3, collections=2, undated=0.1, unlocated=0.1,
    years=(2019, 2020), odd=0.2,
)  # fmt: skip
SCALARS = tuple(name for name in RECORD_COLUMNS if name != "preview")


def ids_of(rows: EngineRows | Snapshot) -> NDArray[np.uint64]:
    parts = [batch["_rowid"].to_numpy() for batch in rows.scan(())]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.uint64)


def names_of(rows: EngineRows) -> list[str]:
    return [name for batch in rows.scan(["tile_id"]) for name in batch["tile_id"].to_pylist()]


def newest(fresh: Fresh) -> EngineRows:
    rows = fresh.newest().rows
    assert isinstance(rows, EngineRows)
    return rows


def check_same(rows: EngineRows, table: Snapshot) -> None:
    """The rows read through the snapshot are those of the table, column by column."""
    ids = ids_of(table)
    assert np.array_equal(ids_of(rows), ids)
    assert (rows.version, rows.count()) == (table.version, table.count())
    mixed = np.random.default_rng(0).permutation(ids)[:50]
    for columns in (RECORD_COLUMNS, ("vector", "tile_id"), ("vector",), ("preview",), ("datetime", "sensor")):
        assert rows.take(mixed, columns).equals(table.take(mixed, columns)), columns
    scanned = {batch["_rowid"][place].as_py(): batch.select(SCALARS).take([place]).to_pylist()
               for batch in rows.scan(SCALARS) for place in range(batch.num_rows)}  # fmt: skip
    expected = {batch["_rowid"][place].as_py(): batch.select(SCALARS).take([place]).to_pylist()
                for batch in table.scan(SCALARS) for place in range(batch.num_rows)}  # fmt: skip
    assert scanned == expected
    for row_id, (row,) in expected.items():
        assert rows.row_ids_of(row["tile_id"]).tolist() == [row_id]


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path / "index", RECIPE, np.random.default_rng(3))
    made.add(12)
    return made


@pytest.fixture
def optimized(history: History) -> History:
    build_snapshot(history.store.snapshot(), history.path, shard_rows=40)
    return history


def test_files_that_a_new_snapshot_left_behind_are_forgotten_once(
    optimized: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten: list[Store] = []
    forget = Store.forget_files

    def counted(store: Store) -> None:
        forgotten.append(store)
        forget(store)

    monkeypatch.setattr(Store, "forget_files", counted)
    fresh = Fresh(optimized.store)
    before = newest(fresh)
    optimized.add(4)
    assert newest(fresh).count() > before.count()
    assert len(forgotten) == 1
    optimize(optimized.store)
    check_same(newest(fresh), optimized.store.snapshot())
    assert len(forgotten) == 2
    # A view that was opened before goes on.
    assert before.count() == len(ids_of(before))


class TestRowsThroughASnapshot:
    def test_are_those_of_the_table(self, optimized: History) -> None:
        check_same(newest(Fresh(optimized.store)), optimized.store.snapshot())

    @pytest.mark.parametrize("change", ["add", "replace", "remove"])
    def test_are_those_of_the_table_after_a_change(self, optimized: History, change: str) -> None:
        {"add": lambda: optimized.add(3), "replace": optimized.replace, "remove": optimized.remove}[change]()
        check_same(newest(Fresh(optimized.store)), optimized.store.snapshot())

    def test_follow_one_change_after_another(self, optimized: History) -> None:
        fresh = Fresh(optimized.store)
        for change in (optimized.remove, lambda: optimized.add(2), optimized.replace, optimized.replace):
            change()
            check_same(newest(fresh), optimized.store.snapshot())

    def test_find_no_tile_that_is_gone_or_never_was(self, optimized: History) -> None:
        before = set(names_of(newest(Fresh(optimized.store))))
        optimized.remove()
        rows = newest(Fresh(optimized.store))
        gone = before - set(names_of(rows))
        assert gone
        for tile_id in (*gone, "never"):
            assert rows.row_ids_of(tile_id).tolist() == []

    def test_take_no_rows(self, optimized: History) -> None:
        rows = newest(Fresh(optimized.store))
        assert rows.take([], SCALARS).equals(optimized.store.snapshot().take([], SCALARS))

    def test_refuse_a_row_that_is_gone(self, optimized: History) -> None:
        rows = newest(Fresh(optimized.store))
        gone = ids_of(rows)[:1]
        with pytest.raises(StoreError, match="no rows with ids"):
            rows.take(gone + np.uint64(1 << 40), SCALARS)


class TestVersions:
    def test_one_that_is_current_is_not_opened_again(self, optimized: History) -> None:
        fresh = Fresh(optimized.store)
        assert fresh.newest() is fresh.newest()

    def test_every_commit_shows_at_once(self, optimized: History) -> None:
        fresh = Fresh(optimized.store)
        for _ in range(20):  # commits follow each other within one step of the file system's clock
            optimized.add(1)
            assert fresh.newest().number == optimized.store.version

    def test_an_earlier_one_stays_as_it_was(self, optimized: History) -> None:
        fresh = Fresh(optimized.store)
        before, table = newest(fresh), optimized.store.snapshot()
        optimized.replace()
        fresh.newest()
        again = fresh.at(table).rows
        assert isinstance(again, EngineRows)
        check_same(again, table)
        check_same(before, table)

    def test_an_earlier_one_can_be_asked_for_by_its_number(self, optimized: History) -> None:
        fresh = Fresh(optimized.store)
        first = newest(fresh).version
        optimized.add(1)
        assert fresh.version(first).number == first
        assert Fresh(optimized.store).version(first).number == first

    def test_one_before_the_snapshot_is_read_from_the_table(self, history: History) -> None:
        table = history.store.snapshot()
        history.add(1)
        build_snapshot(history.store.snapshot(), history.path)
        assert Fresh(history.store).at(table).rows is table

    def test_rows_of_another_index_are_left_alone(self, optimized: History, tmp_path: Path) -> None:
        other = History(tmp_path / "other", RECIPE, np.random.default_rng(4))
        other.add(2)
        table = other.store.snapshot()
        assert Fresh(optimized.store).at(table).rows is table


class TestTheSearchSnapshot:
    def test_is_not_needed(self, history: History) -> None:
        version = Fresh(history.store).newest()
        assert isinstance(version.rows, Snapshot)
        assert version.remarks == ()

    def test_is_taken_up_when_it_is_built(self, history: History) -> None:
        fresh = Fresh(history.store)
        fresh.newest()
        build_snapshot(history.store.snapshot(), history.path)
        assert isinstance(fresh.newest().rows, EngineRows)

    def test_is_replaced_by_a_newer_one(self, optimized: History) -> None:
        fresh = Fresh(optimized.store)
        optimized.add(1)
        assert len(newest(fresh).state.delta)
        build_snapshot(optimized.store.snapshot(), optimized.path)
        assert not len(newest(fresh).state.delta)
        check_same(newest(fresh), optimized.store.snapshot())

    def test_is_let_go_after_two_newer_ones(self, optimized: History) -> None:
        fresh = Fresh(optimized.store)
        opened = []
        for _ in range(3):
            optimized.add(1)
            build_snapshot(optimized.store.snapshot(), optimized.path)
            opened.append(weakref.ref(newest(fresh).state.opened))
        gc.collect()
        assert [each() is None for each in opened] == [True, False, False]

    def test_is_told_to_the_owner(self, history: History) -> None:
        assert snapshot_summary(history.store) is None
        layout = build_snapshot(history.store.snapshot(), history.path)
        history.add(1)
        newer = history.store.snapshot().count() - layout.rows
        size = snapshot_bytes(history.path)
        assert snapshot_summary(history.store) == SnapshotSummary(
            version=layout.version, built=layout.built, tiles=layout.rows, newer=newer, bytes=size
        )
        history.remove()
        told = snapshot_summary(history.store)
        assert isinstance(told, SnapshotSummary)
        assert told.tiles + told.newer == history.store.snapshot().count()
        _rewrite(history.path, format=99)
        told = snapshot_summary(history.store)
        assert isinstance(told, str)
        assert "has format 99" in told

    def test_of_another_space_is_passed_over(self, optimized: History, tmp_path: Path) -> None:
        folder = current(optimized.path)
        assert folder is not None
        write_layout(folder, replace(read_layout(folder), encoder="another"))
        _passed_over(optimized, r"it was made for another@1 .*, the index holds made-up")

    def test_of_another_index_is_passed_over(self, optimized: History, tmp_path: Path) -> None:
        other = History(tmp_path / "other", RECIPE, np.random.default_rng(7))
        for _ in range(optimized.store.version):
            other.add(12)
        shutil.copytree(optimized.path / "search", other.path / "search")
        _passed_over(other, "it was made from another table")

    def test_of_another_format_is_passed_over(self, optimized: History) -> None:
        _rewrite(optimized.path, format=99)
        _passed_over(optimized, "has format 99")

    def test_that_is_damaged_is_passed_over(self, optimized: History) -> None:
        folder = current(optimized.path)
        assert folder is not None
        file = folder / "000" / "row_ids.bin"
        file.write_bytes(file.read_bytes()[:-8])
        _passed_over(optimized, "row_ids.bin")

    def test_of_a_table_that_was_compacted_since_is_passed_over(self, optimized: History) -> None:
        optimized.add(1)
        optimized.store.compact(keep=timedelta(0))
        _passed_over(optimized, "compacted")

    def test_that_most_tiles_are_newer_than_is_passed_over(
        self, optimized: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(state_module, "DELTA_BYTES", 64)
        optimized.add(2)
        _passed_over(optimized, "newer than it")

    def test_is_named_in_the_remarks_of_a_search_that_passes_over_it(self, optimized: History) -> None:
        _rewrite(optimized.path, format=99)
        hits = Searcher(optimized.store).search(SearchRequest.build(vector=[1.0] + [0.0] * 15, k=3))
        assert len(hits) == 3
        assert any("swath optimize" in remark for remark in hits.remarks)


def _rewrite(index: Path, **changes: object) -> None:
    folder = current(index)
    assert folder is not None
    layout = folder / "layout.json"
    layout.write_text(json.dumps(json.loads(layout.read_text()) | changes))


def _passed_over(history: History, reason: str) -> None:
    version = Fresh(history.store).newest()
    assert isinstance(version.rows, Snapshot)
    (remark,) = version.remarks
    assert re.search(reason, remark), remark
    assert "swath optimize" in remark
