import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import (
    BadScene,
    EncodesTiles,
    InputError,
    Scene,
    SceneError,
    SensorError,
    SourceError,
    SpaceMismatchError,
    StoreError,
)
from core.testing import MeanColourEncoder
from indexer import IngestOptions, IngestReport, Progress, Store, TilingOptions, ingest, scene_key, vector_matrix
from indexer._plan import UNIT_SIDE
from indexer._staging import Staging
from indexer.store import CURRENT, SEARCH
from tests.unit.indexer.doubles import scene
from tests.unit.indexer.made_up_world import Content, Source, World

SMALL = IngestOptions(workers=2, batch_size=4, commit_tiles=8, commit_seconds=60)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("indexer._readers.open_scene", made.open)
    monkeypatch.setattr("indexer._readers.make_preview", lambda _: b"webp")
    return made


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "index"


def run(
    into: Path, *found: Scene | BadScene | Exception, encoder: EncodesTiles | None = None,
    options: IngestOptions = SMALL, tiling: TilingOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:  # fmt: skip
    return ingest(
        [Source(*found)], into=into, encoder=encoder or MeanColourEncoder(), tiling=tiling, options=options,
        progress=progress,
    )  # fmt: skip


def contents(into: Path) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for batch in Store.open(into).snapshot().scan(["tile_id", "vector"]):
        for name, vector in zip(batch["tile_id"].to_pylist(), vector_matrix(batch["vector"]).tolist(), strict=True):
            assert name not in found, f"{name} is there twice"
            found[name] = vector
    return found


def grid_ids(name: str, rows: int, cols: int) -> set[str]:
    return {f"c~{name}~r{row:04d}c{col:04d}" for row in range(rows) for col in range(cols)}


def test_every_tile_arrives_with_the_vector_of_its_own_pixels(world: World, into: Path) -> None:
    world.content["s1"] = Content(rows=3, cols=5)
    report = run(into, scene("s1"), scene("s2"))
    found = contents(into)
    assert found.keys() == grid_ids("s1", 3, 5) | grid_ids("s2", 1, 1)
    for name, vector in found.items():
        row, col = int(name[-8:-5]), int(name[-4:])
        colour = np.array([row / 255, col / 255, 100 / 255, 0.1])
        np.testing.assert_allclose(vector, colour / np.linalg.norm(colour), atol=1e-3)
    assert (report.scenes_indexed, report.tiles_written, report.tiles_encoded, report.failures) == (2, 16, 16, ())


def test_a_second_run_opens_reads_and_embeds_nothing(world: World, into: Path) -> None:
    run(into, scene("s1"), scene("s2"))
    world.read.clear()
    version = Store.open(into).version
    report = run(into, scene("s1"), scene("s2"))
    assert (report.scenes_indexed, report.scenes_skipped, report.tiles_encoded) == (0, 2, 0)
    assert world.read == []
    assert Store.open(into).version == version


def test_a_changed_scene_is_embedded_again_and_its_stale_tiles_go(world: World, into: Path) -> None:
    world.content["s1"] = Content(rows=2, cols=2)
    run(into, scene("s1"), scene("s2"))
    world.content["s1"] = Content(rows=1, cols=3)
    report = run(into, scene("s1", fingerprint="f2"), scene("s2"))
    assert (report.scenes_indexed, report.scenes_skipped) == (1, 1)
    assert contents(into).keys() == grid_ids("s1", 1, 3) | grid_ids("s2", 1, 1)


@pytest.mark.parametrize(
    ("change", "tiling"),
    [
        ({"datetime": None}, None),
        ({"cloud": 0.5}, None),
        ({"captions": ("new",)}, None),
        ({}, TilingOptions(tile_size=128)),
        ({}, TilingOptions(overlap=0.5)),
    ],
    ids=["date", "cloud", "captions", "tile size", "overlap"],
)
def test_whatever_changes_a_row_makes_the_scene_be_embedded_again(
    world: World, into: Path, change: dict[str, Any], tiling: TilingOptions | None
) -> None:
    run(into, scene("s1"))
    assert run(into, replace(scene("s1"), **change), tiling=tiling).scenes_indexed == 1
    assert world.read == ["c~s1~r0000c0000"] * 2


def test_another_encoder_is_refused_before_any_pixel_is_read(world: World, into: Path) -> None:
    run(into, scene("s1"))
    world.read.clear()
    with pytest.raises(SpaceMismatchError):
        run(into, scene("s2"), encoder=MeanColourEncoder(revision="2"))
    assert world.read == []


def test_bad_scenes_are_reported_with_reasons_and_the_rest_goes_on(world: World, into: Path) -> None:
    world.content = {
        "unopenable": Content(unopenable=SceneError("is truncated")),
        "torn": Content(rows=4, cols=4, broken={(3, 3): SceneError("block 7 cannot be read")}),
        "empty": Content(rows=2, cols=2, dropped=frozenset({(0, 0), (0, 1), (1, 0), (1, 1)})),
        "odd": Content(broken={(0, 0): SensorError("needs red")}),
        "bug": Content(broken={(0, 0): ZeroDivisionError("division\nby zero")}),
    }
    bad = BadScene("/data/notes.txt", SceneError("is not an image"))
    report = run(into, bad, *(scene(name) for name in world.content), scene("good"))
    assert {failure.href: failure.reason for failure in report.failures} == {
        "/data/notes.txt": "is not an image",
        "/data/unopenable.tif": "is truncated",
        "/data/torn.tif": "block 7 cannot be read",
        "/data/empty.tif": "no tile has enough valid pixels (4 tiles dropped)",
        "/data/odd.tif": "needs red",
        "/data/bug.tif": "ZeroDivisionError: division by zero",
    }
    assert contents(into).keys() == grid_ids("good", 1, 1)
    assert report.scenes_indexed == 1


def test_a_scene_that_fails_in_several_threads_is_reported_once(world: World, into: Path) -> None:
    side = 2 * UNIT_SIDE
    corners = [(row, col) for row in (0, UNIT_SIDE) for col in (0, UNIT_SIDE)]
    world.content["s1"] = Content(rows=side, cols=side, broken={at: SceneError("torn") for at in corners})
    report = run(into, scene("s1"), options=replace(SMALL, workers=4))
    assert [failure.reason for failure in report.failures] == ["torn"]
    assert not (into / "staging").exists()


def test_what_the_index_held_of_a_scene_that_now_fails_stays(world: World, into: Path) -> None:
    world.content["s1"] = Content(rows=2, cols=2)
    run(into, scene("s1"))
    before = contents(into)
    world.content["s1"] = Content(rows=2, cols=2, broken={(1, 1): SceneError("torn")})
    assert len(run(into, scene("s1", fingerprint="f2")).failures) == 1
    assert contents(into) == before


def test_a_scene_that_vanished_from_its_source_stays(world: World, into: Path) -> None:
    run(into, scene("s1"), scene("s2"))
    run(into, scene("s2"))
    assert contents(into).keys() == grid_ids("s1", 1, 1) | grid_ids("s2", 1, 1)


def test_dropped_and_undated_are_counted(world: World, into: Path) -> None:
    world.content["s1"] = Content(rows=2, cols=2, dropped=frozenset({(0, 1)}))
    report = run(into, scene("s1"), replace(scene("s2"), datetime=None))
    assert (report.tiles_written, report.tiles_dropped, report.undated) == (4, 1, 1)
    assert Store.open(into).ledger()[scene_key("c", "s1")].dropped == 1


def test_the_same_scene_twice_is_indexed_once(world: World, into: Path) -> None:
    report = run(into, scene("s1"), scene("s1"))
    assert (report.scenes_indexed, report.scenes_skipped, report.failures) == (1, 1, ())


def test_two_files_of_one_scene_id_are_reported_in_one_run_and_across_runs(world: World, into: Path) -> None:
    other = scene("s1", href="/elsewhere/s1.tif")
    reports = [run(into, scene("s1"), other), run(into, other)]
    for report in reports:
        (failure,) = report.failures
        assert failure.href == "/elsewhere/s1.tif"
        assert failure.reason.startswith("scene 's1' of collection 'c' is already indexed from /data/s1.tif; ")
    assert Store.open(into).ledger()[scene_key("c", "s1")].href == "/data/s1.tif"


def test_a_source_that_breaks_stops_the_run_after_finished_scenes_were_committed(world: World, into: Path) -> None:
    class Patient(Source):
        def scenes(self) -> Iterator[Scene | BadScene]:
            yield scene("s1")
            deadline = time.monotonic() + 10
            while not world.read and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.5)  # s1 is encoded after 0.2 s without news
            raise SourceError("the catalog went away")

    with pytest.raises(SourceError, match="the catalog went away"):
        ingest([Patient()], into=into, encoder=MeanColourEncoder(), options=SMALL)
    assert contents(into).keys() == grid_ids("s1", 1, 1)


def test_an_interrupt_commits_whole_scenes_and_the_next_run_does_the_rest(world: World, into: Path) -> None:
    world.content["s2"] = Content(rows=4, cols=4, seconds=0.01)
    seen = []

    def interrupt(progress: Progress) -> None:
        seen.append(progress)
        if progress.tiles_done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(into, scene("s1"), scene("s2"), options=replace(SMALL, workers=1), progress=interrupt)
    assert contents(into).keys() == grid_ids("s1", 1, 1)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("swath-")]
    report = run(into, scene("s1"), scene("s2"))
    assert (report.scenes_indexed, report.scenes_skipped) == (1, 1)
    assert len(contents(into)) == 17


def test_a_large_scene_resumes_behind_the_pieces_that_were_done(world: World, into: Path) -> None:
    side = 2 * UNIT_SIDE
    world.content["s1"] = Content(rows=side, cols=side)

    def interrupt(progress: Progress) -> None:
        if progress.tiles_done >= side * side // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(into, scene("s1"), progress=interrupt, options=replace(SMALL, batch_size=32))
    assert contents(into) == {}
    staged = len(list((into / "staging").rglob("*.arrow")))
    assert staged >= 1
    report = run(into, scene("s1"))
    assert report.tiles_encoded == side * side - staged * UNIT_SIDE**2
    assert report.tiles_written == side * side
    assert contents(into).keys() == grid_ids("s1", side, side)
    assert not (into / "staging").exists()


def test_pieces_of_an_older_version_of_a_scene_are_not_used(world: World, into: Path) -> None:
    side = 2 * UNIT_SIDE
    world.content["s1"] = Content(rows=side, cols=side)

    def interrupt(progress: Progress) -> None:
        if progress.tiles_done >= side * side // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(into, scene("s1"), progress=interrupt)
    report = run(into, scene("s1", fingerprint="f2"))
    assert report.tiles_encoded == side * side


def test_a_piece_damaged_by_a_power_cut_is_made_again(
    world: World, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side = 2 * UNIT_SIDE
    world.content["s1"] = Content(rows=side, cols=side)

    class Cut(BaseException):
        pass

    def cut_off(*_: object) -> None:
        raise Cut

    monkeypatch.setattr(Store, "commit", cut_off)
    with pytest.raises(Cut):
        run(into, scene("s1"))
    monkeypatch.undo()
    monkeypatch.setattr("indexer._readers.open_scene", world.open)
    monkeypatch.setattr("indexer._readers.make_preview", lambda _: b"webp")
    pieces = sorted((into / "staging").rglob("*.arrow"))
    assert len(pieces) == 4
    pieces[0].write_bytes(b"")
    pieces[1].write_bytes(pieces[1].read_bytes()[:-100])
    report = run(into, scene("s1"))
    assert report.tiles_encoded == 2 * UNIT_SIDE**2
    assert contents(into).keys() == grid_ids("s1", side, side)


def test_a_reader_never_sees_part_of_a_scene(world: World, into: Path) -> None:
    for number in range(6):
        world.content[f"s{number}"] = Content(rows=3, cols=UNIT_SIDE + 4, seconds=0.001)
    whole = 3 * (UNIT_SIDE + 4)
    seen: set[int] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            if Store.exists(into):
                for batch in Store.open(into).snapshot().scan(["scene_id"], batch_size=10_000):
                    names = batch["scene_id"].to_pylist()
                    seen.update(names.count(name) for name in set(names))

    watcher = threading.Thread(target=watch)
    watcher.start()
    run(into, *(scene(f"s{number}") for number in range(6)))
    done.set()
    watcher.join()
    assert seen <= {whole}
    assert len(contents(into)) == 6 * whole


def test_small_scenes_are_committed_in_groups(world: World, into: Path) -> None:
    run(into, *(scene(f"s{number}") for number in range(32)), options=replace(SMALL, commit_tiles=16))
    assert Store.open(into).version == 1 + 2


def test_a_table_in_many_pieces_is_compacted_at_the_end(world: World, into: Path) -> None:
    run(into, *(scene(f"s{number}") for number in range(25)), options=replace(SMALL, commit_tiles=1, batch_size=1))
    assert Store.open(into).fragments == 1
    assert len(contents(into)) == 25


def test_a_table_with_a_search_snapshot_is_left_to_whoever_brings_that_along(world: World, into: Path) -> None:
    run(into, scene("s"))
    (into / SEARCH).mkdir()
    (into / SEARCH / CURRENT).write_text("0000000001-0\n")
    run(into, *(scene(f"s{number}") for number in range(25)), options=replace(SMALL, commit_tiles=1, batch_size=1))
    assert Store.open(into).fragments == 26


def test_an_encoder_that_returns_no_unit_vector_fails_that_scene_only(world: World, into: Path) -> None:
    class Faulty(MeanColourEncoder):
        def encode(self, batch: Any) -> Any:
            vectors = super().encode(batch)
            vectors[batch[:, 1] > 0] = np.nan  # tiles right of the first column
            return vectors

    world.content["s1"] = Content(rows=1, cols=3)
    report = run(into, scene("s1"), scene("s2"), encoder=Faulty())
    assert [f.reason for f in report.failures] == ["the encoder returned a vector of length nan instead of 1"]
    assert contents(into).keys() == grid_ids("s2", 1, 1)


def test_an_encoder_that_returns_another_shape_stops_the_run(world: World, into: Path) -> None:
    class Wrong(MeanColourEncoder):
        def encode(self, batch: Any) -> Any:
            return super().encode(batch)[:, :3]

    with pytest.raises(InputError, match=r"mean-colour@1 .* returned vectors of shape \(1, 3\) for 1 tiles"):
        run(into, scene("s1"), encoder=Wrong())


def test_an_encoder_that_breaks_stops_the_run_and_ends_its_threads(world: World, into: Path) -> None:
    class Broken(MeanColourEncoder):
        def encode(self, batch: Any) -> Any:
            raise RuntimeError("out of memory")

    world.content["s1"] = Content(rows=30, cols=30)
    with pytest.raises(RuntimeError, match="out of memory"):
        run(into, scene("s1"), encoder=Broken())
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("swath-")]


def test_a_staging_folder_that_cannot_be_written_is_one_line(
    world: World, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("indexer._staging.os.fsync", full)
    world.content["s1"] = Content(rows=1, cols=UNIT_SIDE + 1)
    with pytest.raises(StoreError, match=r"cannot write .*\.arrow: No space left on device$"):
        run(into, scene("s1"))
    assert contents(into) == {}


def test_tiles_are_read_by_several_threads(world: World, into: Path) -> None:
    world.content["s1"] = Content(rows=4, cols=4 * UNIT_SIDE, seconds=0.001)
    run(into, scene("s1"), options=replace(SMALL, workers=3))
    assert len(world.threads) == 3


def test_progress_counts_up_to_the_total_and_foresees_the_end(world: World, into: Path) -> None:
    world.content["s1"] = Content(rows=5, cols=6, dropped=frozenset({(0, 0)}))
    world.content["s2"] = Content(rows=1, cols=8, broken={(0, 7): SceneError("torn")})
    seen: list[Progress] = []
    run(into, scene("s1"), scene("s2"), scene("s3"), progress=seen.append)
    done = [progress.tiles_done for progress in seen]
    assert done == sorted(done)
    assert all(progress.tiles_done <= progress.tiles_total for progress in seen)
    last = seen[-1]
    assert (last.scenes_found, last.scenes_done, last.scenes_failed) == (3, 3, 1)
    assert last.tiles_done == last.tiles_total
    assert last.eta_seconds == 0
    assert any(progress.eta_seconds for progress in seen[:-1])


def test_busy_is_the_share_of_time_spent_in_the_encoder(world: World, into: Path) -> None:
    world.content["s1"] = Content(rows=4, cols=8)
    busy = run(into, scene("s1"), encoder=MeanColourEncoder(seconds_per_tile=0.01)).encoder_busy
    assert busy > 0.9
    world.content["s2"] = Content(rows=4, cols=8, seconds=0.02)
    idle = run(into, scene("s2"), encoder=MeanColourEncoder(seconds_per_tile=0.0001)).encoder_busy
    assert idle < 0.1


def test_abandoned_pieces_are_thrown_away_after_a_week(world: World, into: Path) -> None:
    import os

    run(into, scene("s1"))
    for name, age in (("old", 8 * 86400), ("new", 3600)):
        home = into / "staging" / f"{name}-x"
        home.mkdir(parents=True)
        os.utime(home, (time.time() - age,) * 2)
    run(into, scene("s1"))
    assert [entry.name for entry in (into / "staging").iterdir()] == ["new-x"]


def test_staging_keeps_nothing_outside_its_folder(tmp_path: Path) -> None:
    store = Store.create_or_open(tmp_path / "i", space=MeanColourEncoder().space)
    Staging(store.staging, store.schema).tidy()
    assert not store.staging.exists()


@pytest.mark.parametrize("name", ["workers", "batch_size", "commit_tiles"])
def test_options_below_one_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"{name} must be at least 1, got 0"):
        IngestOptions(**{name: 0})  # type: ignore[arg-type]
