"""Rows sorted outside memory: spread over files by where they stand in the order, then sorted a file at a time.

Vectors are moved as bytes: choosing rows of float16 numbers is 15 times slower in NumPy, and in Arrow (measured).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer import vector_matrix
from retriever._vector_index import Rows
from retriever.engine._build._order import Keys

SPREAD_ROWS = 65_536
"""Rows that are spread at once: 85 MB of 384-d float16 vectors and their columns."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Piece:
    """Some rows: their columns, and their vectors beside them."""

    columns: pa.Table
    """(n,) all but vector and preview, with ``_rowid``; one chunk a column."""
    vectors: NDArray[Any]
    """(n, dim) as in the table."""

    @classmethod
    def of(cls, batches: Sequence[pa.RecordBatch]) -> Self:
        """Return batches that have a vector column as one piece."""
        table = pa.Table.from_batches(batches)
        return cls(columns=table.drop_columns("vector").combine_chunks(), vectors=vector_matrix(table["vector"]))

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: slice) -> Piece:
        start, stop, _ = rows.indices(len(self))
        return Piece(columns=self.columns.slice(start, stop - start), vectors=self.vectors[start:stop])

    def take(self, rows: NDArray[np.int64]) -> Piece:
        """Return the rows of these places, in the order asked for."""
        return Piece(columns=self.columns.take(pa.array(rows)).combine_chunks(), vectors=taken(self.vectors, rows))


def taken(vectors: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return ``vectors[rows]``, copied as bytes."""
    whole = np.ascontiguousarray(vectors).view(np.dtype((np.void, vectors.shape[1] * vectors.itemsize)))[:, 0]
    return whole.take(rows).view(vectors.dtype).reshape(len(rows), -1)


def pieces(rows: Rows, columns: Sequence[str], size: int = SPREAD_ROWS) -> Iterator[Piece]:
    """Yield all rows in the table's order, at least ``size`` at a time but for the last."""
    waiting: list[pa.RecordBatch] = []
    for batch in rows.scan(columns):
        waiting.append(batch)
        if sum(part.num_rows for part in waiting) >= size:
            yield Piece.of(waiting)
            waiting = []
    if waiting:
        yield Piece.of(waiting)


class Spool:
    """The files that rows are spread over.

    Args:
        folder: Made here; a file is removed once it was read.
        borders: The first keys of all files but the first, rising.
    """

    def __init__(self, folder: Path, borders: Keys) -> None:
        folder.mkdir()
        self._folder = folder
        self._borders = borders
        self._writers: dict[int, pa.RecordBatchFileWriter] = {}
        self._vectors: dict[int, Any] = {}
        self._dtype: np.dtype[Any] | None = None
        self._dim = 0

    def add(self, piece: Piece) -> None:
        """Spread the rows of a piece."""
        self._dtype, self._dim = piece.vectors.dtype, piece.vectors.shape[1]
        buckets = Keys.of(piece.columns).places_in(self._borders)
        order = np.argsort(buckets, kind="stable")
        spread = piece.take(order)
        ends = np.cumsum(np.bincount(buckets, minlength=len(self._borders) + 1))
        for bucket, (start, stop) in enumerate(zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True)):
            if stop > start:
                self._write(bucket, spread[start:stop])

    def _write(self, bucket: int, piece: Piece) -> None:
        if bucket not in self._writers:
            self._writers[bucket] = pa.ipc.new_file(str(self._file(bucket, "arrow")), piece.columns.schema)
            self._vectors[bucket] = self._file(bucket, "bin").open("wb")
        self._writers[bucket].write_table(piece.columns)
        piece.vectors.tofile(self._vectors[bucket])

    def sorted(self) -> Iterator[Piece]:
        """Yield all rows in order, a file at a time; the next one is sorted while one is used."""
        for stream in (*self._writers.values(), *self._vectors.values()):
            stream.close()
        buckets = sorted(self._writers)
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._read, buckets[0])
            for following in [*buckets[1:], None]:
                piece = coming.result()
                if following is not None:
                    coming = ahead.submit(self._read, following)
                yield piece
        self._folder.rmdir()

    def _read(self, bucket: int) -> Piece:
        names = self._file(bucket, "arrow"), self._file(bucket, "bin")
        with pa.memory_map(str(names[0])) as source:
            columns = pa.ipc.open_file(source).read_all().combine_chunks()
        vectors = np.fromfile(names[1], self._dtype).reshape(-1, self._dim)
        piece = Piece(columns=columns, vectors=vectors).take(Keys.of(columns).order())
        for name in names:
            name.unlink()
        return piece

    def _file(self, bucket: int, kind: str) -> Path:
        return self._folder / f"{bucket:03d}.{kind}"


def cut(pieces: Iterator[Piece], size: int) -> Iterator[tuple[bool, Piece]]:
    """Yield the same rows in pieces that cross no multiple of ``size``, and whether one ends there or is last."""
    done, held = 0, None
    for piece in pieces:
        start = 0
        while start < len(piece):
            if held is not None:
                yield done % size == 0, held
            held = piece[start : start + size - done % size]
            start, done = start + len(held), done + len(held)
    if held is not None:
        yield True, held
