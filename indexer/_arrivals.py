"""Which scenes were committed since somebody looked last, and which rows of the table are theirs.

The ledger is what tells. It names every finished scene with the moment of its commit, and neither a compaction (which
gives all rows new ids) nor the removal of old versions touches that. Whoever looks keeps a mark of each entry that was
there; what has no mark is new. No clock is compared with another: a mark is equal or it is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import ConfigError, StoreError
from indexer._lance import SCENES, connect, lance_errors
from indexer._snapshot import Snapshot

if TYPE_CHECKING:
    from lancedb.expr import Expr

    from indexer.store import Store

MARK_BYTES = 24
"""Scene key (16 bytes: it is 32 hexadecimal digits) and microseconds of the commit (8)."""

IDS_BATCH = 2**20
"""Scene keys read at once: 36 MB."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenes:
    """Entries of the ledger."""

    keys: pa.Array
    """(n,) scene keys."""
    tiles: NDArray[np.int64]
    """(n,) tiles of each."""
    marks: pa.FixedSizeBinaryArray
    """(n,) of ``MARK_BYTES``: equal only for the same commit of the same scene."""

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def of(cls, store: Store) -> Self:
        """Return every finished scene of an index.

        Raises:
            StoreError: The index cannot be read or is damaged.
        """
        with lance_errors("read", store.path):
            query = connect(store.path).open_table(SCENES).search(None)
            table = query.select(["scene_key", "tiles", "committed"]).to_arrow().combine_chunks()
        keys = _plain(table["scene_key"])
        return cls(keys=keys, tiles=_plain(table["tiles"]).to_numpy(), marks=_marks(keys, _plain(table["committed"])))

    def since(self, seen: pa.FixedSizeBinaryArray) -> Self:
        """Return the scenes without a mark among those."""
        new = pc.invert(pc.is_in(self.marks, value_set=seen))
        places = new.to_numpy(zero_copy_only=False)
        return type(self)(keys=self.keys.filter(new), tiles=self.tiles[places], marks=self.marks.filter(new))


def marks_to_bytes(marks: pa.FixedSizeBinaryArray) -> bytes:
    """Return marks in an order of their own, so that equal sets are equal bytes."""
    rows = np.frombuffer(b"".join(marks.to_pylist()), dtype=np.uint8).reshape(-1, MARK_BYTES)
    return rows[np.lexsort(rows.T[::-1])].tobytes()


def marks_from_bytes(content: bytes) -> pa.FixedSizeBinaryArray:
    """Return what ``marks_to_bytes`` wrote.

    Raises:
        ConfigError: It is no whole number of marks.
    """
    if len(content) % MARK_BYTES:
        raise ConfigError(f"{len(content):,} bytes are no whole number of marks of {MARK_BYTES}")
    number = len(content) // MARK_BYTES
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(MARK_BYTES), number, [None, pa.py_buffer(content)])


def rows_of(scenes: Scenes, table: Snapshot, *, first: int = 0) -> NDArray[np.uint64]:
    """Return the row ids of the tiles of some scenes, rising.

    A row that is written later has a greater id, after a compaction too; so if these scenes came after row id ``first``
    was given out, only rows from there on are looked at. Where that finds not every tile that the ledger counts, all
    rows are.

    Args:
        scenes: Entries of the ledger that were read before ``table`` was opened.
        table: A version of the tile table.
        first: Where to begin.

    Raises:
        StoreError: The index cannot be read.
    """
    if not len(scenes):
        return np.empty(0, dtype=np.uint64)
    found, counts = _scan(scenes, table, first)
    if first and (counts != scenes.tiles).any():
        found, _ = _scan(scenes, table, 0)
    return found


def next_row_id(table: Snapshot) -> int:
    """Return a row id that is greater than those of all rows of a version of the table.

    Raises:
        StoreError: The index cannot be read.
    """
    highest = [int(batch["_rowid"].to_numpy().max()) for batch in table.scan((), batch_size=IDS_BATCH)]
    return max(highest, default=-1) + 1


def _scan(scenes: Scenes, table: Snapshot, first: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Row ids, and how many each scene has."""
    parts: list[NDArray[np.uint64]] = []
    counts = np.zeros(len(scenes), dtype=np.int64)
    for batch in table.scan(["scene_key"], _from(first), batch_size=IDS_BATCH):
        owners = pc.index_in(batch["scene_key"], value_set=scenes.keys)
        kept = pc.is_valid(owners)
        parts.append(batch["_rowid"].filter(kept).to_numpy())
        counts += np.bincount(owners.filter(kept).to_numpy(), minlength=len(scenes))
    found = np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)
    return np.sort(found), counts


def _from(first: int) -> Expr | None:
    from lancedb.expr import col, lit

    return col("_rowid") >= lit(first) if first else None


def take_rows(table: Snapshot, row_ids: NDArray[np.uint64], columns: Sequence[str]) -> pa.Table:
    """Return columns and ``_rowid`` of rows, in the order asked for.

    Raises:
        StoreError: The index cannot be read.
    """
    return table.take(row_ids, columns).append_column("_rowid", pa.array(row_ids))


def _plain(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _marks(keys: pa.Array, committed: pa.Array) -> pa.FixedSizeBinaryArray:
    try:
        names = np.frombuffer(bytes.fromhex("".join(keys.to_pylist())), dtype=np.uint8).reshape(len(keys), 16)
    except (TypeError, ValueError):
        raise StoreError("the ledger holds a scene key that is not 32 hexadecimal digits; it is damaged") from None
    instants = committed.cast(pa.int64()).to_numpy(zero_copy_only=False).astype("<i8").view(np.uint8).reshape(-1, 8)
    return marks_from_bytes(np.hstack([names, instants]).tobytes())
