"""Where in a snapshot a row of the table lies, by its row id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from retriever.engine._arrays import padded
from retriever.engine._bitmap import bitmap_of
from retriever.engine._engine import Alive, Snapshot

_FRAGMENT = np.uint64(32)
"""A row id is ``fragment << 32 | place in the fragment``; fragments are numbered upwards and never anew."""

_PLACE = np.uint64(0xFFFF_FFFF)


class Places:
    """Row ids to row numbers of a snapshot: 4 bytes a row, two look-ups an id.

    Args:
        snapshot: Opened; the row ids of all its shards are read.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._sizes = [entry.rows for entry in snapshot.layout.shards]
        ids = [snapshot.shard(number).row_ids for number in range(len(self._sizes))]
        fragments = max((int(part.max() >> _FRAGMENT) for part in ids if len(part)), default=-1) + 1
        self._lengths = np.zeros(fragments, dtype=np.int64)
        for part in ids:
            np.maximum.at(self._lengths, (part >> _FRAGMENT).astype(np.int64), (part & _PLACE).astype(np.int64) + 1)
        self._starts = np.concatenate([[0], np.cumsum(self._lengths)])
        self._rows = np.full(int(self._starts[-1]), -1, dtype=np.int32)
        first = 0
        for part in ids:
            self._rows[self._slots(part)] = np.arange(first, first + len(part), dtype=np.int32)
            first += len(part)

    @property
    def next_id(self) -> int:
        """The first row id that a row written later can have."""
        return len(self._lengths) << int(_FRAGMENT)

    def rows_of(self, row_ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Return the (n,) row numbers in the snapshot; -1 where a row is not in it."""
        fragments = (row_ids >> _FRAGMENT).astype(np.int64)
        known = fragments < len(self._lengths)
        known[known] = (row_ids[known] & _PLACE).astype(np.int64) < self._lengths[fragments[known]]
        found = np.full(len(row_ids), -1, dtype=np.int64)
        found[known] = self._rows[self._slots(row_ids[known])]
        return found

    def alive(self, row_ids: NDArray[np.uint64]) -> tuple[Alive, int]:
        """Return the snapshot's rows that are among these row ids, as bits, and how many they are."""
        rows = self.rows_of(row_ids)
        there = np.zeros(sum(self._sizes), dtype=bool)
        there[rows[rows >= 0]] = True
        ends = np.cumsum(self._sizes)
        return tuple(_bits(part) for part in np.split(there, ends[:-1])), int(there.sum())

    def _slots(self, row_ids: NDArray[np.uint64]) -> NDArray[np.int64]:
        slots: NDArray[np.int64] = self._starts[(row_ids >> _FRAGMENT).astype(np.int64)]
        return slots + (row_ids & _PLACE).astype(np.int64)


def _bits(there: NDArray[np.bool_]) -> NDArray[np.uint64] | None:
    """None where every row is there."""
    return None if there.all() else bitmap_of(np.flatnonzero(there), padded(len(there)))
