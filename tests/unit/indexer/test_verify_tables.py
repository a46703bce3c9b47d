"""Each kind of damage is noticed, named, and told with what to do; what is whole is not complained about."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core import StoreError
from indexer import Finding, Store, verify_files, verify_tables
from indexer._schema import LEDGER_SCHEMA
from tests.unit.indexer.damages import TILES, data_file, flip, lance, stored, three_scenes
from tests.unit.indexer.doubles import rows, tile


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return three_scenes(tmp_path / "index")


def found(store: Store) -> dict[str, Finding]:
    """Findings by name; each is one line with advice."""
    findings = verify_tables(Store.open(store.path)).findings
    for finding in findings:
        assert finding.advice
        assert "\n" not in finding.message + finding.advice
    return {finding.name: finding for finding in findings}


def test_an_index_that_was_written_to_in_every_way_is_whole(store: Store) -> None:
    store.commit([rows([tile(scene_id="s1", col=col) for col in (0, 7)], schema=store.schema, fingerprint="f2")])
    store.remove(scene_id="s0")
    store.compact()
    store.commit([rows([tile(scene_id="p", placed=False, when=None)], schema=store.schema)])
    check = verify_tables(store)
    assert (check.tiles, check.scenes, check.summed, check.findings) == (TILES + 3, 3, TILES + 3, ())
    assert check.version == store.version


def test_an_empty_index_is_whole(store: Store) -> None:
    for name in ("s0", "s1", "s2"):
        store.remove(scene_id=name)
    check = verify_tables(store)
    assert (check.tiles, check.scenes, check.findings) == (0, 0, ())


def test_progress_ends_with_every_row(store: Store) -> None:
    told: list[tuple[int, int]] = []
    verify_tables(store, lambda done, total: told.append((done, total)))
    assert told[-1] == (3 * TILES, 3 * TILES)


def test_a_changed_number_is_noticed_and_the_scene_is_named(store: Store) -> None:
    lance(store).update(where="tile_id = 'c~s1~r0000c0002'", values={"cloud": 0.25})
    (finding,) = found(store).values()
    assert (finding.name, finding.damage) == ("tiles-changed", True)
    assert finding.message == "scene 's1' of 'c': its tiles are not as they were written"
    assert f"swath remove --index {store.path} --scene s1 --collection c" in finding.advice
    assert "/data/s1.tif" in finding.advice


def with_vector(store: Store, values: list[float]) -> None:
    """Put another vector into a row of s1."""
    tiles = stored(store)
    lance(store).delete("tile_id = 'c~s1~r0000c0002'")
    chosen = tiles.filter(pa.compute.equal(tiles["tile_id"], "c~s1~r0000c0002")).drop_columns("vector")
    vector = pa.array([values], store.schema.field("vector").type)
    lance(store).add(chosen.append_column(store.schema.field("vector"), vector))


def test_a_changed_vector_is_noticed(store: Store) -> None:
    with_vector(store, [0, 0, 0, 1])
    assert list(found(store)) == ["tiles-changed"]


def test_a_flipped_bit_in_a_vector_is_noticed(store: Store) -> None:
    one = np.array([1, 0, 0, 0], np.float16).tobytes()
    flip(data_file(store), one)
    assert list(found(store)) == ["tiles-changed"]
    assert verify_files(store) == ()  # a glance does not see it


def test_a_flipped_bit_in_a_picture_is_noticed(store: Store) -> None:
    flip(data_file(store, number=2), b"webp")
    (finding,) = found(store).values()
    assert finding.message.startswith("scene 's2' of 'c'")


def test_a_vector_that_is_no_unit_vector_is_noticed(store: Store) -> None:
    for value in (0.0, np.inf, 2.0):
        with_vector(store, [value, 0.0, 0.0, 0.0])
        assert set(found(store)) == {"vectors-unfit", "tiles-changed"}
        assert "the first is of c~s1~r0000c0002" in found(store)["vectors-unfit"].message


def test_a_lost_row_is_noticed(store: Store) -> None:
    lance(store).delete("tile_id = 'c~s1~r0000c0002'")
    (finding,) = found(store).values()
    assert finding.name == "tiles-missing"
    assert finding.message == "scene 's1' of 'c': 4 of its tiles are in the table, its ledger row says 5"
    assert [finding.name for finding in verify_files(store)] == ["tiles-missing"]


def test_a_doubled_row_is_noticed(store: Store) -> None:
    lance(store).add(stored(store).slice(0, 1))
    findings = found(store)
    assert set(findings) == {"tiles-doubled", "tiles-added"}
    assert "1 of its tiles are in the table more than once, the first is c~s0~" in findings["tiles-doubled"].message


def test_a_lost_scene_and_a_lost_ledger_row_are_noticed(store: Store) -> None:
    lance(store).delete("scene_id = 's1'")
    lance(store, "scenes").delete("scene_id = 's2'")
    findings = found(store)
    assert findings["tiles-missing"].message.startswith("scene 's1' of 'c': 0 of its tiles")
    assert findings["scene-unfinished"].message.startswith("scene 's2' of 'c': the ledger lacks it, 5 of its tiles")
    assert not findings["scene-unfinished"].damage


def test_a_doubled_ledger_row_is_noticed(store: Store) -> None:
    ledger = lance(store, "scenes").search(None).to_arrow()
    lance(store, "scenes").add(ledger.slice(0, 1))
    assert "is in the ledger 2 times" in found(store)["ledger-doubled"].message


def test_tiles_under_the_key_of_another_scene_are_noticed(store: Store) -> None:
    lance(store).update(where="tile_id = 'c~s1~r0000c0002'", values={"scene_id": "other"})
    assert set(found(store)) == {"scene-mixed-up", "tiles-changed"}


def test_a_missing_data_file_is_named_and_the_other_scenes_are_still_looked_at(store: Store) -> None:
    lance(store).delete("tile_id = 'c~s0~r0000c0002'")
    data_file(store, number=1).unlink()
    findings = found(store)
    assert set(findings) == {"file-damaged", "rows-unreadable", "tiles-missing"}
    said = [finding.message for finding in verify_tables(store).findings if finding.name == "tiles-missing"]
    assert said == [
        "scene 's0' of 'c': 4 of its tiles can be read, its ledger row says 5",
        "scene 's1' of 'c': 0 of its tiles can be read, its ledger row says 5",
    ]
    assert "No such file" in findings["file-damaged"].message
    assert [finding.name for finding in verify_files(store)] == ["file-damaged", "tiles-missing"]


def test_a_data_file_that_was_cut_off_is_named(store: Store) -> None:
    file = data_file(store, number=1)
    file.write_bytes(file.read_bytes()[:-100])
    findings = found(store)
    assert set(findings) == {"file-damaged", "rows-unreadable", "tiles-missing"}
    size = file.stat().st_size
    assert f"{file.name} has {size:,} bytes instead of {size + 100:,}" in findings["file-damaged"].message


def test_a_missing_ledger_is_an_error_of_one_line(store: Store) -> None:
    shutil.rmtree(store.folder / "scenes.lance")
    with pytest.raises(StoreError) as caught:
        verify_tables(store)
    assert "\n" not in str(caught.value)


def test_an_index_of_earlier_days_says_that_it_has_no_check_sums(store: Store) -> None:
    lance(store, "scenes").drop_columns(["digest"])
    check = verify_tables(Store.open(store.path))
    (finding,) = check.findings
    assert (finding.name, finding.damage, check.summed) == ("scenes-not-summed", False, 0)
    assert finding.message.startswith("3 scenes with 15 tiles have no check sum")
    lance(store).delete("tile_id = 'c~s1~r0000c0002'")
    assert set(found(store)) == {"scenes-not-summed", "tiles-missing"}


def test_a_commit_to_an_index_of_earlier_days_gives_its_scenes_check_sums(store: Store) -> None:
    lance(store, "scenes").drop_columns(["digest"])
    earlier = Store.open(store.path)
    assert {row.digest for row in earlier.ledger().values()} == {None}
    earlier.commit([rows([tile(scene_id="new")], schema=store.schema)])
    check = verify_tables(earlier)
    assert (check.summed, [finding.name for finding in check.findings]) == (1, ["scenes-not-summed"])


def test_a_check_sum_of_a_later_swath_is_not_taken_for_damage(store: Store) -> None:
    lance(store, "scenes").update(where="scene_id = 's1'", values={"digest": "2:ff"})
    assert list(found(store)) == ["scenes-not-summed"]


def test_a_kill_between_tiles_and_ledger_leaves_no_damage(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(Store, "write_ledger", die)
    for name in ("s1", "new"):  # one that is replaced, one that is added
        with pytest.raises(Killed):
            store.commit([rows([tile(scene_id=name, col=9)], schema=store.schema, fingerprint="f2")])
    monkeypatch.undo()
    findings = verify_tables(store).findings
    assert [(finding.name, finding.damage) for finding in findings] == [("scene-unfinished", False)] * 2
    for name in ("s1", "new"):
        store.commit([rows([tile(scene_id=name, col=9)], schema=store.schema, fingerprint="f2")])
    assert verify_tables(store).findings == ()


def test_a_replacement_that_is_refused_leaves_ledger_and_tiles_as_they_were(store: Store) -> None:
    before = store.ledger()
    short = rows([tile(scene_id="s1")], schema=store.schema, count=2)
    with pytest.raises(ValueError, match="came with 1 tiles"):
        store.commit([short])
    assert store.ledger() == before
    assert verify_tables(store).findings == ()


def test_a_ledger_row_that_is_given_a_check_sum_gets_the_right_one(store: Store) -> None:
    given = rows([tile(scene_id="new")], schema=store.schema)
    store.commit([replace(given, ledger=replace(given.ledger, digest="1:00"))])
    assert verify_tables(store).findings == ()
    assert "digest" in LEDGER_SCHEMA.names
