"""`swath optimize --ray`: shards written by the tasks of a real Ray cluster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from indexer.distributed import RayOptions
from retriever import MemoryRows
from retriever.engine import build_snapshot, current, open_snapshot
from retriever.engine._build._jobs import RunJobs, one_by_one
from retriever.engine._build._on_ray import shards_on_ray
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker

pytestmark = pytest.mark.slow

RECIPE = Recipe(
    dim=8, dtype="float16", spread="tied", sensors=3, collections=2, undated=0.1, unlocated=0.1,
    years=(2015, 2026), odd=0.1,
)  # fmt: skip


def sums(index: Path, run: RunJobs) -> list[str]:
    rows = MemoryRows(TileMaker(RECIPE, np.random.default_rng(5)).tiles(5000), space=RECIPE.space)
    build_snapshot(rows, index, shard_rows=1500, bucket_rows=700, lists=4, run=run)
    folder = current(index)
    assert folder is not None
    assert open_snapshot(folder).layout.rows == 5000
    assert not list(folder.glob(".part-*"))
    return [file.read_text() for file in sorted(folder.rglob("sums.json"))]


def test_two_ray_workers_write_the_same_snapshot(tmp_path: Path) -> None:
    with shards_on_ray(RayOptions(address="local", workers=2)) as run:
        elsewhere = sums(tmp_path / "b", run)
    assert elsewhere == sums(tmp_path / "a", one_by_one)
    assert len(elsewhere) == 5
