"""What a run of watches costs: a batch of 1,000 tiles in a large index, one watch and ten.

Fills an index with synthetic unit vectors in scenes of a hundred tiles (nothing is embedded), then commits one batch
after another and runs the watches after each, as `swath index` does.

Run: ``python -m benchmarks.watches [--rows 1000000]``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.search import SPACE, batch
from indexer import LedgerRow, SceneRows, Store, scene_key
from retriever import Searcher
from retriever.watches import Watches, run_watches

SCENE = 100
"""Tiles of a scene."""
GROUP = 50_000
"""Tiles of a commit while the index is filled."""
BATCH = 1_000
"""Tiles of a batch."""
ROUNDS = 7


def scenes(start: int, count: int, rng: np.random.Generator) -> Iterator[SceneRows]:
    """Yield scenes with the tiles numbered from ``start``."""
    for first in range(start, start + count, SCENE):
        name = f"s{first:09d}"
        rows, key = batch(first, SCENE, rng), scene_key("bench", name)
        for column, value in (("scene_key", key), ("scene_id", name)):
            place = rows.schema.get_field_index(column)
            rows = rows.set_column(place, rows.schema.field(place), pa.array([value] * SCENE))
        ledger = LedgerRow(
            scene_key=key, scene_id=name, collection="bench", href="none", fingerprint="1", tiles=SCENE, dropped=0,
            parameters="{}", committed=datetime.now(UTC),
        )  # fmt: skip
        yield SceneRows(ledger=ledger, batches=[rows])


def fill(path: Path, count: int) -> Store:
    """Write the index."""
    store, rng = Store.create_or_open(path, space=SPACE), np.random.default_rng(5)
    for start in range(0, count, GROUP):
        store.commit(list(scenes(start, min(GROUP, count - start), rng)))
    store.compact()
    return store


def measure(store: Store, watches: int, start: int) -> tuple[float, float, float, int]:
    """Return median milliseconds of a run with a batch, of one without, of the batch's commit, and matches."""
    kept, rng = Watches(store, Searcher(store)), np.random.default_rng(start)
    for number in range(watches):
        # 0.1 is two standard deviations of the cosine of random vectors in 384 dimensions: one tile in forty, and half
        # of them are too cloudy.
        kept.add(f"w{number}", vector=rng.normal(size=SPACE.dim), min_score=0.1, max_cloud=50)
    busy, idle, commit, matches = [], [], [], 0
    for round_ in range(ROUNDS):
        came = list(scenes(start + round_ * BATCH, BATCH, rng))
        commit.append(_timed(partial(store.commit, came)))
        before = time.perf_counter()
        runs = run_watches(store)
        busy.append((time.perf_counter() - before) * 1000)
        if any(run.problem or run.tiles != BATCH for run in runs):
            raise RuntimeError(f"a run did not look at the batch: {runs}")
        matches += sum(run.matches for run in runs)
        idle.append(_timed(partial(run_watches, store)))
    for number in range(watches):
        kept.remove(f"w{number}")
    return statistics.median(busy), statistics.median(idle), statistics.median(commit), matches


def _timed(act: Callable[[], object]) -> float:
    before = time.perf_counter()
    act()
    return (time.perf_counter() - before) * 1000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = fill(Path(folder) / "index", options.rows)
        print(f"{options.rows:,} tiles x {SPACE.dim} in {options.rows // SCENE:,} scenes; medians of {ROUNDS}, ms")  # noqa: T201
        print(f"{'watches':>8}{'commit':>10}{'run':>10}{'run, nothing new':>20}{'matches':>10}")  # noqa: T201
        start = options.rows
        for watches in (1, 10):
            busy, idle, commit, matches = measure(store, watches, start)
            print(f"{watches:>8}{commit:>10.0f}{busy:>10.0f}{idle:>20.0f}{matches:>10}")  # noqa: T201
            start += ROUNDS * BATCH
        Watches(store, Searcher(store)).add("after", vector=np.ones(SPACE.dim), min_score=0.1)
        store.commit(list(scenes(start, BATCH, np.random.default_rng(1))))
        store.compact()
        before = time.perf_counter()
        (run,) = run_watches(store)
        print(f"after a compaction: {(time.perf_counter() - before) * 1000:.0f} ms, {run.tiles} tiles")  # noqa: T201


if __name__ == "__main__":
    main()
