"""The commit of fragments: each scene once, and the ledger true, wherever the driver dies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core import InputError, StoreError
from indexer import SceneRows, Store, scene_key, vector_matrix
from indexer.distributed import Committer, FragmentWriter, Group, clean_orphans, recover
from tests.unit.indexer.doubles import AXES, SPACE, rows, tile


class Killed(BaseException):
    pass


def die(*_: object) -> None:
    raise Killed


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create_or_open(tmp_path / "index", space=SPACE)


def written(store: Store, *scenes: SceneRows) -> Group:
    groups: list[Group] = []
    FragmentWriter(store, groups.append).write(scenes)
    return groups[0]


def made(store: Store, name: str, tiles: int, *, fingerprint: str = "f1", axis: int = 0) -> SceneRows:
    vectors = AXES[np.full(tiles, axis)]
    return rows(
        [tile(scene_id=name, col=col) for col in range(tiles)],
        schema=store.schema, vectors=vectors, fingerprint=fingerprint,
    )  # fmt: skip


def seen(store: Store) -> dict[str, int]:
    """Tile id to the axis of its vector; a tile that is there twice is an error."""
    found: dict[str, int] = {}
    for batch in store.snapshot().scan(["tile_id", "vector"]):
        axes = vector_matrix(batch["vector"]).argmax(axis=1).tolist()
        for name, axis in zip(batch["tile_id"].to_pylist(), axes, strict=True):
            assert name not in found
            found[name] = axis
    return found


def ids(name: str, tiles: int, axis: int = 0) -> dict[str, int]:
    return {f"c~{name}~r0000c{col:04d}": axis for col in range(tiles)}


def ledger(store: Store) -> dict[str, str]:
    return {row.scene_id: row.fingerprint for row in store.ledger().values()}


def data_files(store: Store) -> set[str]:
    return {path.name for path in (store.folder / "tiles.lance" / "data").iterdir()}


def commit(store: Store, groups: Sequence[Group]) -> list[str]:
    return [scene.ledger.scene_id for scene in Committer(store).commit(groups)]


def test_written_fragments_are_invisible_until_they_are_committed(store: Store) -> None:
    group = written(store, made(store, "s1", 3), made(store, "s2", 2))
    assert (seen(store), ledger(store)) == ({}, {})
    assert commit(store, [group]) == ["s1", "s2"]
    assert seen(store) == {**ids("s1", 3), **ids("s2", 2)}
    assert ledger(store) == {"s1": "f1", "s2": "f1"}


def test_the_rows_are_those_of_an_ordinary_commit(store: Store, tmp_path: Path) -> None:
    other = Store.create_or_open(tmp_path / "other", space=SPACE)
    commit(store, [written(store, made(store, "s1", 3))])
    other.commit([made(other, "s1", 3)])
    assert list(store.snapshot().scan(store.schema.names)) == list(other.snapshot().scan(other.schema.names))
    assert store.ledger() == other.ledger()


@pytest.mark.parametrize("again", ["same driver", "next driver"])
def test_the_same_group_twice_changes_nothing(store: Store, again: str) -> None:
    group, committer = written(store, made(store, "s1", 3)), Committer(store)
    committer.commit([group])
    version = store.version
    second = committer if again == "same driver" else Committer(store)
    assert second.commit([group]) == []
    assert (store.version, seen(store), ledger(store)) == (version, ids("s1", 3), {"s1": "f1"})


def test_a_group_that_is_there_twice_in_one_delivery_is_committed_once(store: Store) -> None:
    group = written(store, made(store, "s1", 3))
    assert commit(store, [group, group]) == ["s1"]
    assert seen(store) == ids("s1", 3)


def test_two_workers_that_did_the_same_scene_leave_it_once(store: Store) -> None:
    first = written(store, made(store, "s1", 3), made(store, "s2", 1))
    second = written(store, made(store, "s2", 1), made(store, "s3", 2))
    assert commit(store, [first, second]) == ["s1", "s2", "s3"]
    assert seen(store) == {**ids("s1", 3), **ids("s2", 1), **ids("s3", 2)}


def test_a_changed_scene_is_replaced_in_one_version_and_its_neighbours_stay(store: Store) -> None:
    commit(store, [written(store, made(store, "s1", 3), made(store, "s2", 2)), written(store, made(store, "s3", 1))])
    before = store.version
    assert commit(store, [written(store, made(store, "s2", 5, fingerprint="f2", axis=1))]) == ["s2"]
    assert store.version == before + 1
    assert seen(store) == {**ids("s1", 3), **ids("s2", 5, axis=1), **ids("s3", 1)}
    assert ledger(store) == {"s1": "f1", "s2": "f2", "s3": "f1"}
    assert store.snapshot(before).count() == 6


def test_a_scene_of_which_tiles_but_no_ledger_row_are_there_is_replaced(store: Store) -> None:
    store.commit([made(store, "s1", 4, axis=2)])
    store.erase_ledger([scene_key("c", "s1")])
    assert commit(store, [written(store, made(store, "s1", 3))]) == ["s1"]
    assert seen(store) == ids("s1", 3)


def test_a_driver_that_dies_before_the_tiles_leaves_orphans_and_nothing_else(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, [written(store, made(store, "s0", 1))])
    kept = data_files(store)
    group = written(store, made(store, "s1", 3))
    monkeypatch.setattr("indexer.distributed._commit.commit_tiles", die)
    with pytest.raises(Killed):
        commit(store, [group])
    monkeypatch.undo()
    assert (seen(store), ledger(store)) == (ids("s0", 1), {"s0": "f1"})
    assert recover(store) == 0
    assert len(data_files(store)) == len(kept) + 1
    assert clean_orphans(store) > 0
    assert data_files(store) == kept
    assert commit(store, [written(store, made(store, "s1", 3))]) == ["s1"]
    assert seen(store) == {**ids("s0", 1), **ids("s1", 3)}


def test_a_driver_that_dies_between_tiles_and_ledger_is_recovered_without_encoding_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = written(store, made(store, "s1", 3), made(store, "s2", 1))
    monkeypatch.setattr(Store, "write_ledger", die)
    with pytest.raises(Killed):
        commit(store, [group])
    monkeypatch.undo()
    assert (seen(store), ledger(store)) == ({**ids("s1", 3), **ids("s2", 1)}, {})
    assert recover(store) == 2
    assert ledger(store) == {"s1": "f1", "s2": "f1"}
    assert store.ledger()[scene_key("c", "s1")].tiles == 3
    assert (recover(store), commit(store, [group])) == (0, [])
    assert seen(store) == {**ids("s1", 3), **ids("s2", 1)}


def test_a_driver_that_dies_between_tiles_and_ledger_is_healed_by_an_ordinary_ingest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "write_ledger", die)
    with pytest.raises(Killed):
        commit(store, [written(store, made(store, "s1", 3))])
    monkeypatch.undo()
    store.commit([made(store, "s1", 3)])
    assert (seen(store), ledger(store)) == (ids("s1", 3), {"s1": "f1"})


@pytest.mark.parametrize("step", ["tiles", "ledger"])
def test_a_replacement_cut_off_never_leaves_a_ledger_row_of_other_tiles(
    store: Store, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    commit(store, [written(store, made(store, "s1", 3))])
    group = written(store, made(store, "s1", 3, fingerprint="f2", axis=1))
    if step == "tiles":
        monkeypatch.setattr("indexer.distributed._commit.commit_tiles", die)
    else:
        monkeypatch.setattr(Store, "write_ledger", die)
    with pytest.raises(Killed):
        commit(store, [group])
    monkeypatch.undo()
    assert ledger(store) == {}
    assert seen(store) == ids("s1", 3, axis=0 if step == "tiles" else 1)
    assert recover(store) == 1  # the newest transaction tells whose tiles these are
    assert ledger(store) == {"s1": "f1" if step == "tiles" else "f2"}
    commit(store, [written(store, made(store, "s1", 3, fingerprint="f2", axis=1))])
    assert (seen(store), ledger(store)) == (ids("s1", 3, axis=1), {"s1": "f2"})


def test_recovery_does_not_bring_back_what_was_removed(store: Store) -> None:
    commit(store, [written(store, made(store, "s1", 3))])
    store.remove(scene_id="s1")
    assert (recover(store), seen(store), ledger(store)) == (0, {}, {})


def test_recovery_does_not_believe_a_transaction_after_which_the_table_changed(store: Store) -> None:
    commit(store, [written(store, made(store, "s1", 3))])
    store.commit([made(store, "s2", 1)])
    store.erase_ledger([scene_key("c", "s1")])
    assert (recover(store), ledger(store)) == (0, {"s2": "f1"})


def test_recovery_of_a_new_or_an_ordinary_index_does_nothing(store: Store) -> None:
    assert recover(store) == 0
    store.commit([made(store, "s1", 1)])
    assert (recover(store), clean_orphans(store)) == (0, 0)


def test_cleaning_keeps_what_older_versions_hold(store: Store) -> None:
    commit(store, [written(store, made(store, "s1", 3))])
    old = store.snapshot()
    commit(store, [written(store, made(store, "s1", 2, fingerprint="f2"))])
    written(store, made(store, "s9", 1))
    assert clean_orphans(store) > 0
    assert old.count() == 3
    assert store.snapshot(old.version).count() == 3
    assert seen(store) == ids("s1", 2)


def test_rows_that_do_not_fit_are_refused_before_anything_is_handed_over(store: Store) -> None:
    groups: list[Group] = []
    wrong = rows([tile(scene_id="s1")], schema=store.schema, count=2)
    with pytest.raises(InputError, match="came with 1 tiles, its ledger row says 2"):
        FragmentWriter(store, groups.append).write([wrong])
    assert groups == []
    assert data_files(store) == set() or clean_orphans(store) >= 0


def test_compaction_after_a_distributed_commit_keeps_every_row(store: Store) -> None:
    for number in range(3):
        commit(store, [written(store, made(store, f"s{number}", 2))])
    commit(store, [written(store, made(store, "s1", 1, fingerprint="f2", axis=3))])
    store.compact()
    assert seen(store) == {**ids("s0", 2), **ids("s1", 1, axis=3), **ids("s2", 2)}


def test_an_index_that_cannot_be_written_is_one_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    group = written(store, made(store, "s1", 1))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("indexer.distributed._commit.commit_tiles", full)
    with pytest.raises(StoreError, match=r"cannot write to the index .*: No space left on device"):
        commit(store, [group])


def test_fragments_are_written_and_committed_in_a_bucket_by_who_holds_its_lock(bucket: str) -> None:
    store = Store.create_or_open(f"{bucket}/index", space=SPACE)
    group = written(store, made(store, "s1", 3), made(store, "s2", 2))
    with pytest.raises(StoreError, match="no longer the writer"):
        commit(store, [group])
    with store.writing():
        assert commit(store, [group]) == ["s1", "s2"]
        again = written(store, made(store, "s1", 2, fingerprint="f2", axis=1))
        assert commit(store, [again]) == ["s1"]
        written(store, made(store, "lost", 4))
        assert clean_orphans(store) > 0
        assert recover(store) == 0
    assert seen(store) == {**ids("s1", 2, 1), **ids("s2", 2)}
    assert ledger(store) == {"s1": "f2", "s2": "f1"}
