"""Makes searches of an index quick again: few large files, and a search snapshot that holds every row."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from core import StoreError
from indexer.store import SEARCH, CompactReport, Store
from retriever.engine._build._align import Alignment, align, realign
from retriever.engine._build._build import Progress, build_snapshot
from retriever.engine._build._extend import extend_snapshot, in_order
from retriever.engine._open import OpenSnapshot, current, open_snapshot

REBUILT_ABOVE = 0.2
"""Share of rows that came or went since everything was put in order above which it is put in order anew."""

_LOCK = "builder.lock"


@dataclass(frozen=True, kw_only=True)
class OptimizeReport:
    """What was done."""

    snapshot: Literal["built", "extended", "kept", "none"]
    """What became of the search snapshot; none where there are no tiles."""
    tiles: int
    """Tiles in the table."""
    added: int
    """Tiles that the snapshot did not hold before."""
    gone: int
    """Tiles of the former snapshot that are no longer in the table; a built one is free of them."""
    fragments_before: int
    """Data files of the tile table."""
    fragments_after: int
    """Likewise, afterwards."""
    version: int
    """Of the tile table, and of the snapshot where it was not kept."""
    bytes: int
    """Of the snapshot's files."""
    seconds: float
    """That it took."""


def optimize(store: Store, *, rebuild: bool = False, progress: Progress | None = None) -> OptimizeReport:
    """Compact the tables of an index, then build its search snapshot or extend the one there is.

    Searches go on meanwhile; the writer's lock is only held while the tables are compacted. A full build comes first,
    so that searches have a snapshot again right after the compaction gave rows other ids.

    Args:
        store: The index.
        rebuild: Build anew whatever there is.
        progress: Called with rows done and rows in all.

    Raises:
        StoreError: The index cannot be written, or is being optimized or written by another process.
    """
    started, fragments = time.monotonic(), store.fragments
    with _building(store.path):
        table, former = store.snapshot(), _usable(store)
        before = None if former is None else align(table, former)
        built = table.count() > 0 and (rebuild or before is None or _outgrown(before, former))
        if built:
            build_snapshot(table, store.path, progress=progress)
        extended = _compacted(store, progress)[1]
    return OptimizeReport(
        snapshot="built" if built else "extended" if extended else "none" if former is None else "kept",
        tiles=store.snapshot().count(),
        added=table.count() if before is None else len(before.added),
        gone=0 if before is None else sum(int((~alive).sum()) for alive in before.alive),
        fragments_before=fragments,
        fragments_after=store.fragments,
        version=store.version,
        bytes=snapshot_bytes(store.path),
        seconds=time.monotonic() - started,
    )


def _usable(store: Store) -> OpenSnapshot | None:
    """The current snapshot, opened; None where there is none that can be extended."""
    folder = current(store.path)
    if folder is None:
        return None
    try:
        found = open_snapshot(folder)
        for number in range(len(found.layout.shards)):
            found.shard(number)
    except StoreError:
        return None
    layout, space = found.layout, store.space
    made_for = (layout.encoder, layout.revision, layout.dim, layout.dtype)
    return found if made_for == (space.encoder, space.revision, space.dim, store.dtype) else None


def _outgrown(before: Alignment, snapshot: OpenSnapshot | None) -> bool:
    """Whether too much came or went since all rows were put in order."""
    if snapshot is None:
        return True
    ordered = in_order(snapshot.layout)
    kept = sum(int(before.alive[number].sum()) for number in ordered)
    moved = len(before.added) + sum(len(alive) for alive in before.alive) - kept
    return moved > REBUILT_ABOVE * sum(snapshot.layout.shards[number].rows for number in ordered)


def compact(store: Store) -> CompactReport:
    """Compact the tables of an index and bring its search snapshot along, where it has one.

    A compaction gives rows other ids: a snapshot that is left behind cannot be used.

    Raises:
        StoreError: The index cannot be written, or is being optimized or written by another process.
    """
    with _building(store.path):
        return _compacted(store, None)[0]


def _compacted(store: Store, progress: Progress | None) -> tuple[CompactReport, bool]:
    """Compact the tables and bring the snapshot to the version that this makes; return whether it is a new one."""
    snapshot = _usable(store)
    with store.writing():
        former = store.snapshot()
        before = None if snapshot is None else align(former, snapshot)
        report = store.compact()
        table = store.snapshot()
    if snapshot is None or before is None or (before.same and table.version == former.version):
        return report, False
    after = realign(table, snapshot, before)
    if after.same and all(map(np.array_equal, before.row_ids, after.row_ids)):
        return report, False
    extend_snapshot(table, store.path, snapshot, after, progress=progress)
    return report, True


@contextmanager
def _building(index_path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    home = index_path / SEARCH
    try:
        home.mkdir(exist_ok=True)
        lock = FileLock(home / _LOCK)
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"another swath optimize is at work on {index_path}; wait until it has finished") from None
    except OSError as error:
        raise StoreError(f"cannot write {home}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def snapshot_bytes(index_path: Path) -> int:
    """Return the size of the current snapshot's files, 0 where there is none."""
    folder = current(index_path)
    return 0 if folder is None else sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
