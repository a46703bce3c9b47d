"""The tile table read through a snapshot: columns come from its memory maps, the table gives what it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import VectorSpace
from indexer import IndexInfo
from retriever._vector_index import CHUNK_ROWS
from retriever.engine._bitmap import rows_in
from retriever.engine._delta import NOT_HELD
from retriever.engine._index import EngineIndex
from retriever.engine._shard import Shard
from retriever.engine._state import State, TableRows

if TYPE_CHECKING:
    from lancedb.expr import Expr


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
        for number in range(len(self.state.opened.engine.snapshot.layout.shards)):
            yield from self._shard_batches(number, columns)
        yield from self.state.delta.scan(columns)

    def _shard_batches(self, number: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        shard = self.state.opened.engine.snapshot.shard(number)
        alive = None if self.state.alive is None else self.state.alive[number]
        there = None if alive is None else rows_in(alive)
        table = shard.scalars.select(list(columns)).append_column("_rowid", pa.array(shard.row_ids))
        table = table if there is None else table.take(pa.array(there))
        for batch in table.to_batches(max_chunksize=CHUNK_ROWS):
            yield _plain(pa.Table.from_batches([batch])).to_batches()[0]

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """Return the columns of these rows, in the order asked for; see ``Rows``."""
        wanted = np.asarray(row_ids, dtype=np.uint64)
        if not len(wanted):
            return self.state.table.take(wanted, columns)
        absent = _elsewhere(columns)
        known = self._held(wanted, [name for name in columns if name not in absent])
        if not absent:
            return known
        fetched = self.state.table.take(wanted, absent)
        return pa.table({name: fetched[name] if name in absent else known[name] for name in columns})

    def _held(self, row_ids: NDArray[np.uint64], columns: list[str]) -> pa.Table:
        """The same of columns that the snapshot and the newer rows hold."""
        rows = self.state.opened.places.rows_of(row_ids)
        parts, places = [], []
        for number in range(len(self.state.opened.engine.snapshot.layout.shards)):
            shard = self.state.opened.engine.snapshot.shard(number)
            here = np.flatnonzero((rows >= shard.first) & (rows < shard.first + shard.rows))
            if len(here):
                parts.append(_of_shard(shard, rows[here] - shard.first, columns))
                places.append(here)
        newer = np.flatnonzero(rows < 0)
        if len(newer):
            parts.append(self.state.delta.take(row_ids[newer], columns))
            places.append(newer)
        if len(parts) == 1:
            return parts[0]
        order = np.argsort(np.concatenate(places), kind="stable")
        return pa.concat_tables(parts).take(pa.array(order))


def _elsewhere(columns: Sequence[str]) -> list[str]:
    return [name for name in columns if name in NOT_HELD]


def _of_shard(shard: Shard, rows: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
    plain = [name for name in columns if name != "vector"]
    table = _plain(shard.scalars.select(plain).take(pa.array(rows)))
    if "vector" not in columns:
        return table
    vectors = shard.vectors[rows]
    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    return table.append_column("vector", column).select(list(columns))


def _plain(table: pa.Table) -> pa.Table:
    """Names as texts, as the tile table has them."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            table = table.set_column(place, field.name, table[place].cast(pa.string()))
    return table
