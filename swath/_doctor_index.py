"""What ``swath doctor --index`` examines: an index at a glance; ``swath verify`` reads every row."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from swath._doctor_check import Check, State, bounded
from swath._doctor_disk import LEAST_FREE_GIB

if TYPE_CHECKING:
    from indexer.store import Store

RESTORE = "swath restore BACKUPS INDEX, or index the sources again"
"""Advice where an index is damaged."""


def examine_index(path: str | PathLike[str]) -> list[Check]:
    """Look at an index; damage is a check that failed, not an error.

    Raises:
        IndexNotFoundError: The directory is missing or is not an index.
    """
    from core import InputError, StoreError
    from indexer.store import Store

    try:
        store = Store.open(path)
    except InputError:
        raise
    except StoreError as error:
        return [Check(name="index", state="fail", found=str(error), advice=RESTORE)]
    return [bounded(name, partial(check, store), advice=advice) for name, check, advice in _checks(store)]


def _checks(store: Store) -> Iterator[tuple[str, Callable[[Store], Check], str]]:
    """Name, check, and what to do where it cannot even be made."""
    yield "index disk", _disk, "is the drive still there?"
    yield "index tables", _tables, RESTORE
    yield "index files", _files, RESTORE
    yield "index encoder", _encoder, "swath encoders --verbose says where its weights belong"
    yield "search snapshot", _snapshot, f"swath optimize --rebuild --index {store.root}"


def _disk(store: Store) -> Check:
    if not isinstance(store.root, Path):
        return Check(name="index disk", state="ok", found=f"in a bucket; its files here are in {store.folder}")
    free = shutil.disk_usage(store.root).free / 2**30
    size = sum(file.stat().st_size for file in store.root.rglob("*") if file.is_file()) / 2**30
    found = f"{free:.1f} GiB free, the index takes {size:.1f} GiB"
    if free <= LEAST_FREE_GIB:
        return Check(name="index disk", state="fail", found=found, advice="make room: the next ingest may fill it")
    # A compaction writes the table anew before the old files may go.
    if free <= size:
        return Check(
            name="index disk", state="warn", found=found, advice="make room: a compaction may need as much again"
        )
    return Check(name="index disk", state="ok", found=found)


def _tables(store: Store) -> Check:
    from indexer import SCHEMA_VERSION

    moment = store.moment()
    tiles, said = moment.tiles.count(), sum(row.tiles for row in moment.ledger)
    found = f"{tiles:,} tiles at version {moment.tiles.version}, {len(moment.ledger):,} scenes"
    found += f" at version {moment.scenes_version}"
    if store.schema_version != SCHEMA_VERSION:
        found += f"; schema version {store.schema_version}, this Swath writes {SCHEMA_VERSION}"
        return Check(name="index tables", state="warn", found=found, advice=f"swath migrate {store.root}")
    if tiles == said:
        return Check(name="index tables", state="ok", found=found)
    found += f", which say {said:,} tiles"
    return Check(
        name="index tables", state="warn", found=found, advice=f"unless one is writing: swath verify {store.root}"
    )


def _files(store: Store) -> Check:
    from indexer import verify_files

    damage = verify_files(store)
    if not damage:
        return Check(name="index files", state="ok", found="all there, of their sizes")
    found = "; ".join(finding.message for finding in damage)
    return Check(
        name="index files", state="fail", found=found, advice="; ".join(dict.fromkeys(f.advice for f in damage))
    )


def _encoder(store: Store) -> Check:
    from core import SwathError
    from embeddings import open_encoder_of

    try:
        open_encoder_of(store.space)
    except SwathError as error:
        advice = "until it is there, only filters and tiles that are like another can be asked for"
        return Check(name="index encoder", state="warn", found=f"{store.space}: {error}", advice=advice)
    return Check(name="index encoder", state="ok", found=str(store.space))


def _snapshot(store: Store) -> Check:
    from retriever.engine import snapshot_summary
    from swath._snapshot_words import in_words

    found = snapshot_summary(store)
    # Searches are right without it: one that cannot be used is slow, not broken.
    state: State = "warn" if isinstance(found, str) else "ok"
    advice = f"swath optimize --index {store.path}" if isinstance(found, str) else ""
    return Check(name="search snapshot", state=state, found=in_words(found, store.path), advice=advice)
