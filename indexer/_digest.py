"""Check sums of rows: what a scene's tiles were when they were committed, in 32 digits whatever their order.

A row's sum is BLAKE2b over every column in a fixed order, lengths and missing values included, so that no two
different rows read alike. A scene's is the sum of its rows' modulo 2**128: rows may be added piece by piece, by several
workers, and a compaction that puts them in another order changes nothing, while a row that is lost, doubled or changed
does. It is made to notice accidents, not forgery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import StoreError
from indexer._records import RECORD_COLUMNS
from indexer._snapshot import vector_matrix

DIGEST = "1"
"""Begins every digest; raised when a column is added or read in another way."""

DIGESTED = ("scene_key", *RECORD_COLUMNS, "vector")
"""Columns of a row that are summed, in this order: all of them."""

_BYTES = 16
_MODULUS = 2 ** (8 * _BYTES)

_Bytes = NDArray[np.uint8]
_Ragged = tuple[list[int], memoryview]
"""Row i is bytes ``starts[i]`` to ``starts[i + 1]``."""


class Digest:
    """The check sum of some rows; grows as they are added."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def add(self, row_sum: int) -> None:
        """Take one row, by its sum."""
        self.rows += 1
        self._sum = (self._sum + row_sum) % _MODULUS

    def __str__(self) -> str:
        return f"{DIGEST}:{self._sum:0{2 * _BYTES}x}"


def digest_of(batches: Iterable[pa.RecordBatch]) -> Digest:
    """Return the check sum of all rows of some batches of the tile table."""
    digest = Digest()
    for batch in batches:
        for row_sum in row_sums(batch):
            digest.add(row_sum)
    return digest


def row_sums(batch: pa.RecordBatch) -> Iterator[int]:
    """Yield the sum of each row; the batch has the columns ``DIGESTED``, and may have more.

    Raises:
        StoreError: A row has no vector.
    """
    fixed, ragged = _laid_out(batch)
    width, even = fixed.shape[1], fixed.reshape(-1).data
    for row in range(batch.num_rows):
        pieces = [even[row * width : (row + 1) * width]]
        pieces += [data[starts[row] : starts[row + 1]] for starts, data in ragged]
        yield int.from_bytes(blake2b(b"".join(pieces), digest_size=_BYTES).digest(), "little")


def _laid_out(batch: pa.RecordBatch) -> tuple[_Bytes, list[_Ragged]]:
    """(n, width) bytes of every number, length and mark of a missing value; and what is of varying length."""
    fixed: list[_Bytes] = []
    ragged: list[_Ragged] = []
    for name in DIGESTED:
        column = batch[name]
        if pa.types.is_fixed_size_list(column.type):
            fixed.append(_vectors(column))
        elif pa.types.is_list(column.type):
            _add_lists(column, fixed, ragged)
        elif pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            _add_texts(column, fixed, ragged)
        else:
            fixed += [_numbers(column), _there(column)]
    return np.ascontiguousarray(np.concatenate(fixed, axis=1)), ragged


def _vectors(column: pa.Array) -> _Bytes:
    if column.null_count:
        raise StoreError(f"{column.null_count} rows have no vector")
    matrix = np.ascontiguousarray(vector_matrix(column))
    return matrix.view(np.uint8).reshape(matrix.shape[0], matrix.shape[1] * matrix.itemsize)


def _numbers(column: pa.Array) -> _Bytes:
    plain = column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column
    return _columns_of_bytes(pc.fill_null(plain, 0).to_numpy(zero_copy_only=False))


def _there(column: pa.Array) -> _Bytes:
    return _columns_of_bytes(column.is_valid().to_numpy(zero_copy_only=False).astype(np.uint8))


def _columns_of_bytes(values: NDArray[np.generic]) -> _Bytes:
    return np.ascontiguousarray(values).view(np.uint8).reshape(len(values), values.itemsize)


def _add_texts(column: pa.Array, fixed: list[_Bytes], ragged: list[_Ragged]) -> None:
    starts, data = _texts(column)
    lengths = np.where(column.is_valid().to_numpy(zero_copy_only=False), np.diff(starts), -1)
    fixed.append(_columns_of_bytes(lengths))
    ragged.append((starts.tolist(), data))


def _texts(column: pa.Array) -> tuple[NDArray[np.int64], memoryview]:
    """(n + 1,) first byte of each text, and all bytes; a missing text is empty."""
    if not len(column):
        return np.zeros(1, np.int64), memoryview(b"")
    array = pc.fill_null(column.cast(pa.large_binary()), b"")
    _, offsets, data = array.buffers()
    starts: NDArray[np.int64] = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    return starts, memoryview(data if data is not None else b"")


def _add_lists(column: pa.Array, fixed: list[_Bytes], ragged: list[_Ragged]) -> None:
    """A missing list and an empty one are the same: Lance may give back either for the other."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    fixed.append(_columns_of_bytes(lengths))
    values = column.flatten()
    if pa.types.is_string(values.type):
        inner, data = _texts(values)
        ragged += [(inner[starts].tolist(), data), _ragged(np.diff(inner), starts)]
    else:
        ragged.append(_ragged(pc.fill_null(values, 0).to_numpy(zero_copy_only=False), starts))


def _ragged(values: NDArray[np.generic], starts: NDArray[np.int64]) -> _Ragged:
    return (starts * values.itemsize).tolist(), _columns_of_bytes(values).reshape(-1).data
