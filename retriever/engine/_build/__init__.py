"""Makes snapshots: rows into geographic order, vectors into codes, and all of it into a folder in one switch."""

from retriever.engine._build._build import SHARD_ROWS, VersionedRows, build_snapshot

__all__ = ["SHARD_ROWS", "VersionedRows", "build_snapshot"]
