"""A bucket on a bad day: requests refused, delayed and dropped, before and after they were done; the index is the same.

What is compared with: the same commands on a folder.
"""

import io
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

import swath
import swath._ingest
from core import StoreError
from indexer import BucketPath, IngestOptions, Store, place_of, vector_matrix
from indexer._lease import LEASE_S, MARGIN_S, Lease
from swath._cli import app
from swath._errors import run_and_report
from tests.faults.slow_store import STORM, SlowStore, Trouble, Weather, only, slow_store
from tests.integration.killed_ingest import ledger
from tests.object_store import new_bucket
from tests.rasters import write_raster

pytestmark = pytest.mark.slow

SCENES, SIDE, TILES = 8, 448, 4
"""Each scene has TILES tiles of 224 pixels."""

MANY_COMMITS = partial(IngestOptions, batch_size=TILES, commit_tiles=TILES, commit_seconds=0.1)
"""More often than real archives want it, so that there are more requests to go wrong."""

SEEDS = range(int(os.environ.get("SWATH_TEST_STORMS", "3")))
"""Runs of one process."""

TRIES = 5
"""Runs of a command at most: one that was given up is run again, as a user would."""


@dataclass(frozen=True)
class State:
    """An index as it is read back."""

    vectors: dict[str, np.ndarray]
    """By tile id."""
    ledger: dict[str, tuple[object, ...]]
    """By scene id, but for when it was written."""

    @classmethod
    def of(cls, index: str) -> "State":
        found: dict[str, np.ndarray] = {}
        for batch in Store.open(index).snapshot().scan(["tile_id", "vector"]):
            ids = batch["tile_id"].to_pylist()
            assert not found.keys() & set(ids), "a tile is there twice"
            assert len(set(ids)) == len(ids), "a tile is there twice"
            found |= dict(zip(ids, vector_matrix(batch["vector"]).astype(np.float32), strict=True))
        return cls(found, ledger(index))  # type: ignore[arg-type]  # it opens a place in a bucket as well

    def check(self, expected: "State") -> None:
        """Nothing missing, nothing more, the same vectors to 1e-6."""
        assert self.vectors.keys() == expected.vectors.keys()
        assert max(np.abs(self.vectors[name] - each).max() for name, each in expected.vectors.items()) <= 1e-6
        assert self.ledger == expected.ledger


class Archive:
    """A folder of scenes, and what the index of it looks like after each step.

    Args:
        folder: For all of it.
    """

    def __init__(self, folder: Path) -> None:
        self.scenes = folder / "scenes"
        self.scenes.mkdir()
        self._folder = folder
        self.make(seed=3)
        self.make(seed=4, only=0, into=folder)
        self.expected: dict[str, State] = {}
        self.hits: list[tuple[str, float]] = []

    def make(self, *, seed: int, only: int | None = None, into: Path | None = None) -> None:
        rng = np.random.default_rng(seed)
        for number in range(SCENES) if only is None else [only]:
            coarse = rng.integers(0, 256, (3, 8, 8), dtype=np.uint8)
            path = (into or self.scenes) / f"scene-{number}.tif"
            write_raster(path, np.kron(coarse, np.ones((1, SIDE // 8, SIDE // 8), np.uint8)))
            os.utime(path, (1e9 + seed, 1e9 + seed))  # part of what a scene is known by

    def steps(self, index: str, *options: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield each command with its name; the archive changes between them."""
        ingest = (
            "index",
            str(self.scenes),
            "--into",
            index,
            "--sensor",
            "rgb",
            "--collection",
            "c",
            "--json",
            *options,
        )
        first, other = self.scenes / "scene-0.tif", self._folder / "scene-0.tif"
        kept = shutil.copy2(first, self._folder / "kept.tif")
        yield "index", ingest
        shutil.copy2(other, first)
        yield "replace", ingest
        yield "remove", ("remove", "--index", index, "--scene", "scene-1", "--json")
        shutil.copy2(kept, first)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    folder = tmp_path_factory.mktemp("archive")
    made, index = Archive(folder), str(folder / "index")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(swath._ingest, "IngestOptions", MANY_COMMITS)
        for name, words in made.steps(index):
            done = run(words)
            assert done.exit_code == 0, done.stderr
            made.expected[name] = State.of(index)
        made.hits = hits(index)
        assert [len(made.expected[name].vectors) for name in made.expected] == [32, 32, 28]
        yield made


@pytest.fixture
def store(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SlowStore]:
    monkeypatch.setenv("SWATH_INDEX_CACHE", str(tmp_path / "cache"))
    with slow_store(s3) as made:
        new_bucket(s3, monkeypatch, "stormy")
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.address)
        yield made


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


def run(words: tuple[str, ...]) -> Done:
    """Run a command as the program does, but in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_and_report(lambda: app(list(words), standalone_mode=False))
    return Done(code, out.getvalue(), err.getvalue())


def hits(index: str) -> list[tuple[str, float]]:
    done = run(("search", "a river", "--index", index, "-k", str(SCENES * TILES), "--json"))
    assert done.exit_code == 0, done.stderr
    return [(hit["tile_id"], hit["score"]) for hit in json.loads(done.stdout)["hits"]]


def finished(words: tuple[str, ...], said: list[str]) -> None:
    """Run a command until it is through; each time that it is not it says why in one line."""
    for _ in range(TRIES):
        done = run(words)
        if done.exit_code == 0 or (words[0] == "remove" and said and done.exit_code == 2):  # it was through after all
            return
        said.append(one_line(done))
    raise AssertionError(said)


def one_line(done: Done) -> str:
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.exit_code == 1, done.stderr
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "http://" not in done.stderr
    return lines[0]


def storm(archive: Archive, store: SlowStore, index: str, seed: int, *options: str) -> None:
    """Run every step in bad weather, compare in good weather, and search in bad weather."""
    said: list[str] = []
    for number, (name, words) in enumerate(archive.steps(index, *options)):
        store.change(STORM, seed=100 * seed + number)
        finished(words, said)
        sys.stdout.write(f"\n{index}, seed {seed}, {name}: {store.told()}")
        store.change(Weather())
        State.of(index).check(archive.expected[name])
        report = swath.verify(index, full=True)
        assert report.whole, report.findings
    store.change(STORM, seed=100 * seed + 50)
    found = hits(index)
    sys.stdout.write(f"\n{index}, seed {seed}, search: {store.told()}; said: {said}\n")
    store.change(Weather())
    assert [tile_id for tile_id, _ in found] == [tile_id for tile_id, _ in archive.hits]
    assert [score for _, score in found] == pytest.approx([score for _, score in archive.hits], abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_process_makes_the_same_table(archive: Archive, store: SlowStore, seed: int) -> None:
    storm(archive, store, f"s3://stormy/one-{seed}", seed)


def test_two_ray_workers_make_the_same_table(archive: Archive, store: SlowStore) -> None:
    storm(archive, store, "s3://stormy/two", 11, "--ray", "local", "--ray-workers", "2")


@pytest.mark.parametrize("trouble", [Trouble.REFUSED, Trouble.DROPPED], ids=lambda each: each.name.lower())
def test_a_commit_that_never_gets_through_is_one_line_and_the_next_run_ends(
    archive: Archive, store: SlowStore, trouble: Trouble
) -> None:
    index = f"s3://stormy/never-{trouble.name.lower()}"
    _, words = next(steps := archive.steps(index))
    assert run(("index", str(archive.scenes / "scene-3.tif"), *words[2:])).exit_code == 0
    store.change(only(trouble, r"PUT .*tiles\.lance/_versions", None))
    said = one_line(run(words))
    sys.stdout.write(f"\n{trouble}: {said}; {store.told()}\n")
    store.change(Weather())
    finished(words, [])
    State.of(index).check(archive.expected["index"])
    assert swath.verify(index, full=True).whole
    list(steps)


def test_a_store_that_goes_away_keeps_the_next_writer_out_for_a_lease_and_no_longer(
    archive: Archive, store: SlowStore
) -> None:
    index = "s3://stormy/away"
    _, words = next(steps := archive.steps(index))
    store.change(Weather(shares={Trouble.SLOW: 1.0}, longest=0.0, times=70, then=only(Trouble.REFUSED, times=None)))
    said = [one_line(run(words))]
    store.change(Weather())
    given_up = time.monotonic()
    done = run(words)
    if done.exit_code:
        said.append(one_line(done))
        assert "another swath index is writing" in said[-1]
        time.sleep(max(0.0, LEASE_S + MARGIN_S + 2 - (time.monotonic() - given_up)))
        finished(words, said)
    sys.stdout.write(f"\n{said}\n")
    State.of(index).check(archive.expected["index"])
    assert swath.verify(index, full=True).whole
    list(steps)


def test_of_writers_that_hear_wrong_answers_one_is_in_at_a_time(store: SlowStore) -> None:
    place, seconds, inside = place_of("s3://stormy/lock"), 3.0, list[tuple[float, float]]()
    assert isinstance(place, BucketPath)
    shares = {Trouble.LOST: 0.1, Trouble.DENIED: 0.1, Trouble.DROPPED: 0.1, Trouble.REFUSED: 0.1, Trouble.SLOW: 0.1}
    store.change(Weather(shares=shares, longest=0.5, paths="lock"), seed=7)
    end = time.monotonic() + 40

    def write() -> None:
        while time.monotonic() < end:
            lease = Lease(place / "writer.lock", index=place, seconds=seconds, margin=1.5)
            try:
                lease.acquire()
                _stay(lease, inside)
                lease.release()
            except StoreError:
                time.sleep(0.1)

    threads = [Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.stdout.write(f"\n{len(inside)} times in; {store.told()}\n")
    inside.sort()
    assert all(first[1] <= second[0] for first, second in pairwise(inside))
    # Nobody was locked out for longer than a lease that was left behind, its margin, and some tries.
    begun = [start for start, _ in inside]
    assert len(begun) >= 10
    assert max(np.diff(begun)) < seconds + 1.5 + 8


def _stay(lease: Lease, inside: list[tuple[float, float]]) -> None:
    lease.check()
    start = time.monotonic()
    time.sleep(0.02)
    stop = time.monotonic()
    lease.check()
    inside.append((start, stop))
