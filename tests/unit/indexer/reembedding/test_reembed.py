"""Vectors of another encoder for an index: the same rows, other vectors, and nothing lost on the way."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from core import EncodesTiles, InputError, Settings
from core.testing import MeanColourEncoder
from indexer import IngestOptions, IngestReport, TilingOptions, ingest, verify_tables
from indexer._generation import home_of, read_generations
from indexer._records import RECORD_COLUMNS
from indexer.reembedding import cancel, drop_old, reembed, reembed_status, roll_back, switch
from indexer.sources import SourceOptions, open_source
from indexer.store import BusyError, Store
from tests.two_encoders import Scatter, write_scenes

A, B = Scatter("scatter-a"), Scatter("scatter-b")
SIDE = 64


def index(folder: Path, into: Path, encoder: EncodesTiles = A, side: int = 16) -> IngestReport:
    source = open_source(str(folder), SourceOptions(collection="c", sensor="rgb", settings=Settings()))
    return ingest(
        [source], into=into, encoder=encoder, tiling=TilingOptions(tile_size=side), options=IngestOptions(workers=1)
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_scenes(tmp_path / "scenes", 3, side=SIDE)
    index(tmp_path / "scenes", tmp_path / "index")
    return tmp_path / "index"


def rows(store: Store) -> pa.Table:
    names = ["scene_key", *RECORD_COLUMNS]
    return pa.Table.from_batches([batch.select(names) for batch in store.snapshot().scan(names)]).sort_by("tile_id")


def vectors(store: Store) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for batch in store.snapshot().scan(["tile_id", "vector"]):
        found |= dict(zip(batch["tile_id"].to_pylist(), batch["vector"].to_pylist(), strict=True))
    return found


def test_the_rows_are_the_same_but_for_vectors_which_are_those_of_a_fresh_index(archive: Path) -> None:
    before = Store.open(archive)
    report = reembed(archive, encoder=B)
    assert report.complete
    assert report.scenes == 3
    assert report.tiles == 48
    assert not report.missing
    index(archive.parent / "scenes", archive.parent / "fresh", B)
    made = Store.at(report.folder)
    assert rows(made).equals(rows(before))
    assert vectors(made) == vectors(Store.open(archive.parent / "fresh"))
    assert made.space == B.space
    assert not verify_tables(made).findings


def test_nothing_that_answers_changes_before_the_switch(archive: Path) -> None:
    before = vectors(Store.open(archive))
    reembed(archive, encoder=B)
    assert Store.open(archive).space == A.space
    assert vectors(Store.open(archive)) == before


def test_a_switch_and_a_return_change_what_is_opened_and_nothing_that_is_open(archive: Path) -> None:
    reembed(archive, encoder=B)
    held = Store.open(archive)
    report = switch(archive)
    assert (report.generation, report.previous) == (1, 0)
    assert Store.open(archive).space == B.space
    assert held.space == A.space
    assert held.snapshot().count() == 48
    assert roll_back(archive).generation == 0
    assert Store.open(archive).space == A.space
    assert roll_back(archive).generation == 1
    assert Store.open(archive).space == B.space


def test_a_writer_that_was_opened_before_a_switch_is_refused(archive: Path) -> None:
    reembed(archive, encoder=B)
    writer = Store.open(archive)
    switch(archive)
    with pytest.raises(BusyError, match="switched to other vectors"), writer.writing():
        pass


def test_a_switch_waits_for_no_writer(archive: Path) -> None:
    reembed(archive, encoder=B)
    with Store.open(archive).writing(), pytest.raises(BusyError, match="another swath index is writing"):
        switch(archive)
    assert Store.open(archive).space == A.space


def test_scenes_that_came_changed_and_went_meanwhile_are_brought_along(archive: Path) -> None:
    reembed(archive, encoder=B)
    scenes = archive.parent / "scenes"
    write_scenes(scenes, 1, side=SIDE, first=7)
    write_scenes(scenes, 1, side=2 * SIDE, first=1)
    index(scenes, archive)
    Store.open(archive).remove(scene_id="synthetic002")
    status = reembed_status(archive)
    assert status.next is not None
    assert (status.next.scenes_missing, status.next.scenes_gone, status.next.complete) == (2, 1, False)
    with pytest.raises(InputError, match="2 scenes with 80 tiles have no vectors"):
        switch(archive)
    report = reembed(archive, encoder=B)
    assert (report.scenes, report.tiles, report.removed, report.complete) == (2, 80, 1, True)
    switch(archive)
    index(scenes, archive.parent / "fresh", B)
    Store.open(archive.parent / "fresh").remove(scene_id="synthetic002")
    assert vectors(Store.open(archive)) == vectors(Store.open(archive.parent / "fresh"))


def test_tiles_that_a_killed_removal_left_do_not_answer_after_the_switch(archive: Path) -> None:
    report = reembed(archive, encoder=B)
    Store.open(archive).remove(scene_id="synthetic002")
    target = Store.at(report.folder)
    gone = target.ledger().keys() - Store.open(archive).ledger().keys()
    with target.writing():
        target.erase_ledger(gone)  # and then the process was killed
    with pytest.raises(InputError, match="not those of the index as it is now"):
        switch(archive)
    assert reembed(archive, encoder=B).removed == 1
    switch(archive)
    assert vectors(Store.open(archive)).keys() == vectors(Store.at(archive)).keys()


def test_scenes_added_while_it_runs_are_picked_up_before_it_ends(archive: Path) -> None:
    scenes = archive.parent / "scenes"
    added: list[Path] = []

    def add_one() -> None:
        if not added:
            added.extend(write_scenes(scenes, 1, side=SIDE, first=9))
            index(scenes, archive)

    report = reembed(archive, encoder=B, committed=add_one)
    assert report.complete
    assert report.scenes == 4


def test_running_it_again_embeds_nothing_again(archive: Path) -> None:
    reembed(archive, encoder=B)
    assert reembed(archive, encoder=B).scenes == 0


def test_indexing_the_same_sources_after_a_switch_skips_them(archive: Path) -> None:
    reembed(archive, encoder=B)
    switch(archive)
    report = index(archive.parent / "scenes", archive, B)
    assert (report.scenes_indexed, report.scenes_skipped) == (0, 3)
    reembed(archive, encoder=A)
    roll_back(archive)
    assert index(archive.parent / "scenes", archive).scenes_skipped == 3


def test_what_came_after_the_switch_must_be_brought_back_before_a_return(archive: Path) -> None:
    reembed(archive, encoder=B)
    switch(archive)
    write_scenes(archive.parent / "scenes", 1, side=SIDE, first=5)
    index(archive.parent / "scenes", archive, B)
    with pytest.raises(InputError, match=r"1 scenes with 16 tiles .*synthetic005"):
        roll_back(archive)
    assert reembed(archive, encoder=A).scenes == 1
    roll_back(archive)
    assert Store.open(archive).snapshot().count() == 64
    index(archive.parent / "scenes", archive.parent / "fresh")
    assert vectors(Store.open(archive)) == vectors(Store.open(archive.parent / "fresh"))


def test_a_source_that_is_gone_is_named_and_keeps_the_switch_from_happening(archive: Path) -> None:
    (archive.parent / "scenes" / "synthetic001.tif").unlink()
    report = reembed(archive, encoder=B)
    assert [scene.scene_id for scene in report.missing] == ["synthetic001"]
    assert not report.complete
    assert "does not exist" in report.missing[0].reason
    with pytest.raises(InputError, match=r"synthetic001 of c .*does not exist.*--without-missing"):
        switch(archive)
    done = switch(archive, without_missing=True)
    assert [scene.scene_id for scene in done.missing] == ["synthetic001"]
    status = reembed_status(archive)
    assert status.previous is not None
    assert status.previous.scenes == 3
    assert status.current.scenes == 2


def test_pixels_that_changed_since_are_no_vectors_of_the_tiles_that_were_indexed(archive: Path) -> None:
    changed = write_scenes(archive.parent / "other", 1, side=SIDE, first=8)[0]
    changed.rename(archive.parent / "scenes" / "synthetic001.tif")
    report = reembed(archive, encoder=B)
    assert len(report.missing) == 1
    assert "not those that were indexed" in report.missing[0].reason


def test_a_scene_of_another_size_is_reported(archive: Path) -> None:
    write_scenes(archive.parent / "scenes", 1, side=SIDE // 2, first=2)
    report = reembed(archive, encoder=B)
    assert len(report.missing) == 1
    assert report.missing[0].scene_id == "synthetic002"


def test_the_same_encoder_and_a_third_one_are_refused(archive: Path) -> None:
    with pytest.raises(InputError, match="already"):
        reembed(archive, encoder=A)
    reembed(archive, encoder=B)
    with pytest.raises(InputError, match="--cancel"):
        reembed(archive, encoder=MeanColourEncoder())


def test_giving_up_leaves_the_index_as_it_was(archive: Path) -> None:
    report = reembed(archive, encoder=B)
    assert cancel(archive).bytes > 0
    assert not report.folder.exists()
    assert Store.open(archive).snapshot().count() == 48
    with pytest.raises(InputError, match="nothing to give up"):
        cancel(archive)
    assert reembed(archive, encoder=B).complete


def test_old_vectors_stay_for_the_readers_and_go_when_told_so(archive: Path) -> None:
    reembed(archive, encoder=B)
    switch(archive)
    with pytest.raises(InputError, match="--keep-days 0"):
        drop_old(archive)
    report = drop_old(archive, keep=timedelta(0))
    assert report.generations == (0,)
    assert report.bytes > 0
    assert not (archive / "tiles.lance").exists()
    assert Store.open(archive).snapshot().count() == 48
    assert read_generations(archive).previous is None
    with pytest.raises(InputError, match="no earlier vectors"):
        roll_back(archive)
    third = reembed(archive, encoder=A)
    switch(archive)
    assert third.generation == 2
    assert home_of(archive) == archive / "generations" / "2"
    assert index(archive.parent / "scenes", archive).scenes_skipped == 3


def test_float32_stays_float32(tmp_path: Path) -> None:
    write_scenes(tmp_path / "scenes", 1, side=SIDE)
    source = open_source(str(tmp_path / "scenes"), SourceOptions(collection="c", sensor="rgb", settings=Settings()))
    options = IngestOptions(workers=1, dtype="float32")
    ingest([source], into=tmp_path / "i", encoder=A, tiling=TilingOptions(tile_size=16), options=options)
    made = Store.at(reembed(tmp_path / "i", encoder=B).folder)
    assert made.dtype == "float32"
    norms = np.linalg.norm(np.array(list(vectors(made).values())), axis=1)
    assert np.abs(norms - 1).max() < 1e-6
