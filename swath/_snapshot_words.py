"""The search snapshot of an index, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from indexer import Place
    from retriever.engine import SnapshotSummary


def in_words(found: SnapshotSummary | str | None, index: str | Place) -> str:
    """Return what a snapshot holds, or why it is not used, in one line with what to do."""
    if isinstance(found, str):
        return found
    advice = f"swath optimize --index {index}"
    if found is None:
        return f"none, every tile is compared; for large archives: {advice}"
    held = f"{found.tiles:,} tiles, made from version {found.version} on {found.built}, {found.bytes / 1e6:,.1f} MB"
    return f"{held}; {found.newer:,} newer ones wait for: {advice}" if found.newer else held


def as_values(found: SnapshotSummary | str | None) -> dict[str, Any]:
    """Return the same as JSON values: ``state`` is used, not used or none."""
    if isinstance(found, str):
        return {"state": "not used", "reason": found}
    return {"state": "none"} if found is None else {"state": "used", **asdict(found)}
