"""How a query is going to be answered: the ways there are, and what each is thought to cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Route = Literal["exact", "blocks", "lists", "slice"]
"""``exact``: every passing row is scored; ``slice``: the same for a narrow range of time, found by the order of time;
``blocks``: codes of the surviving blocks in geographic order, then rescoring; ``lists``: codes of the nearest inverted
lists, then rescoring."""

EXACT_ROUTES: frozenset[Route] = frozenset({"exact", "slice"})
"""They answer as a flat index does, bit for bit."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The way that was taken, and why."""

    route: Route
    """An approximate one where one shard at least went that way, else the first shard's."""
    exact: bool
    """Whether the answer is promised to be the one of a flat index, ties included."""
    recall: float | None
    """Measured share of the true best that this route finds; None where exact, or never measured."""
    rows: int
    """Tiles in the snapshot."""
    estimated: int
    """Rows thought to pass the filter, before any was looked at."""
    passed: int
    """Rows that passed it; those seen to, where not all were looked at."""
    scanned: int
    """Codes that were compared."""
    scored: int
    """Rows scored from their stored vectors."""
    shards: int
    """Shards that were searched."""
    skipped: int
    """Shards that held nothing the filter can pass, and were not opened."""
    costs: Mapping[Route, float]
    """Microseconds each possible route was thought to take, all shards together."""
