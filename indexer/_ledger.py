"""What goes into the store and what comes back from changing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class LedgerRow:
    """One finished scene."""

    scene_key: str
    """32 hexadecimal digits, see ``scene_key``."""
    scene_id: str
    """See Scene."""
    collection: str
    """See Scene."""
    href: str
    """See Scene."""
    fingerprint: str
    """Source files, parameters and encoder; equal means there is nothing to do."""
    tiles: int
    """Tiles in the table."""
    dropped: int
    """Tiles under the minimum valid fraction."""
    parameters: str
    """JSON: tiling, sensor and encoding."""
    committed: datetime
    """UTC."""
    digest: str | None = None
    """Check sum of its tiles as they were committed, see ``_digest.py``; None where an earlier Swath committed them."""


def ledger_rows(table: Any, where: str | None = None) -> list[LedgerRow]:
    """Return the rows of a ledger table, as many as it has of a scene; columns of a later Swath are passed over."""
    query = table.search(None)
    known = {field.name for field in fields(LedgerRow)}
    rows = (query if where is None else query.where(where)).to_arrow().to_pylist()
    plain = [{name: value for name, value in row.items() if name in known} for row in rows]
    return [LedgerRow(**row | {"committed": row["committed"].astimezone(UTC)}) for row in plain]


@dataclass(frozen=True, kw_only=True)
class SceneRows:
    """A finished scene on its way into the store."""

    ledger: LedgerRow
    """What will be remembered of it."""
    batches: Iterable[pa.RecordBatch]
    """All its tiles, in the store's schema; read once."""
    undated: bool = False
    """Whether nothing tells when the scene was taken."""


@dataclass(frozen=True, kw_only=True)
class Removed:
    """What a removal took away."""

    scenes: int
    """Number of scenes."""
    tiles: int
    """Number of tiles."""


@dataclass(frozen=True, kw_only=True)
class CompactReport:
    """What a compaction did."""

    fragments_before: int
    """Data fragments of the tile table."""
    fragments_after: int
    """Likewise, afterwards."""
    version: int
    """Version of the tile table afterwards."""
