"""kill -9 in the middle of an ingest, then run it again. The twenty-fold version is in tests/slow."""

import random
from pathlib import Path

import pytest

from tests.integration import killed_ingest as program


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive") / "scenes"
    program.make_archive(folder)
    return folder


@pytest.fixture(scope="module")
def undisturbed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    into = tmp_path_factory.mktemp("undisturbed") / "index"
    return into, program.finish(archive, into)


def test_an_ingest_killed_twice_ends_as_if_it_had_not_been(
    archive: Path, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    reference, seconds = undisturbed
    into = tmp_path / "index"
    rng = random.Random(11)
    with program.Watcher(into) as watcher:
        killed = [program.kill_at_random(archive, into, rng, within=seconds * 0.6) for _ in range(2)]
        program.finish(archive, into)
    assert any(killed)
    assert program.contents(into) == program.contents(reference)
    assert program.ledger(into) == program.ledger(reference)
    assert not (into / "staging").exists()
    whole = {name: {row[1]} for name, row in program.ledger(reference).items()}
    assert watcher.looks > 5
    assert all(counts <= whole[name] for name, counts in watcher.seen.items())


@pytest.mark.slow
def test_a_killed_re_embedding_shows_the_old_scene_or_the_new_and_ends_as_the_new(
    archive: Path, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    reference, into = tmp_path / "reference", tmp_path / "index"
    seconds = program.finish(archive, reference, 24)
    program.finish(archive, into)
    with program.Watcher(into) as watcher:
        program.kill_once(archive, into, seconds * 0.5, 24)
        program.finish(archive, into, 24)
    assert program.contents(into) == program.contents(reference)
    old, new = program.ledger(undisturbed[0]), program.ledger(reference)
    assert all(counts <= {old[name][1], new[name][1]} for name, counts in watcher.seen.items())
