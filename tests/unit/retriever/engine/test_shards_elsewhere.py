"""Shards that other processes write: the same files, whoever writes them, in whatever order, once or twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from core import StoreError
from retriever import MemoryRows
from retriever.engine import build_snapshot, current
from retriever.engine._build._jobs import Report, RunJobs, ShardJob, one_by_one
from retriever.engine._build._on_ray import written
from retriever.engine._layout import ShardEntry
from retriever.engine._shard import Shared
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker

RECIPE = Recipe(
    dim=8, dtype="float16", spread="tied", sensors=3, collections=2, undated=0.1, unlocated=0.1,
    years=(2015, 2026), odd=0.1,
)  # fmt: skip


def backwards_and_twice(jobs: Sequence[ShardJob], shared: Shared, report: Report) -> Iterator[ShardEntry]:
    """As a cluster may do it at worst."""
    done = {job.name: written(job, shared) for job in [*reversed(jobs), *jobs]}
    return iter([done[job.name] for job in jobs])


def files(index: Path, run: RunJobs) -> dict[str, bytes]:
    rows = MemoryRows(TileMaker(RECIPE, np.random.default_rng(5)).tiles(400), space=RECIPE.space)
    build_snapshot(rows, index, shard_rows=90, bucket_rows=40, lists=4, run=run)
    folder = current(index)
    assert folder is not None
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in found if file.name != "layout.json"}


def test_the_snapshot_is_the_same_to_the_byte(tmp_path: Path) -> None:
    here, elsewhere = files(tmp_path / "a", one_by_one), files(tmp_path / "b", backwards_and_twice)
    assert here == elsewhere
    assert sum(name.endswith("/vectors.bin") for name in here) == 5


def test_a_machine_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    def nowhere(jobs: Sequence[ShardJob], shared: Shared, report: Report) -> Iterator[ShardEntry]:
        jobs[0].spooled.remove()
        return iter([written(jobs[0], shared)])

    with pytest.raises(StoreError, match=r"does not see .*; every machine of the cluster needs it under the same path"):
        files(tmp_path, nowhere)
    assert current(tmp_path) is None
