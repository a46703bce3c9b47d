"""A build of the search snapshot to be killed: run as a program it builds again and again; imported it kills that."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from indexer import Store
from retriever.engine import Fresh
from retriever.engine._build import build_snapshot
from tests.integration.real import ROOT
from tests.unit.retriever.engine.congruence import check_exact
from tests.unit.retriever.engine.random_expressions import RandomExpressions
from tests.unit.retriever.engine.random_histories import History, held

QUERIES = 5


def build_for_ever(path: Path) -> None:
    """What is killed."""
    store = Store.open(path)
    store.snapshot().count()
    while True:
        build_snapshot(store.snapshot(), path, lists=20, shard_rows=400)
        sys.stdout.write("built\n")
        sys.stdout.flush()


class Killed:
    """The program, started and at work.

    Args:
        path: The index.
    """

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-m", "tests.integration.killed_optimize", str(path)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        # The first build imports and compiles; the seconds of the second are what a moment is drawn from.
        self.wait()
        start = time.monotonic()
        self.wait()
        self.seconds = time.monotonic() - start

    def wait(self) -> None:
        """Return when a build has ended."""
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "built\n", "the build failed by itself"

    def kill(self, after: float) -> None:
        """Kill it so many seconds from now."""
        time.sleep(after)
        assert self._process.poll() is None, "the build failed by itself"
        self._process.kill()
        self._process.communicate()


def check_answers(history: History) -> bool:
    """Compare answers with the flat index; return whether they came from a search snapshot."""
    rows = held(history.store)
    version = Fresh(Store.open(history.path)).newest()
    filters, rng = RandomExpressions(rows.table, history.rng), np.random.default_rng(0)
    for _ in range(QUERIES):
        vector, where, k = history.maker.query(rows.table), filters.draw(), int(rng.choice([1, 10, 1000]))
        found = version.index(exact=True).search(vector, k=k, where=where)
        check_exact(found, rows.ranking(vector, where), k, (k, where))
    return bool(version.index().explained()["index"] == "snapshot")


if __name__ == "__main__":
    build_for_ever(Path(sys.argv[1]))
