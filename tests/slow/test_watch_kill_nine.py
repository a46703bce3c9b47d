"""Runs of watches killed with a signal at random moments, while scenes keep coming."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.retriever.watched_index import LEAST, add_scene, journal, made, opened, tiles_in

ROOT = Path(__file__).parents[2]
ROUNDS = 40

RUNNER = """
import sys
from pathlib import Path
from indexer import Store
from tests.unit.retriever.watched_index import opened
store = Store.open(Path(sys.argv[1]))
import lancedb
watches = opened(store)
print("ready", flush=True)
while True:
    watches.run()
"""


@pytest.mark.slow
def test_killed_at_random_moments_every_match_is_there_once(tmp_path: Path) -> None:
    rng = random.Random(7)
    store, file = made(tmp_path / "index"), tmp_path / "reds.geojsonl"
    watches = opened(store)
    watches.add("reds", text="red", min_score=LEAST, file=file)
    came = []
    for round_ in range(ROUNDS):
        command = [sys.executable, "-c", RUNNER, str(store.path)]
        runner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert runner.stdout is not None
        assert runner.stdout.readline() == "ready\n"
        came += add_scene(store, f"s{round_:03d}", ["red"] * rng.randint(1, 200))
        if round_ % 5 == 4:
            store.compact()
        time.sleep(rng.uniform(0, 0.15))
        runner.kill()
        runner.communicate()
    (run,) = watches.run()
    assert run.problem is None
    assert sorted(journal(watches)) == sorted(came)
    assert tiles_in(file.read_text().splitlines()) == journal(watches)
