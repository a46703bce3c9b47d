"""Rows that are newer than a snapshot: held in memory, read as a table is, scored one and all by the flat index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import VectorSpace
from indexer import VectorType, tile_schema
from retriever._vector_index import CHUNK_ROWS

if TYPE_CHECKING:
    from lancedb.expr import Expr

NOT_HELD = ("preview",)
"""Columns that stay in the table: pictures of a few kB each, which no filter reads."""


def held_columns() -> tuple[str, ...]:
    """Return the columns that are held of a newer row."""
    layout = tile_schema(VectorSpace(encoder="", revision="", dim=1), "float32")
    return tuple(name for name in layout.names if name not in NOT_HELD)


class Delta:
    """Rows of one version of the tile table that came after a snapshot was made.

    Args:
        table: ``held_columns`` and ``_rowid``, rising.
        space: What the vectors are.
    """

    def __init__(self, table: pa.Table, *, space: VectorSpace) -> None:
        self._table = table
        self.space = space
        self.pieces: list[pa.RecordBatch] = table.to_batches()
        self.row_ids: NDArray[np.uint64] = table["_rowid"].to_numpy()
        self.sensors: frozenset[str] = frozenset(pc.unique(table["sensor"]).to_pylist())

    @classmethod
    def of(cls, batches: Iterable[pa.RecordBatch], *, space: VectorSpace, dtype: VectorType) -> Delta:
        """Return the rows of batches with ``held_columns`` and ``_rowid``."""
        schema = _schema(space, dtype)
        columns = [batch.select(schema.names) for batch in batches]
        parts = [pa.RecordBatch.from_arrays(batch.columns, schema=schema) for batch in columns]
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
        """Return these rows and newer ones, whose row ids are all greater.

        Pieces are copied together only with pieces of their own size, so that each row is copied a few times in all.
        """
        if not len(newer):
            return self
        apart, together = [*self.pieces], newer.pieces
        while apart and apart[-1].num_rows < 2 * sum(piece.num_rows for piece in together):
            together = [apart.pop(), *together]
        joined = pa.Table.from_batches(together).combine_chunks().to_batches()
        return Delta(pa.Table.from_batches([*apart, *joined]), space=self.space)


def _schema(space: VectorSpace, dtype: VectorType) -> pa.Schema:
    layout = tile_schema(space, dtype).remove_metadata()
    fields = [layout.field(name) for name in held_columns()]
    return pa.schema([*fields, pa.field("_rowid", pa.uint64())])


def vector_column(vectors: NDArray[np.floating[Any]]) -> pa.FixedSizeListArray:
    """Return (n, dim) vectors as a column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
