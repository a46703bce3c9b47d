"""Schema version 1 to 2: every scene in the ledger has the check sum of its tiles.

Swath began to write it with each commit while the version was 1, so an index may have it of no scene, of some, of all.
A scene whose rows are not what its ledger row counts is not given one: that would vouch for damage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core import StoreError
from indexer._digest import DIGEST
from indexer._ledger import LedgerRow
from indexer._tally import SceneTally, tally_of
from indexer.store import Store

GROUP = 1000
"""Ledger rows written at once: each writing is a version of the ledger."""

Progress = Callable[[int, int], None]


def add_check_sums(store: Store, progress: Progress | None) -> None:
    """Give a check sum to the scenes that have none; the writer's lock is held.

    Raises:
        StoreError: Rows cannot be read, or are not those that the ledger counts; nothing is written of such a scene.
    """
    rows = [row for row in store.ledger().values() if not (row.digest or "").startswith(f"{DIGEST}:")]
    if not rows:
        return
    tally = tally_of(store.snapshot(), progress)
    if tally.lost:
        raise StoreError(f"cannot read {tally.lost[0]}; see what is damaged: swath verify {store.root}")
    summed = [_summed(row, tally.scenes.get(row.scene_key, SceneTally()), store) for row in rows]
    for start in range(0, len(summed), GROUP):
        store.write_ledger(summed[start : start + GROUP])


def _summed(row: LedgerRow, seen: SceneTally, store: Store) -> LedgerRow:
    if seen.digest.rows != row.tiles or seen.doubled or seen.unfit:
        raise StoreError(
            f"scene {row.scene_id!r} of {row.collection!r} is damaged ({seen.digest.rows:,} tiles in the table,"
            f" {row.tiles:,} in the ledger, {len(seen.doubled)} doubled, {len(seen.unfit)} unfit);"
            f" repair it first: swath verify {store.root}"
        )
    return replace(row, digest=str(seen.digest))
