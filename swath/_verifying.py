"""What ``swath verify`` does: the tables, the knowledge and the search snapshot of an index, one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from core import InputError, StoreError
from indexer import BucketPath, Finding, Place, TableCheck, place_of, verify_tables
from indexer.knowledge import verify_knowledge
from indexer.store import Store

if TYPE_CHECKING:
    from retriever.engine import SnapshotCheck

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all, first of the table, then of the search snapshot."""


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """What a check of an index found."""

    index: Path | str
    """The directory, or the address in a bucket."""
    whole: bool
    """Whether nothing is lost or wrong; what is unfinished or out of date does not count against it."""
    version: int | None
    """Of the tile table; None where it cannot be opened."""
    tiles: int
    """Rows of the tile table, of which each was read."""
    scenes: int
    """Rows of the ledger."""
    summed: int
    """Tiles of scenes that were compared with the check sum made when they were committed."""
    snapshot: str
    """Of the search snapshot: none, whole, not used, damaged, or not compared."""
    compared: int
    """Rows of it that were compared with the table's."""
    findings: tuple[Finding, ...]
    """Damage first."""
    seconds: float
    """That it took."""


def verify_index(
    index: str | PathLike[str] | BucketPath, *, full: bool = False, progress: Progress | None = None
) -> VerifyReport:
    """Check that an index is whole; it need not be one that can be opened, and others may be writing to it.

    Every row of the tile table is read and compared, scene by scene, with the check sum made when it was committed; the
    search snapshot with its own check sums and with the table.

    Args:
        index: The index directory.
        full: Compare every row of the search snapshot with the table, not a sample.
        progress: Called with rows done and rows in all.

    Raises:
        InputError: The directory is not an index of this version of Swath.
    """
    started, path = time.monotonic(), place_of(index)
    tables, snapshot, findings = _checked(path, full=full, progress=progress)
    ordered = tuple(sorted(findings, key=lambda finding: not finding.damage))
    return VerifyReport(
        index=path if isinstance(path, Path) else str(path),
        whole=not any(finding.damage for finding in ordered),
        version=None if tables is None else tables.version,
        tiles=0 if tables is None else tables.tiles,
        scenes=0 if tables is None else tables.scenes,
        summed=0 if tables is None else tables.summed,
        snapshot="not compared" if snapshot is None else snapshot.state,
        compared=0 if snapshot is None else snapshot.compared,
        findings=ordered,
        seconds=time.monotonic() - started,
    )


def _checked(
    path: Place, *, full: bool, progress: Progress | None
) -> tuple[TableCheck | None, SnapshotCheck | None, list[Finding]]:
    try:
        store = Store.open(path)
        tables = verify_tables(store, progress)
    except InputError:  # no index, or one of another Swath
        raise
    except StoreError as error:
        advice = "restore a backup: swath restore"
        return None, None, [Finding(name="index-unreadable", damage=True, message=str(error), advice=advice)]
    findings = [*tables.findings, *verify_knowledge(store.path)]
    try:
        from retriever.engine import verify_snapshot

        snapshot = verify_snapshot(store, full=full, progress=progress)
    except StoreError as error:
        message, advice = f"the search snapshot was not compared: {error}", "repair the tables first"
        findings.append(Finding(name="snapshot-not-compared", damage=False, message=message, advice=advice))
        return tables, None, findings
    return tables, snapshot, [*findings, *snapshot.findings]
