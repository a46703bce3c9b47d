"""Which rows of a snapshot are still in the table, under which row ids, and which rows of the table it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import VectorSpace
from indexer import vector_matrix
from retriever._vector_index import CHUNK_ROWS, Rows
from retriever.engine._open import OpenSnapshot
from retriever.engine._rows import SAMPLE
from retriever.engine._shard import Shard

if TYPE_CHECKING:
    from lancedb.expr import Expr


@dataclass(frozen=True, kw_only=True, eq=False)
class Alignment:
    """A snapshot beside a version of the table."""

    row_ids: tuple[NDArray[np.uint64], ...]
    """Of each shard (rows,) the ids in the table; a row that is gone keeps an id that the table does not have."""
    alive: tuple[NDArray[np.bool_], ...]
    """Of each shard (rows,) whether the row is still in the table as it was."""
    added: NDArray[np.uint64]
    """Ids of the table's rows that the snapshot lacks, rising."""

    def living(self, shards: Sequence[int]) -> NDArray[np.uint64]:
        """Return the ids of the rows of some shards that are still there."""
        parts = [self.row_ids[number][self.alive[number]] for number in shards]
        return np.concatenate([np.empty(0, np.uint64), *parts])


def align(rows: Rows, snapshot: OpenSnapshot) -> Alignment:
    """Compare by row id, which is never used again: an updated row has another id.

    Raises:
        StoreError: The table or the snapshot cannot be read.
    """
    there = _ids(rows)
    row_ids = tuple(np.array(snapshot.shard(number).row_ids) for number in range(len(snapshot.layout.shards)))
    alive = tuple(_among(part, there) for part in row_ids)
    return Alignment(row_ids=row_ids, alive=alive, added=there[~_among(there, np.sort(_joined(row_ids)))])


def made_from(rows: Rows, snapshot: OpenSnapshot) -> bool:
    """Whether a snapshot holds rows of this table: two tables' row ids are alike, what they stand for is not.

    Raises:
        StoreError: The table or the snapshot cannot be read.
    """
    alignment = align(rows, snapshot)
    return all(
        _alike(rows, snapshot.shard(number), ids, np.flatnonzero(alive))
        for number, (ids, alive) in enumerate(zip(alignment.row_ids, alignment.alive, strict=True))
    )


def _alike(rows: Rows, shard: Shard, row_ids: NDArray[np.uint64], there: NDArray[np.int64]) -> bool:
    some = there[:: max(len(there) // SAMPLE, 1)][:SAMPLE]
    found = rows.take(row_ids[some], ("tile_id", "vector"))
    same_names = found["tile_id"].to_pylist() == shard.scalars["tile_id"].take(pa.array(some)).to_pylist()
    return same_names and np.array_equal(vector_matrix(found["vector"]), shard.vectors[some])


def realign(rows: Rows, snapshot: OpenSnapshot, before: Alignment) -> Alignment:
    """Return the alignment after a compaction, which gives rows other ids and changes nothing else.

    Args:
        rows: The table after it.
        snapshot: The snapshot.
        before: Its alignment with the table as it was then.

    Raises:
        StoreError: The table or the snapshot cannot be read.
    """
    there = _ids(rows)
    lost = [alive & ~_among(ids, there) for ids, alive in zip(before.row_ids, before.alive, strict=True)]
    row_ids = tuple(ids.copy() for ids in before.row_ids)
    if any(part.any() for part in lost):
        tiles, ids = _tiles(rows)
        for number, (now, moved) in enumerate(zip(row_ids, lost, strict=True)):
            names = snapshot.shard(number).scalars["tile_id"].filter(pa.array(moved)).cast(pa.large_string())
            now[moved] = ids[pc.index_in(names, value_set=tiles).to_numpy()]
    held = np.sort(_joined([ids[alive] for ids, alive in zip(row_ids, before.alive, strict=True)]))
    return Alignment(row_ids=row_ids, alive=before.alive, added=there[~_among(there, held)])


def _ids(rows: Rows) -> NDArray[np.uint64]:
    """Row ids of the table, rising."""
    return np.sort(_joined([batch["_rowid"].to_numpy() for batch in rows.scan(())]))


def _tiles(rows: Rows) -> tuple[pa.Array, NDArray[np.uint64]]:
    """Tile ids and row ids of the table; the ids' letters may be more than the 2 GB that a plain text column holds."""
    batches = [
        pa.table({"tile_id": batch["tile_id"].cast(pa.large_string()), "id": batch["_rowid"]})
        for batch in rows.scan(["tile_id"])
    ]
    table = pa.concat_tables(batches).combine_chunks()
    return table["tile_id"].combine_chunks(), table["id"].to_numpy()


def _among(values: NDArray[np.uint64], rising: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """(n,) whether each value is among the rising ones."""
    if not len(rising):
        return np.zeros(len(values), np.bool_)
    places = np.minimum(np.searchsorted(rising, values), len(rising) - 1)
    found: NDArray[np.bool_] = rising[places] == values
    return found


def _joined(parts: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    return np.concatenate([np.empty(0, np.uint64), *parts])


class ChosenRows:
    """Some rows of a version of the table, as rows of their own.

    Args:
        rows: The version.
        row_ids: Of the rows.
    """

    def __init__(self, rows: Rows, row_ids: NDArray[np.uint64]) -> None:
        self._rows = rows
        self._row_ids = row_ids

    @property
    def space(self) -> VectorSpace:
        """See ``Rows``."""
        return self._rows.space

    def scan(self, columns: Sequence[str], where: Expr | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the columns and ``_rowid`` of these rows; ``where`` is a hint that is not needed."""
        for start in range(0, len(self._row_ids), CHUNK_ROWS):
            chosen = self._row_ids[start : start + CHUNK_ROWS]
            table = self._rows.take(chosen, columns).append_column("_rowid", pa.array(chosen))
            yield from table.combine_chunks().to_batches()

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """See ``Rows``."""
        return self._rows.take(row_ids, columns)
