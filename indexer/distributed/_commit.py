"""How the driver makes visible what workers have written: nothing twice, nothing half, wherever it is killed.

The tile table and the ledger cannot change in one transaction. So the transaction that adds tiles carries the ledger
rows of their scenes in its properties, and the steps are:

1. where scenes replace others, their ledger rows are erased;
2. one transaction on the tile table adds the new fragments and takes away the replaced rows;
3. the ledger rows are written;
4. what large scenes had in the staging folder is deleted.

Killed before 2, nothing is visible: the next run does these scenes again and deletes the orphaned files. Killed between
2 and 3, the newest transaction of the table says what the ledger lacks, and `recover` writes it. Killed after 3, all is
there. The ledger never claims what the table does not hold.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from indexer._lance import TILES, any_key, lance_errors
from indexer._ledger import LedgerRow
from indexer._tries import again
from indexer.distributed._lance_files import tiles_dataset, tiles_options, tiles_uri
from indexer.distributed._messages import Finished, Group
from indexer.store import Store

if TYPE_CHECKING:
    from lance import LanceDataset, LanceOperation
    from lance.fragment import FragmentMetadata

LEDGER_PROPERTY = "swath.ledger"
"""Transaction property with the ledger rows of the scenes whose tiles the transaction adds."""

ALL_VERSIONS = timedelta(days=50 * 365)
"""Older than any version, so that `clean_orphans` takes away files but no version."""


class Committer:
    """Commits groups of scenes, each scene once.

    Args:
        store: The index; the writer's lock is held, so that nobody else changes it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._done = {key: row.fingerprint for key, row in store.ledger().items()}
        self._present = _scene_keys(store)

    def commit(self, groups: Sequence[Group]) -> list[Finished]:
        """Make groups visible and return the scenes that were not there before.

        A group that was delivered twice changes nothing; one that shares only some of its scenes with what is there
        replaces these.

        Raises:
            StoreError: The index cannot be written.
        """
        new: list[Finished] = []
        for batch in _disjoint(groups):
            fresh = [group for group in batch if not all(map(self._is_done, group.scenes))]
            new += [scene for group in fresh for scene in group.scenes if not self._is_done(scene)]
            if fresh:
                self._commit(fresh)
        return new

    def _is_done(self, scene: Finished) -> bool:
        return self._done.get(scene.ledger.scene_key) == scene.ledger.fingerprint

    def _commit(self, groups: Sequence[Group]) -> None:
        rows = [scene.ledger for group in groups for scene in group.scenes]
        again(partial(self._commit_tiles, groups, {row.scene_key for row in rows}))
        with lance_errors("write to", self._store.path):
            self._store.write_ledger(rows)
        self._done |= {row.scene_key: row.fingerprint for row in rows}

    def _commit_tiles(self, groups: Sequence[Group], keys: set[str]) -> None:
        replaced = keys & self._present
        self._present |= keys  # also where it fails: another try takes away what this one may have left after all
        with lance_errors("write to", self._store.path):
            if replaced:
                self._store.erase_ledger(replaced)
            with self._store.changing(TILES):
                commit_tiles(self._store, groups, replaced)


def commit_tiles(store: Store, groups: Sequence[Group], replaced: set[str]) -> None:
    """Add the tiles of groups and take away all others of the replaced scenes, in one transaction."""
    from lance import LanceDataset
    from lance.dataset import Transaction
    from lance.fragment import FragmentMetadata

    table = tiles_dataset(store)
    added = [FragmentMetadata.from_json(text) for group in groups for text in group.fragments]
    rows = [asdict(scene.ledger) for group in groups for scene in group.scenes]
    transaction = Transaction(
        read_version=table.version,
        operation=_operation(table, added, replaced),
        transaction_properties={LEDGER_PROPERTY: json.dumps(rows, default=datetime.isoformat)},
    )
    store.check_writing()
    LanceDataset.commit(tiles_uri(store), transaction, storage_options=tiles_options(store))


def _operation(
    table: LanceDataset, added: list[FragmentMetadata], replaced: set[str]
) -> LanceOperation.Append | LanceOperation.Update:
    from lance import LanceOperation

    if not replaced:
        return LanceOperation.Append(added)
    which = any_key(replaced).to_sql()
    addresses = table.scanner(columns=[], filter=which, with_row_address=True).to_table()["_rowaddr"]
    # A row address is the number of its fragment in the upper 32 bits, the row in it in the lower.
    holding = {address >> 32 for address in addresses.to_pylist()}
    left = {
        fragment.fragment_id: fragment.delete(which)
        for fragment in table.get_fragments()
        if fragment.fragment_id in holding
    }
    return LanceOperation.Update(
        removed_fragment_ids=[number for number, rest in left.items() if rest is None],
        updated_fragments=[rest for rest in left.values() if rest is not None],
        new_fragments=added,
    )


def recover(store: Store) -> int:
    """Write what the ledger lacks where a driver died between tiles and ledger; return the number of scenes.

    Only the newest transaction is believed: had anything changed the table since, its rows might be others, and then
    the scenes are simply done again. The writer's lock is held.

    Raises:
        StoreError: The index cannot be read or written.
    """
    with lance_errors("recover", store.path):
        table = tiles_dataset(store)
        transaction = table.read_transaction(table.version)
        properties = (transaction.transaction_properties if transaction else None) or {}
        known = {key: row.fingerprint for key, row in store.ledger().items()}
        rows = [_row(told) for told in json.loads(properties.get(LEDGER_PROPERTY, "[]"))]
        missing = [row for row in rows if known.get(row.scene_key) != row.fingerprint]
        if missing:
            with store.changing(TILES):
                pass  # what the dead driver had committed may not be on the disk yet
            store.write_ledger(missing)
        return len(missing)


def clean_orphans(store: Store) -> int:
    """Delete data files that no version of the tile table refers to; return the bytes freed.

    The writer's lock is held and no worker writes.

    Raises:
        StoreError: The index cannot be written.
    """
    with lance_errors("clean", store.path):
        stats = tiles_dataset(store).cleanup_old_versions(
            older_than=ALL_VERSIONS, delete_unverified=True, error_if_tagged_old_versions=False
        )
    return int(stats.bytes_removed)


def _row(told: dict[str, object]) -> LedgerRow:
    return LedgerRow(**told | {"committed": datetime.fromisoformat(str(told["committed"]))})  # type: ignore[arg-type]  # as asdict wrote them


def _scene_keys(store: Store) -> set[str]:
    """Scenes of which the tile table holds any tile, whatever the ledger says."""
    found: set[str] = set()
    for batch in store.snapshot().scan(["scene_key"]):
        found.update(batch["scene_key"].unique().to_pylist())
    return found


def _disjoint(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Split groups, in order, so that no scene is twice in a part."""
    part: list[Group] = []
    seen: set[str] = set()
    for group in groups:
        keys = {scene.ledger.scene_key for scene in group.scenes}
        if keys & seen:
            yield part
            part, seen = [], set()
        part.append(group)
        seen |= keys
    if part:
        yield part
