"""The search engine keeps the promises of every vector index, wherever its snapshot stands behind the table."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from indexer import Store
from retriever import Expression, Matches, VectorIndex
from retriever.engine import Fresh
from retriever.engine._build import build_snapshot
from tests.contract.test_vector_index import StoredIndex, VectorIndexContract
from tests.unit.retriever.tables import SPACE, row, table


class EngineOverAStore(StoredIndex):
    """The engine over a store on disk, every tile a scene of its own.

    Args:
        path: Where the index is made.
        due: Given how many changes there were; whether the snapshot is built anew after this one.
        shard_rows: Most rows of a shard.
    """

    def __init__(self, path: Path, due: Callable[[int], bool], shard_rows: int = 1_000_000) -> None:
        super().__init__(path)
        self._store = Store.open(path, space=SPACE)
        self._due, self._shard_rows = due, shard_rows
        self._changes = 0
        self._fresh = Fresh(self._store)
        self._optimize()

    def add(self, rows: pa.Table) -> None:
        super().add(rows)
        self._optimize()

    def delete(self, tile_ids: Sequence[str]) -> int:
        gone = super().delete(tile_ids)
        self._optimize()
        return gone

    def search(self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None) -> Matches:
        return self._fresh.newest().index().search(vector, k=k, where=where)

    def _optimize(self) -> None:
        if self._due(self._changes):
            build_snapshot(self._store.snapshot(), self._store.folder, shard_rows=self._shard_rows)
        self._changes += 1


@pytest.mark.slow
class TestEngineWithANewSnapshot(VectorIndexContract):
    """Everything is answered from the snapshot."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> VectorIndex:
        return EngineOverAStore(tmp_path / "index", lambda changes: changes > 0)


class TestEngineWithAnOlderSnapshot(VectorIndexContract):
    """What came after the first change is answered from the newer rows; what went is masked."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> VectorIndex:
        return EngineOverAStore(tmp_path / "index", lambda changes: changes == 1)


@pytest.mark.slow
class TestEngineWhoseSnapshotIsAllGone(VectorIndexContract):
    """The snapshot was made of a tile that went before the others came."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> VectorIndex:
        made = EngineOverAStore(tmp_path / "index", lambda changes: changes == 1)
        made.add(table([row("first")]))
        assert made.delete(["first"]) == 1
        return made


class TestEngineWithManyShards(VectorIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> VectorIndex:
        return EngineOverAStore(tmp_path / "index", lambda changes: changes > 0, shard_rows=150)
