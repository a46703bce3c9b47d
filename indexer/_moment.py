"""Both tables of an index as they were at one instant, though no transaction spans them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core import StoreError
from indexer._lance import lance_errors
from indexer._ledger import LedgerRow, ledger_rows
from indexer._place import Place
from indexer._snapshot import Snapshot

LOOKS = 100
"""Times that an instant between two commits, which come seconds apart, is looked for."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Both tables of an index as they were at one instant."""

    tiles: Snapshot
    """The tiles."""
    ledger: tuple[LedgerRow, ...]
    """Every row of the ledger, two of a scene where it is damaged."""
    scenes_version: int
    """Version of the ledger's table."""


def moment_of(path: Place, *, tiles: Callable[[], Snapshot], scenes: Callable[[], Any]) -> Moment:
    """Return both tables as they were at one instant, while others may be writing.

    Args:
        path: The index, for messages.
        tiles: Opens the newest version of the tiles.
        scenes: Opens the newest version of the ledger.

    Raises:
        StoreError: The index cannot be read, or changes faster than it can be looked at.
    """
    for _ in range(LOOKS):
        with lance_errors("read", path):
            ledger = scenes()
            ledger.checkout(ledger.version)
            seen = tiles()
            if scenes().version == ledger.version:
                return Moment(tiles=seen, ledger=tuple(ledger_rows(ledger)), scenes_version=int(ledger.version))
    raise StoreError(f"the index {path} changes too fast to be read as a whole; try again")
