"""Rows that are newer than a snapshot: held in memory, read as a table is, scored one and all by the flat index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import VectorSpace
from indexer import tile_schema, vector_matrix
from retriever._vector_index import CHUNK_ROWS

if TYPE_CHECKING:
    from lancedb.expr import Expr

NOT_HELD = ("preview",)
"""Columns that stay in the table: pictures of a few kB each, which no filter reads."""

MOST_CHUNKS = 16
"""Commits after which the newer rows are copied into one piece: copying them at each would cost more and more."""


def held_columns() -> tuple[str, ...]:
    """Return the columns that are held of a newer row."""
    layout = tile_schema(VectorSpace(encoder="", revision="", dim=1), "float32")
    return tuple(name for name in layout.names if name not in NOT_HELD)


class Delta:
    """Rows of one version of the tile table that came after a snapshot was made.

    Args:
        table: ``held_columns`` and ``_rowid``, rising; vectors are float32.
        space: What the vectors are.
    """

    def __init__(self, table: pa.Table, *, space: VectorSpace) -> None:
        self._table = table
        self.space = space
        self.row_ids: NDArray[np.uint64] = table["_rowid"].to_numpy()
        self.sensors: frozenset[str] = frozenset(pc.unique(table["sensor"]).to_pylist())

    @classmethod
    def of(cls, batches: Iterable[pa.RecordBatch], *, space: VectorSpace) -> Delta:
        """Return the rows of batches with ``held_columns`` and ``_rowid``."""
        parts = [_widened(batch) for batch in batches]
        schema = parts[0].schema if parts else _schema(space)
        table = pa.Table.from_batches(parts, schema).combine_chunks()
        rising = bool((np.diff(table["_rowid"].to_numpy().astype(np.int64)) > 0).all())
        return cls(table if rising else table.sort_by("_rowid"), space=space)

    def __len__(self) -> int:
        return len(self.row_ids)

    def scan(self, columns: Sequence[str], where: Expr | None = None) -> Iterator[pa.RecordBatch]:
        """See ``Rows``; ``where`` is a hint, and is not needed here."""
        yield from self._table.select([*columns, "_rowid"]).to_batches(max_chunksize=CHUNK_ROWS)

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """See ``Rows``; every row id is one of these."""
        places = np.searchsorted(self.row_ids, np.asarray(row_ids, dtype=np.uint64))
        return self._table.select(list(columns)).take(pa.array(places))

    def holds(self, row_ids: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Return which row ids are rows of this."""
        if not len(self):
            return np.zeros(len(row_ids), dtype=bool)
        places = np.minimum(np.searchsorted(self.row_ids, row_ids), len(self) - 1)
        found: NDArray[np.bool_] = self.row_ids[places] == row_ids
        return found

    def kept(self, row_ids: NDArray[np.uint64]) -> Delta:
        """Return those of its rows that are among these."""
        if not len(self):
            return self
        later = np.sort(row_ids[row_ids >= self.row_ids[0]])
        staying = np.searchsorted(later, self.row_ids, side="right") > np.searchsorted(later, self.row_ids)
        return self if staying.all() else Delta(self._table.filter(pa.array(staying)), space=self.space)

    def joined(self, newer: Delta) -> Delta:
        """Return these rows and newer ones, whose row ids are all greater."""
        if not len(newer):
            return self
        if not len(self):
            return newer
        both = pa.concat_tables([self._table, newer._table])
        return Delta(both if both["_rowid"].num_chunks < MOST_CHUNKS else both.combine_chunks(), space=self.space)


def _schema(space: VectorSpace) -> pa.Schema:
    layout = tile_schema(space, "float32").remove_metadata()
    fields = [layout.field(name) for name in held_columns()]
    return pa.schema([*fields, pa.field("_rowid", pa.uint64())])


def _widened(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Vectors as float32: the same numbers, but NumPy multiplies them 20 times as fast."""
    column = vector_column(vector_matrix(batch["vector"]).astype(np.float32, copy=False))
    names = [*held_columns(), "_rowid"]
    return pa.RecordBatch.from_arrays([column if name == "vector" else batch[name] for name in names], names=names)


def vector_column(vectors: NDArray[np.floating[Any]]) -> pa.FixedSizeListArray:
    """Return (n, dim) vectors as a column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
