"""kill -9 at twenty random moments of an ingest, then run again: the same tiles, none twice, none missing."""

import random
import shutil
from pathlib import Path

import pytest

from tests.integration import killed_ingest as program

KILLS = 20


@pytest.mark.slow
def test_twenty_kills_at_random_moments_lose_and_double_nothing(tmp_path: Path) -> None:
    archive, reference, into = tmp_path / "archive", tmp_path / "reference", tmp_path / "index"
    program.make_archive(archive)
    seconds = program.finish(archive, reference)
    expected, ledger = program.contents(reference), program.ledger(reference)
    whole = {name: {row[1]} for name, row in ledger.items()}
    rng = random.Random(20)
    kills = 0
    reached = set()
    while kills < KILLS:
        shutil.rmtree(into, ignore_errors=True)
        with program.Watcher(into) as watcher:
            # One, two or three kills before the run that is let through.
            for _ in range(rng.randint(1, 3)):
                kills += program.kill_at_random(archive, into, rng, within=seconds)
                reached.add(program.progress(into))
                assert not program.damage(into)
            program.finish(archive, into)
        assert program.contents(into) == expected
        assert program.ledger(into) == ledger
        assert all(counts <= whole[name] for name, counts in watcher.seen.items())
    # The moments were spread over the ingest, and not all before its first commit or after its last.
    assert len(reached) >= 5
