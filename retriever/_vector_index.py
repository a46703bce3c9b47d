"""Nearest vectors among the rows that pass a filter, and the flat index that other engines are tested against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import QueryError, VectorSpace
from indexer import vector_matrix
from retriever._evaluate import matching
from retriever._expression import Expression, columns_of
from retriever._pushdown import pushed_down
from retriever._top_k import TopK, exact_scores

if TYPE_CHECKING:
    from lancedb.expr import Expr

CHUNK_ROWS = 8192
"""Rows whose vectors are in memory at once: 12 MB of 384-d float32."""


@runtime_checkable
class Rows(Protocol):
    """One version of the tile table, as ``indexer.Snapshot`` gives it."""

    @property
    def space(self) -> VectorSpace:
        """What its vectors are."""
        ...

    def scan(self, columns: Sequence[str], where: Expr | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the columns and ``_rowid`` of every row for which ``where`` is true."""
        ...

    def take(self, row_ids: Sequence[int] | NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
        """Return the columns of these rows, in the order asked for."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Matches:
    """What a vector index found: the best rows, best first; equal scores by rising tile id."""

    tile_ids: tuple[str, ...]
    """At most k."""
    row_ids: NDArray[np.uint64]
    """(n,) of the snapshot searched."""
    scores: NDArray[np.float32]
    """(n,) dot products with the query."""
    matched: int
    """Exact number of rows that pass the filter."""


@runtime_checkable
class SearchesVectors(Protocol):
    """Finds the nearest vectors."""

    def search(self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None) -> Matches:
        """Return the min(k, matched) best of the rows that pass the filter, which is applied first.

        Args:
            vector: (dim,) unit vector.
            k: At least 1.
            where: A filter; None for all rows.

        Raises:
            QueryError: The vector does not fit the index.
        """
        ...


class SearchesArchive(SearchesVectors, Protocol):
    """Finds the nearest vectors in every way an archive is asked for them."""

    def search_each(
        self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None
    ) -> dict[str, Matches]:
        """Return, for each sensor, what ``search`` finds among its tiles; sensors without a match are left out.

        Raises:
            QueryError: The vector does not fit the index.
        """
        ...

    def ahead(self, vectors: NDArray[np.float32], *, k: int, where: Expression | None = None) -> None:
        """Look up (n, dim) unit vectors together where that is faster; ``search`` then knows what it finds for each.

        Raises:
            QueryError: The vectors do not fit the index.
        """
        ...

    def every(self, vector: NDArray[np.float32], *, least: float, where: Expression | None = None) -> Iterator[Matches]:
        """Yield all rows that pass the filter and score at least ``least``, a part at a time, in no order of score.

        ``matched`` of a part counts the passing rows that were looked at for it.

        Raises:
            QueryError: The vector does not fit the index.
        """
        ...

    def sensors(self, where: Expression | None = None) -> tuple[str, ...]:
        """Return the sensors whose tiles may pass a filter, sorted."""
        ...

    def count(self, where: Expression | None = None) -> int:
        """Return how many rows pass a filter."""
        ...

    def explained(self) -> dict[str, Any]:
        """Return how the searches so far were answered, as JSON values."""
        ...

    def route(self) -> str:
        """Return in a word how the searches so far were answered."""
        ...


@runtime_checkable
class VectorIndex(SearchesVectors, Protocol):
    """Finds the nearest vectors, and can be changed."""

    def add(self, rows: pa.Table) -> None:
        """Add rows of the tile table; a row with a known tile id takes the place of the old one."""
        ...

    def delete(self, tile_ids: Sequence[str]) -> int:
        """Take rows away; return how many there were."""
        ...


class FlatIndex:
    """Compares the query with every row that passes the filter: exact, and the measure of every other index.

    Rows are streamed. Where there is a filter, its columns are read first and then the vectors of the rows that
    passed, so memory stays at a few chunks whatever the size of the archive.

    Args:
        rows: One version of the tile table.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def search(self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None) -> Matches:
        """See ``SearchesVectors``."""
        self._check(vector)
        best = _Tally(vector, k)
        for chunk in self._chunks(where, _SCORED):
            best.offer(chunk)
        return best.matches()

    def search_each(
        self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None
    ) -> dict[str, Matches]:
        """Return, for each sensor, what ``search`` finds among its tiles; sensors without a match are left out.

        One pass over the rows, whatever the number of sensors.

        Raises:
            QueryError: The vector does not fit the index.
        """
        self._check(vector)
        found: dict[str, _Tally] = {}
        for chunk in self._chunks(where, (*_SCORED, "sensor")):
            for name in pc.unique(chunk["sensor"]).to_pylist():
                of_sensor = chunk.filter(pc.equal(chunk["sensor"], name))
                found.setdefault(name, _Tally(vector, k)).offer(of_sensor)
        return {name: found[name].matches() for name in sorted(found)}

    def ahead(self, vectors: NDArray[np.float32], *, k: int, where: Expression | None = None) -> None:
        """See ``SearchesArchive``; together is no faster here."""

    def every(self, vector: NDArray[np.float32], *, least: float, where: Expression | None = None) -> Iterator[Matches]:
        """See ``SearchesArchive``."""
        self._check(vector)
        for chunk in self._chunks(where, _SCORED):
            scores = exact_scores(vector_matrix(chunk["vector"]), vector)
            kept = np.flatnonzero(scores >= least)
            yield Matches(
                tile_ids=tuple(chunk["tile_id"].take(pa.array(kept)).to_pylist()),
                row_ids=chunk["_rowid"].to_numpy()[kept],
                scores=scores[kept],
                matched=chunk.num_rows,
            )

    def sensors(self, where: Expression | None = None) -> tuple[str, ...]:
        """See ``SearchesArchive``."""
        chunks = self._chunks(where, ("sensor",))
        return tuple(sorted({name for chunk in chunks for name in pc.unique(chunk["sensor"]).to_pylist()}))

    def count(self, where: Expression | None = None) -> int:
        """See ``SearchesArchive``."""
        if where is None:
            return sum(batch.num_rows for batch in self._rows.scan(()))
        return sum(len(row_ids) for row_ids in self._passing(where))

    def explained(self) -> dict[str, Any]:
        """See ``SearchesArchive``."""
        return {"index": "flat", "exact": True}

    def route(self) -> str:
        """See ``SearchesArchive``."""
        return "flat"

    def _check(self, vector: NDArray[np.float32]) -> None:
        if vector.shape != (self._rows.space.dim,):
            raise QueryError(
                f"the vector has {vector.size} numbers, the index holds vectors of {self._rows.space.dim}"
                f" ({self._rows.space})"
            )

    def _chunks(self, where: Expression | None, columns: Sequence[str]) -> Iterator[pa.RecordBatch | pa.Table]:
        """Columns and row ids of the rows that pass the filter."""
        if where is None:
            yield from self._rows.scan(columns)
            return
        for row_ids in _in_chunks(self._passing(where)):
            found = self._rows.take(row_ids, columns)
            yield found.append_column("_rowid", pa.array(row_ids))

    def _passing(self, where: Expression) -> Iterator[NDArray[np.uint64]]:
        """Row ids that pass the filter, a batch at a time."""
        for batch in self._rows.scan(columns_of(where), pushed_down(where)):
            yield batch["_rowid"].to_numpy()[matching(where, batch)]


_SCORED = ("tile_id", "vector")


class _Tally:
    """The k best rows offered, and how many were."""

    def __init__(self, vector: NDArray[np.float32], k: int) -> None:
        self._best = TopK(vector, k)
        self._matched = 0

    def offer(self, chunk: pa.RecordBatch | pa.Table) -> None:
        self._best.offer(chunk["_rowid"], chunk["tile_id"], vector_matrix(chunk["vector"]))
        self._matched += chunk.num_rows

    def matches(self) -> Matches:
        tile_ids, row_ids, scores = self._best.result()
        return Matches(tile_ids=tile_ids, row_ids=row_ids, scores=scores, matched=self._matched)


def _in_chunks(batches: Iterator[NDArray[np.uint64]]) -> Iterator[NDArray[np.uint64]]:
    """The same ids, ``CHUNK_ROWS`` at a time."""
    waiting = np.array([], dtype=np.uint64)
    for batch in batches:
        waiting = np.concatenate([waiting, batch])
        while len(waiting) >= CHUNK_ROWS:
            yield waiting[:CHUNK_ROWS]
            waiting = waiting[CHUNK_ROWS:]
    if len(waiting):
        yield waiting
