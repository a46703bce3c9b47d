"""``swath migrate``: every generation of an index, one step after the other, the version written last."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core import IndexNotFoundError
from indexer._generation import changing_generations, generation_folder, generation_numbers, home_of
from indexer._lance import TILES, has_table
from indexer._named import not_an_index
from indexer._place import local_place
from indexer._schema import SCHEMA_VERSION
from indexer.migrations._registry import Progress, steps_from
from indexer.store import Store

_ANY = 0
"""Oldest schema version that may be opened to be migrated."""


@dataclass(frozen=True, kw_only=True)
class MigrationReport:
    """What was done, or would be."""

    index: Path
    """The index directory."""
    found: int
    """Schema version of the generation in use, before."""
    reached: int
    """Its schema version afterwards; with ``dry_run`` the one it would have."""
    steps: tuple[str, ...]
    """What each step brought, in order; empty where there was nothing to do."""
    generations: int
    """Generations that were not at today's schema version, see ``swath reembed``."""
    seconds: float
    """That it took."""


def migrate(index: str | Path, *, dry_run: bool = False, progress: Progress | None = None) -> MigrationReport:
    """Bring an index that an earlier Swath made to today's layout. Searches go on meanwhile.

    Killed at any moment, the index is of the version it was or of the next, and running this again does the rest.

    Args:
        index: The index directory.
        dry_run: Only say what would be done.
        progress: Called with rows done and rows in all.

    Raises:
        IndexNotFoundError: The directory is not an index.
        InputError: A newer Swath made it, or nothing leads from its version to today's.
        StoreError: The index cannot be read or written, or another process is writing to it.
    """
    root, started = local_place(index, what="an index that is migrated"), time.monotonic()
    home = home_of(root)
    if not has_table(home, TILES):
        raise IndexNotFoundError(not_an_index(root))
    folders = [generation_folder(root, number) for number in generation_numbers(root)]
    stores = [Store.at(folder, oldest=_ANY) for folder in folders if has_table(folder, TILES)]
    found = Store.at(home, oldest=_ANY).schema_version
    behind = [store for store in stores if store.schema_version < SCHEMA_VERSION]
    titles = tuple(step.title for step in steps_from(min((store.schema_version for store in behind), default=found)))
    if behind and not dry_run:
        with changing_generations(root):
            for store in behind:
                _migrated(store, progress)
    return MigrationReport(
        index=root,
        found=found,
        reached=SCHEMA_VERSION,
        steps=titles if behind else (),
        generations=len(behind),
        seconds=time.monotonic() - started,
    )


def _migrated(store: Store, progress: Callable[[int, int], None] | None) -> None:
    with store.writing():
        for step in steps_from(store.schema_version):
            step.run(store, progress)
            store.set_schema_version(step.target)
