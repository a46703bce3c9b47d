"""A small snapshot with two shards and lists, in which routes and planner can be watched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retriever import FlatIndex, MemoryRows
from retriever.engine import Engine
from retriever.engine._build import build_snapshot
from retriever.engine._layout import Layout
from retriever.engine._open import OpenSnapshot, current, open_snapshot
from retriever.engine._shard import Shard, Shared
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker

ROWS = 3000
SHARD_ROWS = 2000
RECIPE = Recipe(
    dim=64, dtype="float16", spread="clustered", sensors=3, collections=2, undated=0.1, unlocated=0.1,
    years=(2019, 2020), odd=0.1,
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A table and its engine."""

    table: pa.Table
    snapshot: OpenSnapshot
    engine: Engine
    queries: NDArray[np.float32]

    @property
    def flat(self) -> FlatIndex:
        """What the engine must answer like."""
        return FlatIndex(MemoryRows(self.table, space=RECIPE.space))


def make_engine(folder: Path, *, lists: int = 24) -> Made:
    """Build the snapshot and open it; what was measured when it was built is not used, so that plans are the same."""
    maker = TileMaker(RECIPE, np.random.default_rng(5))
    table = maker.tiles(ROWS)
    build_snapshot(MemoryRows(table, space=RECIPE.space), folder, shard_rows=SHARD_ROWS, lists=lists)
    newest = current(folder)
    assert newest is not None
    snapshot = open_snapshot(newest)
    queries = np.stack([maker.query(table) for _ in range(6)])
    return Made(table, snapshot, Engine(Watched(snapshot, costs={}, recall={})), queries)


class Watched:
    """A snapshot that notes which shards are opened; its layout may say other things than it holds."""

    def __init__(self, snapshot: OpenSnapshot, **changed: object) -> None:
        self._snapshot = snapshot
        self.layout: Layout = replace(snapshot.layout, **changed)  # type: ignore[arg-type]  # any field of it
        self.opened: list[int] = []

    @property
    def shared(self) -> Shared:
        return self._snapshot.shared

    def shard(self, number: int) -> Shard:
        self.opened.append(number)
        return self._snapshot.shard(number)
