"""A snapshot made from an older one: its files are linked, rows that came since are a shard of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import rfc3339
from retriever.engine._arrays import SHARED, array_file, shard_arrays
from retriever.engine._build._align import Alignment, ChosenRows
from retriever.engine._build._build import SHARD_ROWS, Progress, Report, VersionedRows, spread
from retriever.engine._build._folders import new_folder
from retriever.engine._build._jobs import with_shards
from retriever.engine._build._spool import Spool
from retriever.engine._build._survey import extended, survey
from retriever.engine._build._write import write_array, write_layout
from retriever.engine._layout import UNKNOWN, Layout, ShardEntry
from retriever.engine._open import OpenSnapshot
from retriever.engine._sums import SUMS, read_sums, write_sums

LATER = "later-"
"""Begins the names of shards with rows that came after the others; they are made anew with every extension."""


def extend_snapshot(
    rows: VersionedRows,
    index_path: Path,
    base: OpenSnapshot,
    alignment: Alignment,
    *,
    shard_rows: int = SHARD_ROWS,
    progress: Progress | None = None,
) -> Layout:
    """Write a snapshot of these rows from an older one and make it the current one.

    What was built in order stays as it is, with the same centroids; what came since, in earlier extensions too, makes
    one more shard (several above ``shard_rows``). Rows that are gone stay in their shards under ids that the table no
    longer has.

    Args:
        rows: One version of the tile table.
        index_path: The index directory.
        base: The older snapshot.
        alignment: Of the two.
        shard_rows: Most rows of a shard.
        progress: Called with new rows done and new rows in all.

    Raises:
        StoreError: The rows cannot be read or the snapshot cannot be written; the older one stays in place.
    """
    entries = base.layout.shards
    kept = [number for number, entry in enumerate(entries) if not (len(alignment.added) and _is_later(entry))]
    dropped = [number for number in range(len(entries)) if number not in kept]
    added = np.sort(np.concatenate([alignment.added, alignment.living(dropped)]))
    with new_folder(index_path, rows.version) as folder:
        _link(base.folder / SHARED, folder / SHARED)
        for number in kept:
            _relabelled(base, number, folder, alignment.row_ids[number])
        layout = replace(base.layout, version=rows.version, built=rfc3339(datetime.now(UTC)), shards=())
        if len(added):
            report = Report(progress, 2 * len(added)).add
            later = ChosenRows(rows, added)
            layout = _with_later(folder, later, base, layout, shard_rows=shard_rows, report=report)
        shards = (*(_widened(entries[number], layout) for number in kept), *layout.shards)
        layout = replace(layout, shards=shards, rows=sum(entry.rows for entry in shards))
        write_layout(folder, layout)
    return layout


def _is_later(entry: ShardEntry) -> bool:
    return entry.folder.startswith(LATER)


def in_order(layout: Layout) -> list[int]:
    """Return the numbers of the shards that were built in order, not later."""
    return [number for number, entry in enumerate(layout.shards) if not _is_later(entry)]


def _with_later(
    folder: Path,
    rows: ChosenRows,
    base: OpenSnapshot,
    layout: Layout,
    *,
    shard_rows: int,
    report: Callable[[int], None],
) -> Layout:
    """Write rows as shards of their own; return the layout with these alone, and with the names that came with them."""
    seen = survey(rows)
    sensors, collections = (
        extended(layout.sensors, seen.sensors),
        extended(layout.collections, seen.collections),
    )
    layout = replace(layout, sensors=sensors, collections=collections)
    spool = Spool(folder / "spool", seen.borders)
    spread(rows, spool, np.empty(0, np.int64), report)
    return with_shards(
        folder, spool.finish(), layout, base.shared, shard_rows=shard_rows, report=report, prefix=LATER
    )


def _relabelled(base: OpenSnapshot, number: int, folder: Path, row_ids: NDArray[np.uint64]) -> None:
    """Link a shard's files; its row ids are written where they changed."""
    entry = base.layout.shards[number]
    home = folder / entry.folder
    _link(base.folder / entry.folder, home)
    if not np.array_equal(row_ids, base.shard(number).row_ids):
        changed, known = array_file(home, "row_ids"), read_sums(home)
        changed.unlink()
        write_array(home, "row_ids", row_ids, shard_arrays(base.layout, entry)["row_ids"])
        (home / SUMS).unlink()
        write_sums(home, {name: found for name, found in known.items() if name != changed.name})


def _link(source: Path, target: Path) -> None:
    """Give a folder's files a second name; copy them where the file system knows no links."""
    target.mkdir()
    for file in source.iterdir():
        try:
            os.link(file, target / file.name)
        except OSError:
            shutil.copyfile(file, target / file.name)


def _widened(entry: ShardEntry, layout: Layout) -> ShardEntry:
    """The entry with a count, 0, for each name that came later."""
    return replace(
        entry,
        sensors=_padded(entry.sensors, len(layout.sensors)),
        collections=_padded(entry.collections, len(layout.collections)),
    )


def _padded(counts: Sequence[int], names: int) -> tuple[int, ...]:
    return (*counts, *[0] * (min(names, UNKNOWN + 1) - len(counts)))
