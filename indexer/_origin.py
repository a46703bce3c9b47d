"""Which scene of another generation a scene was embedded from, and whether it still is that one.

A scene that was re-embedded keeps the fingerprint of its ledger row, which speaks of the source files, the tiling and
the space it was indexed in first: so ``swath index`` finds that nothing changed. The row's parameters say which space
that was, and which row of the other generation the tiles come from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core import StoreError, VectorSpace
from indexer._ledger import LedgerRow

_KEY = "origin"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What one generation lacks of another."""

    missing: tuple[LedgerRow, ...]
    """Scenes that it does not have, or has of an earlier commit."""
    gone: tuple[str, ...]
    """Keys of scenes that it has and the other does not."""

    @property
    def none(self) -> bool:
        """Whether both hold the same scenes."""
        return not self.missing and not self.gone


def mark_of(row: LedgerRow) -> str:
    """Return what is equal only for the same commit of the same scene."""
    return f"{row.fingerprint}@{row.committed.isoformat()}"


def fingerprint_space(row: LedgerRow, own: VectorSpace) -> VectorSpace:
    """Return the space that a row's fingerprint speaks of.

    Args:
        row: Of a ledger.
        own: Space of that ledger's generation.
    """
    origin = _origin(row)
    return own if origin is None else VectorSpace(**origin["space"])


def with_origin(row: LedgerRow, space: VectorSpace) -> str:
    """Return the parameters of the row that is made from a row of another generation, whose space is given."""
    told = parameters_of(row)
    return json.dumps({**told, _KEY: {"mark": mark_of(row), "space": asdict(fingerprint_space(row, space))}})


def difference(of: Mapping[str, LedgerRow], held: Mapping[str, LedgerRow]) -> Difference:
    """Return what is missing or too much where ``held`` should have the scenes of ``of``; ledgers by scene key."""
    missing = [row for key, row in of.items() if key not in held or not _same(row, held[key])]
    return Difference(missing=tuple(missing), gone=tuple(sorted(held.keys() - of.keys())))


def _same(one: LedgerRow, other: LedgerRow) -> bool:
    """Whether one of two rows was made from the other, and that has not been committed again since."""
    return _made_from(one, other) or _made_from(other, one)


def _made_from(row: LedgerRow, source: LedgerRow) -> bool:
    origin = _origin(row)
    return origin is not None and origin["mark"] == mark_of(source)


def _origin(row: LedgerRow) -> dict[str, Any] | None:
    # Most rows have none; a million need not be parsed to see that.
    return parameters_of(row).get(_KEY) if f'"{_KEY}"' in row.parameters else None


def parameters_of(row: LedgerRow) -> dict[str, Any]:
    """Return how a scene was cut and read, and which scene of another generation it was made from.

    Raises:
        StoreError: The ledger is damaged.
    """
    try:
        told = json.loads(row.parameters)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise StoreError(
            f"the ledger's row of scene {row.scene_id!r} of {row.collection!r} is damaged: its parameters are no JSON;"
            " remove the scene and index it again"
        )
    return told
