"""The tile table read through a snapshot: columns come from its memory maps, the table gives what it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import StoreError, VectorSpace
from indexer import IndexInfo, VectorType, tile_schema
from retriever._expression import Expression
from retriever._facets import FacetRequest, Facets, Scoring
from retriever._vector_index import CHUNK_ROWS
from retriever.engine._bitmap import are_in, rows_in
from retriever.engine._delta import NOT_HELD, vector_column
from retriever.engine._facets import count_in_state
from retriever.engine._index import EngineIndex
from retriever.engine._shard import Shard
from retriever.engine._state import State, TableRows, UnfitError

if TYPE_CHECKING:
    from lancedb.expr import Expr

SAMPLE = 16
"""Rows of each shard that are compared with the table's when a snapshot is opened: 5 ms."""

_COMPARED = ("tile_id", "vector")


class EngineRows:
    """One version of the tile table, as ``Rows`` are; what a search goes through.

    Args:
        state: The snapshot as seen from that version.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    @property
    def table(self) -> TableRows:
        """The same version, read from the table alone."""
        return self.state.table

    @property
    def space(self) -> VectorSpace:
        """See ``Rows``."""
        return self.state.table.space

    @property
    def version(self) -> int:
        """Of the tile table."""
        return self.state.table.version

    def index(self, *, exact: bool) -> EngineIndex:
        """Return what answers one request."""
        return EngineIndex(self.state, exact=exact)

    def count(self) -> int:
        """Return the number of tiles."""
        return self.state.living + len(self.state.delta)

    def count_facets(self, wanted: FacetRequest, where: Expression | None, scoring: Scoring | None) -> Facets:
        """See ``CountsFacets``."""
        return count_in_state(self.state, wanted, where, scoring)

    def info(self) -> IndexInfo:
        """See ``indexer.Snapshot``."""
        return self.state.table.info()

    def scan(self, columns: Sequence[str], where: Expr | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the columns and ``_rowid`` of every row; see ``Rows``.

        ``where`` is for the table to check; here it is a hint that is not needed.
        """
        if _elsewhere(columns) or "vector" in columns:
            yield from self.state.table.scan(columns, where)
            return
        for number, shard in enumerate(self._shards()):
            yield from self._shard_batches(shard, number, columns)
        yield from self.state.delta.scan(columns)

    def _shard_batches(self, shard: Shard, number: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        alive = None if self.state.alive is None else self.state.alive[number]
        there = np.arange(shard.rows) if alive is None else rows_in(alive)
        table = shard.scalars.select(list(columns)).append_column("_rowid", pa.array(shard.row_ids))
        for start in range(0, len(there), CHUNK_ROWS):
            chosen = there[start : start + CHUNK_ROWS]
            whole = len(chosen) == chosen[-1] - chosen[0] + 1  # nothing is copied then
            part = table.slice(chosen[0], len(chosen)) if whole else table.take(pa.array(chosen))
            yield from _plain(part.combine_chunks()).to_batches()

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """Return the columns of these rows, in the order asked for; see ``Rows``.

        Raises:
            StoreError: A row id is not in this version, or the index cannot be read.
        """
        wanted = np.asarray(row_ids, dtype=np.uint64)
        absent = _elsewhere(columns)
        held = self._held(wanted, [name for name in columns if name not in absent])
        if not absent:
            return held
        fetched = self.state.table.take(wanted, absent)
        whole = [fetched[name] if name in absent else held[name] for name in columns]
        return pa.Table.from_arrays(whole, schema=_schema(self.space, self.state.table.dtype, tuple(columns)))

    def _held(self, row_ids: NDArray[np.uint64], columns: list[str]) -> pa.Table:
        """The same of columns that the snapshot and the newer rows hold."""
        rows = self.state.opened.places.rows_of(row_ids)
        newer = rows < 0
        here = newer & self.state.delta.holds(row_ids)
        parts, places = [], []
        for number, shard in enumerate(self._shards()):
            inside = np.flatnonzero((rows >= shard.first) & (rows < shard.first + shard.rows))
            if len(inside):
                parts.append(_of_shard(shard, rows[inside] - shard.first, columns))
                places.append(inside)
                here[inside] = self._living(number, rows[inside] - shard.first)
        if not here.all():
            raise StoreError(f"no rows with ids {row_ids[~here][:5].tolist()} in version {self.version} of the index")
        if newer.any() or not parts:
            parts.append(self.state.delta.take(row_ids[newer], columns))
            places.append(np.flatnonzero(newer))
        schema = _schema(self.space, self.state.table.dtype, tuple(columns))
        parts = [pa.Table.from_arrays(part.columns, schema=schema) for part in parts]
        return parts[0] if len(parts) == 1 else _in_order(parts, places)

    def row_ids_of(self, tile_id: str) -> NDArray[np.uint64]:
        """See ``FindsTiles``; 2 ms a million rows, a tenth of what the table takes."""
        for number, shard in enumerate(self._shards()):
            row = pc.index(shard.scalars["tile_id"], tile_id).as_py()
            if row >= 0 and self._living(number, np.array([row]))[0]:
                return shard.row_ids[row : row + 1]
        for batch in self.state.delta.scan(["tile_id"]):
            row = pc.index(batch["tile_id"], tile_id).as_py()
            if row >= 0:
                return np.asarray(batch["_rowid"].to_numpy()[row : row + 1], dtype=np.uint64)
        return np.empty(0, dtype=np.uint64)

    def some_of_snapshot(self, count: int) -> NDArray[np.uint64]:
        """Return the row ids of up to so many of a shard's rows that are still there, from all over each shard."""
        parts = [np.empty(0, dtype=np.uint64)]
        for number, shard in enumerate(self._shards()):
            alive = None if self.state.alive is None else self.state.alive[number]
            there = np.arange(shard.rows) if alive is None else rows_in(alive)
            parts.append(shard.row_ids[there[:: max(len(there) // count, 1)][:count]])
        return np.concatenate(parts)

    def _shards(self) -> Iterator[Shard]:
        snapshot = self.state.opened.engine.snapshot
        return (snapshot.shard(number) for number in range(len(snapshot.layout.shards)))

    def _living(self, number: int, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of a shard's rows are still there."""
        alive = None if self.state.alive is None else self.state.alive[number]
        return np.ones(len(rows), dtype=bool) if alive is None else are_in(alive, rows)


def check_origin(rows: EngineRows) -> None:
    """Compare a few of a snapshot's rows with the table's: two tables' row ids are alike, what they stand for is not.

    Raises:
        UnfitError: The snapshot was made from another table.
    """
    row_ids = rows.some_of_snapshot(SAMPLE)
    if not len(row_ids):
        return
    try:
        same = rows.take(row_ids, _COMPARED).equals(rows.table.take(row_ids, _COMPARED))
    except StoreError:
        same = False
    if not same:
        raise UnfitError("it was made from another table")


def _elsewhere(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name in NOT_HELD]


@lru_cache(maxsize=64)
def _schema(space: VectorSpace, dtype: VectorType, columns: tuple[str, ...]) -> pa.Schema:
    layout = tile_schema(space, dtype)
    return pa.schema([layout.field(name) for name in columns])


def _of_shard(shard: Shard, rows: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
    table = _plain(shard.scalars.select([name for name in columns if name != "vector"]).take(pa.array(rows)))
    if "vector" not in columns:
        return table
    vectors = vector_column(shard.vectors[rows])
    return pa.table({name: vectors if name == "vector" else table[name] for name in columns})


def _in_order(parts: list[pa.Table], places: list[NDArray[np.int64]]) -> pa.Table:
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_tables(parts).take(pa.array(order)).combine_chunks()


def _plain(table: pa.Table) -> pa.Table:
    """Names as texts, as the tile table has them."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table[place].cast(pa.string()))
    return table
