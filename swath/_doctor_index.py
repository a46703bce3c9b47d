"""What ``swath doctor --index`` examines: an index at a glance; ``swath verify`` reads every row."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from swath._doctor import LEAST_FREE_GIB, Check

if TYPE_CHECKING:
    from indexer.store import Store


def examine_index(path: Path) -> list[Check]:
    """Look at an index; damage is a check that failed, not an error.

    Raises:
        IndexNotFoundError: The directory is missing or is not an index.
    """
    from core import InputError, StoreError
    from indexer.store import Store

    checks: list[Check] = []
    try:
        checks.extend(_checks(Store.open(path)))  # keeps those before one that fails
    except InputError:
        raise
    except StoreError as error:
        checks.append(Check(name="index", ok=False, found=f"{error}; restore a backup: swath restore"))
    return checks


def _checks(store: Store) -> Iterator[Check]:
    from indexer import verify_files

    free = shutil.disk_usage(store.path).free / 2**30
    size = sum(file.stat().st_size for file in store.root.rglob("*") if file.is_file()) / 2**30
    # A compaction writes the table anew before the old files may go.
    room = "" if free > size else "; a compaction or a rebuild may need as much room again as the index takes"
    said = f"{free:.1f} GiB free, the index takes {size:.1f} GiB{room}"
    yield Check(name="index disk", ok=free > LEAST_FREE_GIB, found=said)
    moment = store.moment()
    tables = f"{moment.tiles.count():,} tiles at version {moment.tiles.version}, {len(moment.ledger):,} scenes"
    yield Check(name="index tables", ok=True, found=f"{tables} at version {moment.scenes_version}")
    damage = [f"{finding.message}; {finding.advice}" for finding in verify_files(store)]
    yield Check(name="index files", ok=not damage, found="; ".join(damage) or "all there, of their sizes")
    yield _snapshot(store)


def _snapshot(store: Store) -> Check:
    from core import StoreError
    from retriever.engine import snapshot_summary
    from swath._snapshot_words import in_words

    try:
        found = snapshot_summary(store)
    except StoreError as error:
        return Check(name="search snapshot", ok=False, found=str(error))
    # Searches are right without it: one that cannot be used is slow, not broken.
    return Check(name="search snapshot", ok=True, found=in_words(found, store.path))
