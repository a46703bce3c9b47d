"""Whether the search snapshot of an index holds what its tile table holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import StoreError
from indexer import Finding, Place, Store
from indexer.store import CURRENT, SEARCH
from retriever._vector_index import CHUNK_ROWS
from retriever.engine._arrays import SHARED
from retriever.engine._delta import held_columns
from retriever.engine._engine import Engine
from retriever.engine._open import OpenSnapshot, current, open_snapshot
from retriever.engine._places import Places
from retriever.engine._published import fetch
from retriever.engine._rows import EngineRows
from retriever.engine._state import Opened, UnfitError, first_state
from retriever.engine._sums import wrong_inside

SAMPLED_ROWS = 1_000
"""Rows of each shard that are compared unless all are: a shard with 0.3 % of wrong rows passes one time in twenty."""

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""


@dataclass(frozen=True, kw_only=True)
class SnapshotCheck:
    """What the check of a search snapshot found."""

    state: Literal["none", "whole", "not used", "damaged"]
    """What it is worth; one that is not used fits another version of the index, and takes nothing from it."""
    compared: int
    """Rows that were compared with the table's, column by column."""
    findings: tuple[Finding, ...]
    """Empty where everything is as it should be."""


def verify_snapshot(store: Store, *, full: bool = False, progress: Progress | None = None) -> SnapshotCheck:
    """Compare the search snapshot of an index with its own check sums and with the newest version of the table.

    Of an index in a bucket that is the published one, which is fetched first.

    Args:
        store: The index.
        full: Compare every row, not ``SAMPLED_ROWS`` of each shard.
        progress: Called with rows compared and rows to compare.

    Raises:
        StoreError: The table cannot be read.
    """
    try:
        fetch(store)
    except StoreError as error:
        return _check(_damaged(store.path, str(error)))
    while True:
        folder = _named(store.folder)
        check = _verify_once(store, full=full, progress=progress)
        if check.state != "damaged" or folder == _named(store.folder):
            return check
        # It was replaced and cleared away meanwhile.


def _named(path: Path) -> Path | None:
    try:
        return current(path)
    except StoreError:
        return None


def _verify_once(store: Store, *, full: bool, progress: Progress | None) -> SnapshotCheck:
    try:
        folder = current(store.folder)
        if folder is None:
            return _without(store)
        snapshot = open_snapshot(folder)
        for number in range(len(snapshot.layout.shards)):
            snapshot.shard(number)
    except StoreError as error:
        return _check(_damaged(store.path, str(error)))
    damaged = list(_inside(store.path, snapshot))
    if damaged and damaged[-1].damage:
        return _check(*damaged)
    try:
        rows = _fitted(store, snapshot)
    except UnfitError as error:
        return _check(*damaged, _unused(store.path, str(error)))
    return _compared(store.path, rows, full=full, progress=progress, known=damaged)


def _without(store: Store) -> SnapshotCheck:
    pointer = store.folder / SEARCH / CURRENT
    if not pointer.exists():
        return SnapshotCheck(state="none", compared=0, findings=())
    return _check(_damaged(store.path, f"{pointer} names a folder that is not there"))


def _inside(path: Place, snapshot: OpenSnapshot) -> Iterator[Finding]:
    """Compare every byte of the large files, of which opening looks at the ends only."""
    unsummed = 0
    for folder in (SHARED, *(entry.folder for entry in snapshot.layout.shards)):
        try:
            for file, whole in wrong_inside(snapshot.folder / folder):
                unsummed += whole is None
                if whole is False:
                    yield _damaged(path, f"{file} is not as it was written")
                    return
        except (OSError, ValueError) as error:
            yield _damaged(path, f"{snapshot.folder / folder}: {error}")
            return
    if unsummed:
        message = f"of {unsummed:,} large files of the search snapshot only the ends have check sums"
        message += ": an earlier Swath made it"
        yield Finding(name="snapshot-not-summed", damage=False, message=message, advice=_anew(path))


def _fitted(store: Store, snapshot: OpenSnapshot) -> EngineRows:
    """The newest version of the table through the snapshot."""
    layout, space, table = snapshot.layout, store.space, store.snapshot()
    made_for = (layout.encoder, layout.revision, layout.dim, layout.dtype)
    if made_for != (space.encoder, space.revision, space.dim, store.dtype):
        raise UnfitError(f"it was made for {layout.encoder}@{layout.revision}")
    if table.version < layout.version:
        raise UnfitError(f"it was made from version {layout.version}, the index is at {table.version}")
    return EngineRows(first_state(Opened(engine=Engine(snapshot), places=Places(snapshot)), table))


def _compared(
    path: Place, rows: EngineRows, *, full: bool, progress: Progress | None, known: Sequence[Finding]
) -> SnapshotCheck:
    total = rows.table.count() if full else len(rows.some_of_snapshot(SAMPLED_ROWS))
    compared, wrong, first = 0, 0, ""
    for there, row_ids in _of_table(rows, full=full):
        try:
            held = rows.take(row_ids, held_columns())
        except StoreError as error:
            return _check(*known, _damaged(path, f"it lacks rows: {error}"), compared=compared)
        differing = np.flatnonzero(_differing(there, held))
        wrong += len(differing)
        first = first or (there["tile_id"][int(differing[0])].as_py() if len(differing) else "")
        compared += len(row_ids)
        if progress is not None:
            progress(compared, total)
    if wrong:
        message = f"{wrong:,} of {compared:,} rows are not as in the table, the first is {first}"
        return _check(*known, _damaged(path, message), compared=compared)
    findings = [*known, *_newer(path, rows)]
    return SnapshotCheck(state="whole", compared=compared, findings=tuple(findings))


def _of_table(rows: EngineRows, *, full: bool) -> Iterator[tuple[pa.Table, NDArray[np.uint64]]]:
    """Rows of the table and their row ids: all of them, or some of each shard."""
    columns = held_columns()
    if full:
        for batch in rows.table.scan(columns):
            yield pa.table(batch).select(list(columns)), batch["_rowid"].to_numpy()
        return
    some = rows.some_of_snapshot(SAMPLED_ROWS)
    for start in range(0, len(some), CHUNK_ROWS):
        chosen = some[start : start + CHUNK_ROWS]
        yield rows.table.take(chosen, columns), chosen


def _differing(there: pa.Table, held: pa.Table) -> NDArray[np.bool_]:
    """(n,) whether any column of a row is another in the snapshot; missing is equal to missing, no number to none."""
    found = np.zeros(len(there), np.bool_)
    for name in there.column_names:
        ours, theirs = there[name].combine_chunks(), held[name].combine_chunks()
        if not ours.equals(theirs):
            pairs = zip(map(repr, ours.to_pylist()), map(repr, theirs.to_pylist()), strict=True)
            found |= np.fromiter((one != other for one, other in pairs), np.bool_, len(there))
    return found


def _newer(path: Place, rows: EngineRows) -> Iterator[Finding]:
    newer = len(rows.state.delta)
    if newer:
        message = f"{newer:,} tiles are newer than the search snapshot; they are searched beside it"
        advice = f"swath optimize --index {path}"
        yield Finding(name="snapshot-behind", damage=False, message=message, advice=advice)


def _damaged(path: Place, reason: str) -> Finding:
    message = f"the search snapshot is damaged: {reason}"
    return Finding(name="snapshot-damaged", damage=True, message=message, advice=_anew(path))


def _unused(path: Place, reason: str) -> Finding:
    message = f"the search snapshot is not used: {reason}"
    return Finding(name="snapshot-not-used", damage=False, message=message, advice=_anew(path))


def _anew(path: Place) -> str:
    return f"swath optimize --rebuild --index {path}"


def _check(*findings: Finding, compared: int = 0) -> SnapshotCheck:
    damaged = any(finding.damage for finding in findings)
    return SnapshotCheck(state="damaged" if damaged else "not used", compared=compared, findings=findings)
