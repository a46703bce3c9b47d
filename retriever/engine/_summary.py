"""What to tell the owner of an index about its search snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from indexer.store import Store
from retriever._version import Version
from retriever.engine._fresh import Fresh
from retriever.engine._open import snapshot_bytes
from retriever.engine._rows import EngineRows


@dataclass(frozen=True, kw_only=True)
class SnapshotSummary:
    """The search snapshot beside the newest version of the table."""

    version: int
    """Of the tile table that it was made from."""
    built: str
    """When, RFC 3339."""
    tiles: int
    """Its tiles that are still in the table."""
    newer: int
    """Tiles that came later: they are searched one and all."""
    bytes: int
    """Of its files."""


def snapshot_summary(store: Store) -> SnapshotSummary | str | None:
    """Return what the search snapshot of an index holds, why it is not used, or None where there is none.

    Raises:
        StoreError: The index cannot be read.
    """
    return summary_of(Fresh(store).newest(), store.folder)


def summary_of(version: Version, index: Path) -> SnapshotSummary | str | None:
    """Return the same of a version that is open; ``index`` is its folder, see ``Store.folder``.

    Raises:
        StoreError: The index cannot be read.
    """
    if not isinstance(version.rows, EngineRows):
        return version.remarks[0] if version.remarks else None
    state = version.rows.state
    layout = state.opened.engine.snapshot.layout
    return SnapshotSummary(
        version=layout.version,
        built=layout.built,
        tiles=state.living,
        newer=len(state.delta),
        bytes=snapshot_bytes(index),
    )
