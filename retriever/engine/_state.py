"""What a search sees: a snapshot's rows that are still there, and the rows that came after it, at one table version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer import IndexInfo, VectorType
from retriever._vector_index import Rows
from retriever.engine._delta import Delta, held_columns
from retriever.engine._engine import Alive, Engine
from retriever.engine._places import Places

if TYPE_CHECKING:
    from lancedb.expr import Expr

DELTA_BYTES = 2**29
"""Most memory for the vectors of newer rows: 700,000 of 384 halves. Scoring them all takes about 50 ms."""


IDS_BATCH = 2**20
"""Row ids read at once: 8 MB; a million take 15 ms, four times that in batches of 8,192."""


class TableRows(Rows, Protocol):
    """A version of the tile table, as ``indexer.Snapshot`` gives it."""

    def scan(
        self, columns: Sequence[str], where: Expr | None = None, *, batch_size: int = ...
    ) -> Iterator[pa.RecordBatch]:
        """Yield the columns and ``_rowid`` of every row for which ``where`` is true, so many at a time."""
        ...

    @property
    def version(self) -> int:
        """Rises with every change."""
        ...

    @property
    def dtype(self) -> VectorType:
        """How its vectors are stored."""
        ...

    def count(self) -> int:
        """Return the number of tiles."""
        ...

    def info(self) -> IndexInfo:
        """Return what the index holds."""
        ...


class UnfitError(Exception):
    """A snapshot is of no use for a table; the message says why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Opened:
    """A snapshot that is open, whatever the version of the table."""

    engine: Engine
    """Searches it."""
    places: Places
    """Its rows by row id."""


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """A snapshot as seen from one version of the table."""

    opened: Opened
    """The snapshot."""
    table: TableRows
    """The version."""
    alive: Alive | None
    """The snapshot's rows that are still there; None for all."""
    living: int
    """How many they are."""
    delta: Delta
    """The rows that came later."""


def first_state(opened: Opened, table: TableRows) -> State:
    """Return the state of a version of the table, that of the snapshot or a later one.

    Raises:
        UnfitError: More rows are newer than can be held; the message says how many.
        StoreError: The table cannot be read.
    """
    start = State(
        opened=opened,
        table=table,
        alive=None,
        living=opened.engine.snapshot.layout.rows,
        delta=Delta.of((), space=table.space, dtype=table.dtype),
    )
    return advanced(start, table)


def advanced(state: State, table: TableRows) -> State:
    """Return the state of a later version, from that of an earlier one: what came is read, what went is masked.

    Raises:
        UnfitError: More rows are newer than can be held; the message says how many.
        StoreError: The table cannot be read.
    """
    came = _newer(state, table)
    delta = state.delta.joined(came)
    if state.living + len(delta) == table.count():
        return State(opened=state.opened, table=table, alive=state.alive, living=state.living, delta=delta)
    # Rows were replaced or deleted: reading all row ids costs 15 ms a million.
    there = _row_ids(table)
    alive, living = state.opened.places.alive(there)
    return State(opened=state.opened, table=table, alive=alive, living=living, delta=delta.kept(there))


def _newer(state: State, table: TableRows) -> Delta:
    """The rows that were written after the state's version."""
    from lancedb.expr import col, lit

    first = max(state.opened.places.next_id, int(state.delta.row_ids[-1]) + 1 if len(state.delta) else 0)
    later = col("_rowid") >= lit(first)
    number = sum(batch.num_rows for batch in table.scan((), later, batch_size=IDS_BATCH))
    if number == table.count() > 0 < state.living:
        raise UnfitError("the table was compacted or filled anew after it was made")
    if (number + len(state.delta)) * table.space.dim * np.dtype(table.dtype).itemsize > DELTA_BYTES:
        raise UnfitError(f"{number + len(state.delta):,} of {table.count():,} tiles are newer than it")
    batches = table.scan(held_columns(), later) if number else ()
    return Delta.of(batches, space=table.space, dtype=table.dtype)


def _row_ids(table: TableRows) -> NDArray[np.uint64]:
    parts = [batch["_rowid"].to_numpy() for batch in table.scan((), batch_size=IDS_BATCH)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)
