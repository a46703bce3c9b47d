"""Ray workers in processes of their own make the table of one process, whoever is killed."""

import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import swath
from demo import generate
from indexer import Store, vector_matrix
from tests.integration import killed_ingest as alone
from tests.slow import killed_ray_ingest as program

pytestmark = pytest.mark.slow

KILLS = 5
"""For each seed: 20 of each kind, in parts that can be run by themselves."""

SEEDS = range(31, 35)


@pytest.fixture(scope="module")
def cluster() -> Iterator[program.Cluster]:
    with program.Cluster() as made:
        yield made


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "scenes"
    alone.make_archive(folder)
    return folder


@pytest.fixture(scope="module")
def reference(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("reference") / "index"
    alone.finish(archive, into)
    return into


@pytest.fixture(scope="module")
def seconds(archive: Path, cluster: program.Cluster, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the program works undisturbed, from its first worker to its end."""
    process = program.start(archive, tmp_path_factory.mktemp("undisturbed") / "index", cluster.address)
    program.at_work(process)
    return program.finish(process)


def is_whole(into: Path, reference: Path) -> bool:
    return alone.contents(into) == alone.contents(reference) and alone.ledger(into) == alone.ledger(reference)


@pytest.mark.parametrize("seed", SEEDS)
def test_workers_killed_at_random_moments_lose_and_double_nothing(  # noqa: PLR0917 - fixtures, given by name
    archive: Path, reference: Path, cluster: program.Cluster, seconds: float, tmp_path: Path, seed: int
) -> None:
    rng, kills, into, reached = random.Random(seed), 0, tmp_path / "index", set[tuple[int, int]]()
    whole = {name: {row[1]} for name, row in alone.ledger(reference).items()}
    while kills < KILLS:
        shutil.rmtree(into, ignore_errors=True)
        with alone.Watcher(into) as watcher:
            process, killed = program.start(archive, into, cluster.address), 0
            while process.poll() is None and killed < 3:
                time.sleep(rng.uniform(0.2, seconds / 2))
                running = cluster.workers()
                killed += bool(running) and program.kill_worker(rng.choice(running))
                reached.add(alone.progress(into))
            program.finish(process)
        kills += killed
        assert is_whole(into, reference)
        assert all(counts <= whole[name] for name, counts in watcher.seen.items())
    # The moments were spread over the ingest, and not all before its first commit or after its last.
    assert len(reached) >= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_drivers_killed_at_random_moments_lose_and_double_nothing(  # noqa: PLR0917 - fixtures, given by name
    archive: Path, reference: Path, cluster: program.Cluster, seconds: float, tmp_path: Path, seed: int
) -> None:
    rng, kills, into, reached = random.Random(seed), 0, tmp_path / "index", set[tuple[int, int]]()
    whole = {name: {row[1]} for name, row in alone.ledger(reference).items()}
    while kills < KILLS:
        shutil.rmtree(into, ignore_errors=True)
        with alone.Watcher(into) as watcher:
            for _ in range(rng.randint(1, 3)):
                kills += program.kill_driver(program.start(archive, into, cluster.address), rng.uniform(0, seconds))
                reached.add(alone.progress(into))
            program.finish(program.start(archive, into, cluster.address))
        assert is_whole(into, reference)
        assert all(counts <= whole[name] for name, counts in watcher.seen.items())
    assert len(reached) >= 3


def test_two_local_workers_make_the_table_of_one_process_from_real_pixels(tmp_path: Path) -> None:
    made = generate(tmp_path / "archive", seed=7).catalog
    swath.index(str(made), into=tmp_path / "one")
    report = swath.index(str(made), into=tmp_path / "two", ray="local", ray_workers=2)
    one, two = vectors(tmp_path / "one"), vectors(tmp_path / "two")
    assert report.tiles_written == len(two)
    assert one.keys() == two.keys()
    assert max(np.abs(one[name] - two[name]).max() for name in one) <= 1e-6
    assert alone.ledger(tmp_path / "one") == alone.ledger(tmp_path / "two")


def vectors(into: Path) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for batch in Store.open(into).snapshot().scan(["tile_id", "vector"]):
        found |= dict(zip(batch["tile_id"].to_pylist(), vector_matrix(batch["vector"]), strict=True))
    return found
