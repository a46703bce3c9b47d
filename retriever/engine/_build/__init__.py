"""Makes snapshots: rows into geographic order, vectors into codes, and all of it into a folder in one switch."""

from retriever.engine._build._align import Alignment, align, realign
from retriever.engine._build._build import SHARD_ROWS, VersionedRows, build_snapshot
from retriever.engine._build._extend import extend_snapshot
from retriever.engine._build._optimize import OptimizeReport, compact, optimize

__all__ = [
    "SHARD_ROWS",
    "Alignment",
    "OptimizeReport",
    "VersionedRows",
    "align",
    "build_snapshot",
    "compact",
    "extend_snapshot",
    "optimize",
    "realign",
]
