"""The knowledge table: passages beside the tiles of an index, in one Lance table of their own.

A file's passages arrive, change and vanish in one transaction, so a reader sees a file whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC
from functools import partial
from os import PathLike
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from core import InputError, SpaceMismatchError, VectorSpace
from indexer._durable import durable
from indexer._lance import connect, has_table, lance_errors, versions_stamp
from indexer._place import BucketPath, Place, place_of
from indexer._retention import grace, tidy_table
from indexer._snapshot import Snapshot
from indexer.knowledge._types import KnowledgeFile
from indexer.store import Store

KNOWLEDGE = "knowledge"
"""Name of the table."""

SCHEMA_VERSION = 1
"""Raised when a column changes meaning."""

_METADATA = b"swath"

_FIELDS = (
    pa.field("passage_id", pa.string(), nullable=False),
    pa.field("source", pa.string(), nullable=False),  # file name without folders
    pa.field("position", pa.int64(), nullable=False),  # 0-based, in the file
    pa.field("title", pa.string(), nullable=False),
    pa.field("text", pa.string(), nullable=False),
    pa.field("names", pa.list_(pa.string()), nullable=False),  # what a question may call it
    pa.field("placed", pa.bool_(), nullable=False),
    pa.field("geometry", pa.binary()),  # WKB, lon lat, as given
    pa.field("west", pa.float64()),  # bounds of what it covers, radius included
    pa.field("south", pa.float64()),
    pa.field("east", pa.float64()),  # smaller than west across the antimeridian
    pa.field("north", pa.float64()),
    pa.field("lon", pa.float64()),
    pa.field("lat", pa.float64()),
    pa.field("h3", pa.uint64()),  # centre cell, resolution 12
    pa.field("h3_cover", pa.list_(pa.uint64())),
    pa.field("datetime", pa.timestamp("us", tz="UTC")),
    pa.field("radius_km", pa.float64()),
    pa.field("digest", pa.string(), nullable=False),  # sha256 of the file
    pa.field("added", pa.timestamp("us", tz="UTC"), nullable=False),
)


def knowledge_schema(space: VectorSpace) -> pa.Schema:
    """Return the layout of the table, with its version and vector space in the metadata."""
    vector = pa.field("vector", pa.list_(pa.float32(), space.dim), nullable=False)
    described = {"schema_version": SCHEMA_VERSION, "space": asdict(space)}
    return pa.schema([*_FIELDS, vector], metadata={_METADATA: json.dumps(described).encode()})


class KnowledgeTable:
    """The passages of an index. Made by ``KnowledgeTable.open`` and ``KnowledgeTable.create_or_open``."""

    def __init__(self, path: Place, *, space: VectorSpace) -> None:
        self.path = path
        self.space = space
        self.schema = knowledge_schema(space)
        self._db = connect(path)
        self._durable = durable(path, self._db.open_table)

    @staticmethod
    def exists(path: str | PathLike[str] | BucketPath) -> bool:
        """Whether anything was ever added to an index."""
        return has_table(place_of(path), KNOWLEDGE)

    @classmethod
    def create_or_open(cls, path: str | PathLike[str] | BucketPath, *, space: VectorSpace) -> KnowledgeTable:
        """Return the passages of an index, an empty table where there is none yet; call it in ``writing``.

        Raises:
            SpaceMismatchError: They were embedded by another encoder.
            StoreError: The index cannot be written.
        """
        path = place_of(path)
        if not cls.exists(path):
            with lance_errors("write to", path):
                connect(path).create_table(KNOWLEDGE, schema=knowledge_schema(space), exist_ok=True)
        return cls.open(path, space=space)

    @classmethod
    def open(cls, path: str | PathLike[str] | BucketPath, *, space: VectorSpace | None = None) -> KnowledgeTable:
        """Return the passages of an index.

        Args:
            path: The index directory.
            space: What their vectors must be; None accepts any.

        Raises:
            InputError: There are none, or the table has another schema version.
            SpaceMismatchError: They were embedded by another encoder.
            StoreError: The table is damaged.
        """
        path = place_of(path)
        if not cls.exists(path):
            raise InputError(f"the index {path} holds no knowledge; add some with: swath knowledge add {path} FILES")
        with lance_errors("open", path):
            metadata = connect(path).open_table(KNOWLEDGE).schema.metadata
        found = _space_of(metadata, path)
        if space is not None and space != found:
            raise SpaceMismatchError(
                f"the passages of {path} were embedded by {found}, but the index's encoder now makes {space}; run:"
                f" swath knowledge remove {path} --all, and add the files again"
            )
        return cls(path, space=found)

    def writing(self) -> AbstractContextManager[None]:
        """Hold the lock of the index's writer.

        Raises:
            StoreError: Another process holds it.
        """
        return Store.open(self.path).writing()

    def snapshot(self) -> Snapshot:
        """Return a view of the newest version."""
        with lance_errors("read", self.path):
            table = self._table()
            table.checkout(table.version)
        return Snapshot(table, path=self.path, space=self.space, dtype="float32")

    def replace(self, rows: pa.Table, *, sources: Sequence[str]) -> None:
        """Put the passages of whole files in place of what the table holds of them, in one transaction.

        Args:
            rows: Passages of these files, of ``schema``; unique ids.
            sources: Names of the files; what they no longer hold vanishes.

        Raises:
            StoreError: The index cannot be written; nothing is changed then.
        """
        from lancedb.expr import col

        with lance_errors("write to", self.path):
            merge = self._table().merge_insert("passage_id").when_matched_update_all().when_not_matched_insert_all()
            merge = merge.when_not_matched_by_source_delete(col("source").isin(list(sources)))
            with self._durable.changing(KNOWLEDGE):
                merge.execute(rows)

    def remove(self, sources: Sequence[str]) -> int:
        """Take files away in one transaction; return how many passages went.

        Raises:
            StoreError: The index cannot be written.
        """
        from lancedb.expr import col

        where = col("source").isin(list(sources))
        with lance_errors("write to", self.path):
            table = self._table()
            gone = int(table.count_rows(where.to_sql()))
            with self._durable.changing(KNOWLEDGE):
                table.delete(where)
        return gone

    def tidy(self) -> None:
        """Merge small files and drop versions that no reader holds any more.

        Raises:
            StoreError: The index cannot be written.
        """
        with lance_errors("write to", self.path):
            table = self._table()
            merged = partial(self._durable.settle, KNOWLEDGE, int(table.version))
            tidy_table(table, keep=grace(None), merged=merged)

    def ids(self, sources: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return the passage ids that each of these files has."""
        rows = self._columns(["source", "passage_id"])
        chosen = rows.filter(pc.is_in(rows["source"], value_set=pa.array(list(sources), pa.string())))
        grouped = chosen.group_by("source").aggregate([("passage_id", "list")]).to_pylist()
        return {row["source"]: frozenset(row["passage_id_list"]) for row in grouped}

    def files(self) -> tuple[KnowledgeFile, ...]:
        """Return what the table holds, sorted by file name."""
        rows = self._columns(["source", "placed", "datetime", "added", "digest"])
        counted = rows.group_by("source").aggregate(
            [("placed", "count"), ("placed", "sum"), ("datetime", "count"), ("added", "max"), ("digest", "max")]
        )
        return tuple(
            KnowledgeFile(
                source=row["source"],
                passages=row["placed_count"],
                placed=row["placed_sum"] or 0,
                dated=row["datetime_count"],
                added=row["added_max"].astimezone(UTC),
                digest=row["digest_max"],
            )
            for row in sorted(counted.to_pylist(), key=lambda row: str(row["source"]))
        )

    def _columns(self, names: list[str]) -> pa.Table:
        batches = [batch.select(names) for batch in self.snapshot().scan(names)]
        return pa.Table.from_batches(batches, schema=pa.schema([self.schema.field(name) for name in names]))

    def _table(self) -> Any:
        return self._db.open_table(KNOWLEDGE)


def version_stamp(path: str | PathLike[str] | BucketPath) -> object:
    """Return what tells tables apart that have the same version because one was dropped and made again."""
    return versions_stamp(place_of(path), KNOWLEDGE)


def _space_of(metadata: Mapping[bytes, bytes] | None, path: Place) -> VectorSpace:
    described = json.loads((metadata or {}).get(_METADATA, b"{}"))
    found = described.get("schema_version")
    if found != SCHEMA_VERSION:
        raise InputError(
            f"the knowledge of {path} has schema version {found}, this Swath reads {SCHEMA_VERSION}; run:"
            f" swath knowledge remove {path} --all, and add the files again"
        )
    return VectorSpace(**described["space"])


def drop_knowledge(path: Place) -> int:
    """Take the whole table away, whatever made it; return how many passages went. Call it in ``writing``.

    Raises:
        StoreError: The index cannot be written.
    """
    if not KnowledgeTable.exists(path):
        return 0
    with lance_errors("write to", path):
        database = connect(path)
        gone = int(database.open_table(KNOWLEDGE).count_rows())
        database.drop_table(KNOWLEDGE)
    return gone
