"""The search engine: right answers under any filter, from a snapshot of the tile table laid out for searching.

LanceDB stays the only truth. A snapshot is derived from one version of the tile table, lies beside it, and can be
thrown away without loss; rows that came later are searched flat and merged, rows that went are masked.

The walk of a query: prepare the vector, sieve (filter to columns), plan (which route), candidates, exact scores.
"""

from retriever.engine._build import OptimizeReport, build_snapshot, compact, optimize
from retriever.engine._engine import Alive, Engine, Ranking, Snapshot
from retriever.engine._explain import explained
from retriever.engine._fresh import Fresh
from retriever.engine._index import EngineIndex
from retriever.engine._layout import BLOCK, LANES, Layout, ShardEntry
from retriever.engine._open import OpenSnapshot, current, open_snapshot
from retriever.engine._plan import EXACT_ROUTES, Plan, Route
from retriever.engine._rows import EngineRows
from retriever.engine._shard import Shard, Shared
from retriever.engine._summary import SnapshotSummary, snapshot_summary, summary_of
from retriever.engine._verify import SnapshotCheck, verify_snapshot

__all__ = [
    "BLOCK",
    "EXACT_ROUTES",
    "LANES",
    "Alive",
    "Engine",
    "EngineIndex",
    "EngineRows",
    "Fresh",
    "Layout",
    "OpenSnapshot",
    "OptimizeReport",
    "Plan",
    "Ranking",
    "Route",
    "Shard",
    "ShardEntry",
    "Shared",
    "Snapshot",
    "SnapshotCheck",
    "SnapshotSummary",
    "build_snapshot",
    "compact",
    "current",
    "explained",
    "open_snapshot",
    "optimize",
    "snapshot_summary",
    "summary_of",
    "verify_snapshot",
]
