"""Rows sorted outside memory: spread over files by where they stand in the order, then sorted a file at a time.

Vectors are moved as bytes: choosing rows of float16 numbers is 15 times slower in NumPy, and in Arrow (measured).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
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
from retriever.engine._build._write import append_array

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
        folder: Made here.
        borders: The first keys of all files but the first, rising.
    """

    def __init__(self, folder: Path, borders: Keys) -> None:
        folder.mkdir()
        self._folder = folder
        self._borders = borders
        self._writers: dict[int, pa.RecordBatchFileWriter] = {}
        self._vectors: dict[int, Any] = {}
        self._rows: dict[int, int] = {}
        self._dtype = ""
        self._dim = 0

    def add(self, piece: Piece) -> None:
        """Spread the rows of a piece."""
        self._dtype, self._dim = str(piece.vectors.dtype), piece.vectors.shape[1]
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
        self._rows[bucket] = self._rows.get(bucket, 0) + len(piece)
        self._writers[bucket].write_table(piece.columns)
        append_array(self._vectors[bucket], piece.vectors)

    def finish(self) -> Spooled:
        """Close the files; return what can be read of them, here or in another process."""
        for stream in (*self._writers.values(), *self._vectors.values()):
            stream.close()
        return Spooled(folder=self._folder, rows=self._rows, dtype=self._dtype, dim=self._dim)

    def _file(self, bucket: int, kind: str) -> Path:
        return bucket_file(self._folder, bucket, kind)


@dataclass(frozen=True, kw_only=True)
class Spooled:
    """A spool whose rows are all there. May be sent to another process that sees its folder."""

    folder: Path
    """Of the files."""
    rows: Mapping[int, int]
    """Rows of each bucket that has any."""
    dtype: str
    """Of the vectors."""
    dim: int
    """Numbers in a vector."""

    @property
    def total(self) -> int:
        """Rows of all buckets."""
        return sum(self.rows.values())

    def between(self, first: int, stop: int, *, clear: bool) -> Iterator[Piece]:
        """Yield the rows from one place in the order to before another, the next bucket sorted while one is used.

        Args:
            first: Place of the first row.
            stop: Place after the last one.
            clear: Remove the file of each bucket that lies wholly between the two.
        """
        wanted = [(bucket, start) for bucket, start in self._starts() if start < stop and start + self.rows[bucket] > first]
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._read, wanted[0][0])
            for (bucket, start), following in zip(wanted, [*wanted[1:], None], strict=True):
                piece = coming.result()
                if following is not None:
                    coming = ahead.submit(self._read, following[0])
                if clear and first <= start and start + len(piece) <= stop:
                    self._remove(bucket)
                yield piece[max(0, first - start) : stop - start]

    def _starts(self) -> Iterator[tuple[int, int]]:
        start = 0
        for bucket in sorted(self.rows):
            yield bucket, start
            start += self.rows[bucket]

    def _read(self, bucket: int) -> Piece:
        with pa.memory_map(str(bucket_file(self.folder, bucket, "arrow"))) as source:
            columns = pa.ipc.open_file(source).read_all().combine_chunks()
        vectors = np.fromfile(bucket_file(self.folder, bucket, "bin"), self.dtype).reshape(-1, self.dim)
        return Piece(columns=columns, vectors=vectors).take(Keys.of(columns).order())

    def _remove(self, bucket: int) -> None:
        for kind in ("arrow", "bin"):
            bucket_file(self.folder, bucket, kind).unlink()

    def remove(self) -> None:
        """Remove what is left of the files."""
        shutil.rmtree(self.folder)


def bucket_file(folder: Path, bucket: int, kind: str) -> Path:
    """Return where a spool keeps the columns ("arrow") or the vectors ("bin") of a bucket."""
    return folder / f"{bucket:03d}.{kind}"
