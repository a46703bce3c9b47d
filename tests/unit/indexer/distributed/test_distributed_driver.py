"""The driver: who holds which scene, and what becomes of it when its worker is lost."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import BadScene, EncodesTiles, InputError, Scene, SceneError, SourceError, SwathError, Tile, VectorSpace
from core.testing import MeanColourEncoder
from indexer import IngestOptions, IngestReport, Store, TilingOptions, ingest
from indexer._listing import Listing
from indexer._meter import Meter
from indexer._place import BucketPath, place_of
from indexer._staging import Staging
from indexer.distributed import Committer, Driver, Lost, Plan, Report, clean_orphans
from tests.integration.killed_ingest import contents, ledger
from tests.unit.indexer.distributed.thread_crew import Fate, ThreadCrew
from tests.unit.indexer.doubles import scene
from tests.unit.indexer.made_up_world import Content, Source, World
from tests.unit.indexer.sources import samples

SMALL = IngestOptions(workers=1, batch_size=4, commit_tiles=8, commit_seconds=0.05)
SPACE = MeanColourEncoder().space


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr("indexer._readers.open_scene", made.open)
    monkeypatch.setattr("indexer._readers.make_preview", lambda _: b"webp")
    monkeypatch.setattr("indexer.distributed._driver.COMMIT_S", 0.05)
    monkeypatch.setattr("indexer.distributed._worker.PAUSE_S", 0.005)
    return made


def archive(world: World) -> list[Scene]:
    """Small scenes, one of several pieces, one with dropped tiles."""
    world.content = {f"s{number}": Content(rows=1 + number % 3, cols=2) for number in range(8)}
    world.content["s4"] = Content(rows=2, cols=20)
    world.content["s7"] = Content(rows=3, cols=3, dropped=frozenset({(0, 0), (2, 2)}))
    return [scene(name) for name in world.content]


class Run:
    """One ingest over thread workers."""

    def __init__(
        self, into: Path | BucketPath, *found: Scene | BadScene | Exception, fate: Fate = lambda *_: False,
        workers: int = 2, opener: Callable[[], EncodesTiles] = MeanColourEncoder,
    ) -> None:  # fmt: skip
        self.store = Store.create_or_open(into, space=SPACE)
        plan = Plan(index=into, space=SPACE, open_encoder=opener, tiling=TilingOptions(), options=SMALL, environment={})
        self.crew = ThreadCrew(plan, fate)
        self.meter = Meter(None, encoders=workers)
        self.driver = Driver(
            self.crew,
            Listing([Source(*found)], ledger=self.store.ledger(), tiling=TilingOptions(), space=SPACE),
            committer=Committer(self.store), staging=Staging(self.store.staging, self.store.schema),
            meter=self.meter, workers=workers, batch_size=SMALL.batch_size,
        )  # fmt: skip

    def __call__(self) -> IngestReport:
        with self.store.writing():
            self.driver.run()
        return self.meter.report()


def reference(tmp_path: Path, *found: Scene) -> Path:
    ingest([Source(*found)], into=tmp_path / "reference", encoder=MeanColourEncoder(), options=SMALL)
    return tmp_path / "reference"


def same(one: Path, other: Path) -> bool:
    return contents(one) == contents(other) and ledger(one) == ledger(other)


def test_two_workers_make_the_table_and_the_report_of_one_process(world: World, tmp_path: Path) -> None:
    scenes = archive(world)
    run = Run(tmp_path / "index", *scenes)
    report = run()
    alone = ingest([Source(*scenes)], into=tmp_path / "reference", encoder=MeanColourEncoder(), options=SMALL)
    assert same(tmp_path / "index", tmp_path / "reference")
    counts = (
        "scenes_indexed",
        "scenes_skipped",
        "failures",
        "tiles_written",
        "tiles_dropped",
        "undated",
        "tiles_encoded",
    )
    assert [getattr(report, name) for name in counts] == [getattr(alone, name) for name in counts]
    assert run.crew.most_at_once == 2
    assert all(run.crew.given.values())
    assert not list((tmp_path / "index" / "staging").glob("*"))


def test_workers_of_an_index_in_a_bucket_keep_no_pieces_of_what_they_handed_over(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = archive(world)
    monkeypatch.setenv("SWATH_INDEX_CACHE", str(tmp_path / "cache"))
    with samples.bucket(monkeypatch) as (name, _):
        place = place_of(f"s3://{name}/index")
        run = Run(place, *scenes)
        # What the driver deletes is on its own machine.
        monkeypatch.setattr(run.driver, "_staging", Staging(tmp_path / "elsewhere", run.store.schema))
        run()
        found = contents(place)  # type: ignore[arg-type]  # a store opens there as well
        assert found == contents(reference(tmp_path, *scenes))
        assert not list(run.store.staging.glob("*"))


def test_a_second_run_skips_everything_and_starts_no_worker(world: World, tmp_path: Path) -> None:
    scenes = archive(world)
    Run(tmp_path / "index", *scenes)()
    again = Run(tmp_path / "index", *scenes)
    assert again().scenes_skipped == len(scenes)
    assert again.crew.given == {}


def test_a_changed_scene_is_embedded_again_in_place_of_the_old(world: World, tmp_path: Path) -> None:
    scenes = archive(world)
    Run(tmp_path / "index", *scenes)()
    changed = [*scenes[:-1], replace(scenes[-1], fingerprint="f2")]
    report = Run(tmp_path / "index", *changed)()
    assert (report.scenes_indexed, report.scenes_skipped) == (1, len(scenes) - 1)
    assert same(tmp_path / "index", reference(tmp_path, *changed))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_workers_lost_at_random_while_they_write_on_lose_and_double_nothing(
    world: World, tmp_path: Path, seed: int
) -> None:
    scenes, rng = archive(world), random.Random(seed)
    run = Run(tmp_path / "index", *scenes, fate=lambda number, _, heard: number <= 4 and heard > rng.randint(1, 6))
    report = run()
    assert report.failures == ()
    assert run.driver.lost >= 2
    assert same(tmp_path / "index", reference(tmp_path, *scenes))
    clean_orphans(run.store)
    assert same(tmp_path / "index", tmp_path / "reference")


def test_a_scene_that_kills_its_workers_is_reported_and_no_other(world: World, tmp_path: Path) -> None:
    scenes = archive(world)
    report = Run(tmp_path / "index", *scenes, scene("poison"), fate=lambda _, given, __: "poison" in given)()
    assert [failure.href for failure in report.failures] == ["/data/poison.tif"]
    assert report.failures[0].reason.startswith("5 workers were lost with this scene in hand, the last: killed by")
    assert same(tmp_path / "index", reference(tmp_path, *scenes))


def test_last_words_of_dismissed_workers_are_passed_over(world: World, tmp_path: Path) -> None:
    run = Run(tmp_path / "index", *archive(world), workers=3)
    hear, gone = run.crew.hear, set[int]()

    def echoing(timeout: float) -> Iterator[tuple[int, Report | Lost]]:
        yield from hear(timeout)
        late = run.crew.given.keys() - run.crew.alive.keys() - gone
        gone.update(late)
        yield from ((number, Lost(reason="the actor is dead because it was killed by ray.kill")) for number in late)

    run.crew.hear = echoing  # type: ignore[method-assign]
    assert run().scenes_indexed == len(world.content)
    assert run.driver.lost == 0


def test_workers_that_never_do_anything_end_the_ingest(world: World, tmp_path: Path) -> None:
    with pytest.raises(SwathError, match="7 workers were lost without indexing a scene, the last: killed by the test"):
        Run(tmp_path / "index", *archive(world), fate=lambda *_: True)()


def test_a_scene_that_cannot_be_read_is_reported_as_ever_and_the_rest_goes_on(world: World, tmp_path: Path) -> None:
    scenes = archive(world)
    world.content["s3"] = Content(rows=3, cols=30, broken={(1, 1): SceneError("the file ends early")})
    world.content["s5"] = Content(unopenable=OSError("no such file"))
    bad = BadScene(href="/data/bad.tif", error=SceneError("has no bands"))
    report = Run(tmp_path / "index", bad, *scenes)()
    said = {(failure.href, failure.reason) for failure in report.failures}
    assert said == {
        ("/data/bad.tif", "has no bands"),
        ("/data/s3.tif", "the file ends early"),
        ("/data/s5.tif", "OSError: no such file"),
    }
    assert report.scenes_indexed == len(scenes) - 2
    assert "s3" not in ledger(tmp_path / "index")


def test_pixels_that_cannot_be_sent_are_reported(world: World, tmp_path: Path) -> None:
    def read() -> Tile:
        raise AssertionError

    stuck = replace(scene("stuck"), read=read, assets=())
    report = Run(tmp_path / "index", scene("s1"), stuck)()
    assert [(failure.href, failure.reason) for failure in report.failures] == [("/data/stuck.tif", "cannot be sent")]
    assert report.scenes_indexed == 1


def test_a_source_that_breaks_off_ends_the_ingest_and_keeps_what_was_done(world: World, tmp_path: Path) -> None:
    run = Run(tmp_path / "index", *archive(world), SourceError("the catalog ended"))
    with pytest.raises(SourceError, match="the catalog ended"):
        run()
    assert set(ledger(tmp_path / "index")) <= set(world.content)
    assert run.crew.alive == {}


def test_another_encoder_on_a_worker_ends_the_ingest(world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="install the same one on every machine of the cluster"):
        Run(tmp_path / "index", scene("s1"), opener=lambda: MeanColourEncoder(revision="2"))()


def test_a_worker_without_its_encoder_ends_the_ingest_with_the_reason(world: World, tmp_path: Path) -> None:
    def absent() -> EncodesTiles:
        raise OSError("weights.onnx is missing")

    with pytest.raises(SwathError, match=r"OSError: weights\.onnx is missing"):
        Run(tmp_path / "index", scene("s1"), opener=absent)()


def test_a_worker_that_does_not_see_the_index_says_so(world: World, tmp_path: Path) -> None:
    run = Run(tmp_path / "index", scene("s1"))
    run.crew.plan = replace(run.crew.plan, index=tmp_path / "elsewhere")
    with pytest.raises(InputError, match="every machine of the cluster sees under the same path"):
        run()
    assert not (tmp_path / "elsewhere").exists()


def test_a_driver_killed_between_tiles_and_ledger_is_taken_up_by_the_next(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = archive(world)

    def die(*_: object) -> None:
        raise SystemError

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write_ledger", die)
        with pytest.raises(Exception, match="SystemError"):
            Run(tmp_path / "index", *scenes)()
    Run(tmp_path / "index", *scenes)()
    assert same(tmp_path / "index", reference(tmp_path, *scenes))


def test_scenes_are_listed_no_further_ahead_than_workers_need(world: World, tmp_path: Path) -> None:
    listed: list[str] = []

    class Endless:
        def scenes(self) -> Iterator[Scene | BadScene]:
            for number in range(5000):
                listed.append(str(number))
                yield scene(f"s{number}")

    run = Run(tmp_path / "index")
    store = run.store
    driver = Driver(
        run.crew, Listing([Endless()], ledger={}, tiling=TilingOptions(), space=SPACE), committer=Committer(store),
        staging=Staging(store.staging, store.schema), meter=run.meter, workers=2, batch_size=4,
    )  # fmt: skip
    driver._hear = lambda: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        driver.run()
    assert len(listed) < 1100


def test_the_space_of_the_plan_is_checked_against_the_index(world: World, tmp_path: Path) -> None:
    run = Run(tmp_path / "index", scene("s1"))
    run.crew.plan = replace(run.crew.plan, space=VectorSpace(encoder="other", revision="1", dim=4))
    with pytest.raises(InputError, match="cannot be used with other"):
        run()
