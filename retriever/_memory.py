"""A tile table in memory: for tests, for small jobs, and to check other engines by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import QueryError, VectorSpace
from retriever._expression import Expression
from retriever._vector_index import FlatIndex, Matches

if TYPE_CHECKING:
    from lancedb.expr import Expr


class MemoryRows:
    """Reads an Arrow table as ``indexer.Snapshot`` reads an index; its row ids are positions.

    Args:
        table: Columns of the tile table; no tile id twice.
        space: What its vectors are.
        batch_rows: Most rows in a batch.
    """

    version = 1

    def __init__(self, table: pa.Table, *, space: VectorSpace, batch_rows: int = 8192) -> None:
        self._table = table.append_column("_rowid", pa.array(np.arange(len(table), dtype=np.uint64)))
        self.space = space
        self._batch_rows = batch_rows

    def scan(self, columns: Sequence[str], where: Expr | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the columns and ``_rowid`` of every row; ``where`` is a hint, and is not needed here."""
        yield from self._table.select([*columns, "_rowid"]).to_batches(max_chunksize=self._batch_rows)

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """Return the columns of these rows, in the order asked for."""
        return self._table.select(list(columns)).take(pa.array(row_ids, pa.uint64()))


class MemoryIndex:
    """A vector index in memory that can be changed.

    Args:
        table: Columns of the tile table; may be empty.
        space: What its vectors are.
    """

    def __init__(self, table: pa.Table, *, space: VectorSpace) -> None:
        self._table = table
        self._space = space

    def add(self, rows: pa.Table) -> None:
        """See ``VectorIndex``."""
        if rows.schema.field("vector").type.list_size != self._space.dim:
            raise QueryError(f"vectors of {rows.schema.field('vector').type} do not fit an index of {self._space}")
        self.delete(rows["tile_id"].to_pylist())
        self._table = pa.concat_tables([self._table, rows])

    def delete(self, tile_ids: Sequence[str]) -> int:
        """See ``VectorIndex``."""
        gone = pc.is_in(self._table["tile_id"], value_set=pa.array(list(tile_ids), pa.string()))
        before = len(self._table)
        self._table = self._table.filter(pc.invert(gone))
        return before - len(self._table)

    def search(self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None) -> Matches:
        """See ``SearchesVectors``."""
        return FlatIndex(MemoryRows(self._table, space=self._space)).search(vector, k=k, where=where)
