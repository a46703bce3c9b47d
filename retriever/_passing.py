"""The rows that pass a filter, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from retriever._evaluate import matching
from retriever._expression import Expression, columns_of
from retriever._pushdown import pushed_down
from retriever._vector_index import Rows


def passing(rows: Rows, columns: Sequence[str], where: Expression | None) -> Iterator[pa.RecordBatch]:
    """Yield columns and ``_rowid`` of the rows that pass a filter; memory stays at one batch.

    Args:
        rows: One version of the tile table.
        columns: Names of columns.
        where: A filter; None for all rows.

    Raises:
        StoreError: The index cannot be read.
    """
    if where is None:
        yield from rows.scan(tuple(columns))
        return
    every = tuple(sorted({*columns, *columns_of(where)}))
    for batch in rows.scan(every, pushed_down(where)):
        yield batch.select([*columns, "_rowid"]).take(pa.array(matching(where, batch)))
