"""An index that is written to at random, and the flat index over what it holds: the measure of every other answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import VectorSpace
from indexer import LedgerRow, SceneRows, Store
from retriever import Expression, FlatIndex, Matches
from tests.unit.retriever.engine.random_tables import Recipe, TileMaker

if TYPE_CHECKING:
    from lancedb.expr import Expr


class HeldRows:
    """The tiles of one version of an index, in memory, under the row ids they have on disk."""

    def __init__(self, table: pa.Table, space: VectorSpace) -> None:
        self.table = table.combine_chunks()
        self.space = space
        self._row_ids = self.table["_rowid"].combine_chunks()

    def scan(self, columns: Sequence[str], where: Expr | None = None) -> Iterator[pa.RecordBatch]:
        yield from self.table.select([*columns, "_rowid"]).to_batches()

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        places = pc.index_in(pa.array(row_ids, pa.uint64()), value_set=self._row_ids)
        return self.table.select(list(columns)).take(places)

    def ranking(self, vector: NDArray[np.float32], where: Expression | None) -> Matches:
        """Return every row that passes, best first, as the flat index finds it."""
        return FlatIndex(self).search(vector, k=max(len(self.table), 1), where=where)


def held(store: Store, version: int | None = None) -> HeldRows:
    """Return what the store holds."""
    snapshot = store.snapshot(version)
    batches = list(snapshot.scan(store.schema.names))
    row_id = pa.field("_rowid", pa.uint64())
    table = pa.Table.from_batches(batches) if batches else store.schema.append(row_id).empty_table()
    return HeldRows(table, store.space)


def scene_rows(tiles: pa.Table, schema: pa.Schema) -> SceneRows:
    """Return the tiles of one scene as the store takes them."""
    first = tiles.select(["scene_key", "scene_id", "collection", "href"]).slice(0, 1).to_pylist()[0]
    committed = datetime(2026, 1, 1, tzinfo=UTC)
    ledger = LedgerRow(
        **first, fingerprint="1", tiles=len(tiles), dropped=0, parameters="{}", committed=committed
    )  # fmt: skip
    return SceneRows(ledger=ledger, batches=tiles.cast(schema).to_batches())


@dataclass
class History:
    """An index on disk that grows and shrinks as archives do.

    Args:
        path: Where it is made.
        recipe: What its tiles are like.
        rng: Where chance comes from.
    """

    path: Path
    recipe: Recipe
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self.maker = TileMaker(self.recipe, self.rng)
        self.store = Store.create_or_open(self.path, space=self.recipe.space, dtype=self.recipe.dtype)
        self._scenes: list[str] = []
        self._made = 0

    def add(self, scenes: int) -> None:
        """Commit new scenes."""
        names = [f"scene{self._made + place:05d}" for place in range(scenes)]
        self._made += scenes
        self._scenes += names
        self._commit(names)

    def replace(self) -> None:
        """Commit scenes again with other tiles, more or fewer of them."""
        self._commit(self._some())

    def remove(self) -> None:
        """Take a few scenes away."""
        for name in self._some()[:3]:
            self.store.remove(scene_id=name)
            self._scenes.remove(name)

    def compact(self) -> None:
        """Rewrite the files; old versions stay, or go at once."""
        self.store.compact(keep=timedelta(days=1) if self.rng.random() < 0.5 else timedelta(0))

    def step(self) -> str:
        """Change the index in one of these ways; return which."""
        ways = {"add": lambda: self.add(int(self.rng.integers(1, 20))), "replace": self.replace, "remove": self.remove}
        name = str(self.rng.choice([*ways, "compact"], p=[0.4, 0.25, 0.2, 0.15]))
        (ways | {"compact": self.compact})[name]()
        return name

    def _some(self) -> list[str]:
        count = min(len(self._scenes), int(self.rng.integers(1, 8)))
        return [str(name) for name in self.rng.choice(self._scenes, count, replace=False)] if count else []

    def _commit(self, names: Sequence[str]) -> None:
        made = self.maker.scenes(names)
        self.store.commit([scene_rows(tiles, self.store.schema) for tiles in made.values()])
