"""Geographic order: by H3 cell, then by date, then by row id. Cells sort so that an area's lie together.

https://h3geo.org/docs/core-library/h3Indexing/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

KEY_COLUMNS = ("h3", "datetime")
"""What the order is made of, with ``_rowid``."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Keys:
    """What rows are ordered by; no two rows are equal."""

    cells: NDArray[np.uint64]
    """(n,) 0 where there is none: those come first."""
    micros: NDArray[np.int64]
    """(n,) since 1970; the least number where there is no date."""
    row_ids: NDArray[np.uint64]
    """(n,)"""

    @classmethod
    def of(cls, rows: pa.Table | pa.RecordBatch) -> Self:
        """Return the keys of rows with the columns of KEY_COLUMNS and ``_rowid``."""
        return cls(
            cells=_numpy(pc.fill_null(rows["h3"], 0)),
            micros=_numpy(pc.fill_null(rows["datetime"].cast(pa.int64()), np.iinfo(np.int64).min)),
            row_ids=_numpy(rows["_rowid"]),
        )

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """Return the keys of several parts as one."""
        columns = zip(*((part.cells, part.micros, part.row_ids) for part in parts), strict=True)
        cells, micros, row_ids = (np.concatenate(column) for column in columns)
        return cls(cells=cells, micros=micros, row_ids=row_ids)

    def __len__(self) -> int:
        return len(self.cells)

    def __getitem__(self, chosen: NDArray[np.int64] | slice) -> Keys:
        return Keys(cells=self.cells[chosen], micros=self.micros[chosen], row_ids=self.row_ids[chosen])

    def order(self) -> NDArray[np.int64]:
        """Return (n,) places in rising order."""
        return np.lexsort((self.row_ids, self.micros, self.cells))

    def places_in(self, borders: Keys) -> NDArray[np.int64]:
        """Return (n,) how many of the rising ``borders`` are not above each key."""
        low = np.searchsorted(borders.cells, self.cells, side="left")
        high = np.searchsorted(borders.cells, self.cells, side="right")
        unclear = np.flatnonzero(low != high)  # the cell of a border: date and row id decide
        if len(unclear):
            high[unclear] = np.searchsorted(borders._text(), self[unclear]._text(), side="right")
        return high

    def _text(self) -> NDArray[np.bytes_]:
        """Keys as bytes that sort as they do."""
        columns = np.empty((len(self), 3), ">u8")  # bytes compare from the left, the highest byte first
        columns[:, 0], columns[:, 2] = self.cells, self.row_ids
        columns[:, 1] = self.micros.view(np.uint64) ^ np.uint64(1 << 63)
        return columns.view("S24")[:, 0]


def _numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    numbers: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    return numbers
