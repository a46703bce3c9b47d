"""Makes searches of an index quick again: few large files, and a search snapshot that holds every row."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Literal

import numpy as np

from core import StoreError
from indexer.distributed import RayOptions
from indexer.store import BusyError, CompactReport, Store
from retriever.engine._build._align import Alignment, align, made_from, realign
from retriever.engine._build._build import Progress, build_snapshot
from retriever.engine._build._extend import extend_snapshot, in_order
from retriever.engine._build._folders import building
from retriever.engine._build._jobs import one_by_one
from retriever.engine._build._on_ray import shards_on_ray
from retriever.engine._published import fetch, publish
from retriever.engine._open import OpenSnapshot, current, open_snapshot, snapshot_bytes

REBUILT_ABOVE = 0.2
"""Share of rows that came or went since everything was put in order above which it is put in order anew."""

_Merge = Callable[[], CompactReport]
"""Compacts the tables."""


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
    compacted: bool
    """False where another process was writing, so that data files were left as they were."""
    bytes: int
    """Of the snapshot's files."""
    seconds: float
    """That it took."""


def optimize(
    store: Store,
    *,
    rebuild: bool = False,
    keep: timedelta | None = None,
    versions: int = 1,
    progress: Progress | None = None,
    ray: RayOptions | None = None,
) -> OptimizeReport:
    """Compact the tables of an index, then build its search snapshot or extend the one there is.

    Searches go on meanwhile; the writer's lock is only held while the tables are compacted. A full build comes first,
    so that searches have a snapshot again right after the compaction gave rows other ids. While another process writes,
    perhaps for hours, the snapshot alone is made.

    Args:
        store: The index.
        rebuild: Build anew whatever there is.
        keep: See ``Store.compact``.
        versions: See ``Store.compact``.
        progress: Called with rows done and rows in all.
        ray: Where the shards of a full build are written side by side; None writes them here, one by one.

    Raises:
        MissingExtraError: Ray is asked for and not installed.
        InputError: Less than no time is kept, less than one version, or no Ray cluster answers.
        StoreError: The index cannot be written, or is being optimized by another process.
    """
    started, fragments = time.monotonic(), store.fragments
    merge = partial(store.compact, keep=keep, versions=versions)
    _bring_here(store)
    with building(store.folder):
        table, former = store.snapshot(), _usable(store)
        before = None if former is None else align(table, former)
        built = table.count() > 0 and (rebuild or before is None or _outgrown(before, former))
        if built:
            with nullcontext(one_by_one) if ray is None else shards_on_ray(ray) as run:
                build_snapshot(table, store.folder, progress=progress, run=run)
        compacted, extended = _compacted_if_free(store, merge, progress)
        size = snapshot_bytes(store.folder)
        publish(store)
    return OptimizeReport(
        snapshot="built" if built else "extended" if extended else "none" if former is None else "kept",
        tiles=store.snapshot().count(),
        added=table.count() if before is None else len(before.added),
        gone=0 if before is None else sum(int((~alive).sum()) for alive in before.alive),
        fragments_before=fragments,
        fragments_after=store.fragments,
        version=store.version,
        compacted=compacted,
        bytes=size,
        seconds=time.monotonic() - started,
    )


def _usable(store: Store) -> OpenSnapshot | None:
    """The current snapshot, opened; None where there is none that can be extended."""
    try:
        folder = current(store.folder)
        if folder is None:
            return None
        found = open_snapshot(folder)
        for number in range(len(found.layout.shards)):
            found.shard(number)
    except StoreError:
        return None
    layout, space = found.layout, store.space
    made_for = (layout.encoder, layout.revision, layout.dim, layout.dtype)
    fits = made_for == (space.encoder, space.revision, space.dim, store.dtype)
    return found if fits and made_from(store.snapshot(), found) else None


def _outgrown(before: Alignment, snapshot: OpenSnapshot | None) -> bool:
    """Whether too much came or went since all rows were put in order."""
    if snapshot is None:
        return True
    ordered = in_order(snapshot.layout)
    kept = sum(int(before.alive[number].sum()) for number in ordered)
    moved = len(before.added) + sum(len(alive) for alive in before.alive) - kept
    return moved > REBUILT_ABOVE * sum(snapshot.layout.shards[number].rows for number in ordered)


def compact(store: Store, *, keep: timedelta | None = None, versions: int = 1) -> CompactReport:
    """Compact the tables of an index and bring its search snapshot along, where it has one.

    A compaction gives rows other ids: a snapshot that is left behind cannot be used.

    Args:
        store: The index.
        keep: See ``Store.compact``.
        versions: See ``Store.compact``.

    Raises:
        InputError: Less than no time is kept, or less than one version.
        StoreError: The index cannot be written, or is being optimized or written by another process.
    """
    _bring_here(store)
    with building(store.folder):
        report, _ = _compacted(store, partial(store.compact, keep=keep, versions=versions), None)
        publish(store)
    return report


def _bring_here(store: Store) -> None:
    """Begin with the snapshot that another machine published; one that cannot be fetched is built anew."""
    with suppress(StoreError):
        fetch(store)


def _compacted_if_free(store: Store, merge: _Merge, progress: Progress | None) -> tuple[bool, bool]:
    """Return whether the tables were compacted and whether the snapshot is a new one."""
    try:
        return True, _compacted(store, merge, progress)[1]
    except BusyError:
        return False, _extended(store, progress)


def _extended(store: Store, progress: Progress | None) -> bool:
    """Bring the snapshot to the newest version without a compaction; return whether it is a new one."""
    snapshot, table = _usable(store), store.snapshot()
    alignment = None if snapshot is None else align(table, snapshot)
    if snapshot is None or alignment is None or not len(alignment.added):
        return False
    extend_snapshot(table, store.folder, snapshot, alignment, progress=progress)
    return True


def _compacted(store: Store, merge: _Merge, progress: Progress | None) -> tuple[CompactReport, bool]:
    """Compact the tables and bring the snapshot to the version that this makes; return whether it is a new one."""
    snapshot = _usable(store)
    with store.writing():
        former = store.snapshot()
        before = None if snapshot is None else align(former, snapshot)
        report = merge()
        table = store.snapshot()
    if snapshot is None or before is None:
        return report, False
    after = realign(table, snapshot, before)
    # Rows that are gone are masked: a snapshot without their mask finds the same in the same time.
    if not len(after.added) and all(map(np.array_equal, before.row_ids, after.row_ids)):
        return report, False
    extend_snapshot(table, store.folder, snapshot, after, progress=progress)
    return report, True
