"""The store: a Lance table of tiles, a ledger of finished scenes, and one writer at a time, in a folder or a bucket.

Two tables cannot be changed in one transaction, so the order is what keeps them true: a commit writes tiles before the
ledger, a removal erases the ledger before the tiles. Killed in between, the ledger claims too little, never too much,
and the next run does the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cached_property, partial
from os import PathLike
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import IndexNotFoundError, InputError, SpaceMismatchError, VectorSpace
from indexer._creation import SEARCH, STAGING, create_index, is_index_folder, writing_to
from indexer._durable import durable
from indexer._generation import home_of
from indexer._intake import Intake
from indexer._lance import SCENES, TILES, any_key, connect, has_table, lance_errors
from indexer._lease import BusyError
from indexer._ledger import CompactReport, LedgerRow, Removed, SceneRows, ledger_rows
from indexer._local_folder import local_folder
from indexer._moment import Moment, moment_of
from indexer._named import chosen, known_scenes, not_an_index
from indexer._place import BucketPath, Place, place_of
from indexer._retention import clear_partial, grace, tidy_table
from indexer._schema import (
    LEDGER_SCHEMA,
    OLDEST_READ,
    SCHEMA_VERSION,
    VERSION_KEY,
    VERSIONED_FIELD,
    VectorType,
    read_metadata,
    tile_schema,
)
from indexer._small_files import file_stamp
from indexer._snapshot import IndexInfo, Snapshot
from indexer._tries import again
from indexer._writer import holding, writer_lock

__all__ = [
    "CURRENT",
    "PUBLISHED",
    "SEARCH",
    "STAGING",
    "BusyError",
    "CompactReport",
    "IndexInfo",
    "LedgerRow",
    "Moment",
    "Removed",
    "SceneRows",
    "Snapshot",
    "Store",
    "is_index_folder",
    "writing_to",
]

CURRENT = "CURRENT"
"""File in the folder SEARCH that names the newest complete snapshot."""
PUBLISHED = "published.json"
"""Object in a bucket that does so for all machines."""

MERGE_LIMIT = 20_000
"""Most tiles replaced in one merge. ``merge_insert`` holds its input in memory (60,000 rows of 6 kB: +520 MB)."""


class Store:
    """An index, in a directory or a bucket. Made by ``Store.create_or_open`` to write and ``Store.open`` to read.

    It stays with the generation that was in use when it was opened. ``path`` is that one's folder, and ``root`` the
    index directory, which are the same for an index that was never re-embedded.
    """

    def __init__(self, path: Place, *, space: VectorSpace, dtype: VectorType, root: Place | None = None) -> None:
        self.path = path
        self.root = path if root is None else root
        self._followed = root is not None
        self.space = space
        self.dtype = dtype
        self.schema = tile_schema(space, dtype)
        self.schema_version = SCHEMA_VERSION
        self._lock = writer_lock(path)
        self._db = connect(path)
        self._durable = durable(path, self._table)

    @classmethod
    def create_or_open(
        cls, path: str | PathLike[str] | BucketPath, *, space: VectorSpace, dtype: VectorType = "float16"
    ) -> Store:
        """Return the index at a place, made if it is not there yet.

        Args:
            path: Missing, empty, or a Swath index.
            space: What its vectors must be.
            dtype: How vectors are stored; matters only when it is made.

        Raises:
            InputError: The directory holds something else.
            SpaceMismatchError: The index was filled by another encoder.
            StoreError: It cannot be written, or is being written by another process.
        """
        path = place_of(path)
        if not has_table(home_of(path), TILES):
            create_index(path, tile_schema(space, dtype))
        return cls.open(path, space=space)

    @staticmethod
    def exists(path: str | PathLike[str] | BucketPath) -> bool:
        """Whether there is an index at a place."""
        return has_table(home_of(place_of(path)), TILES)

    @classmethod
    def open(cls, path: str | PathLike[str] | BucketPath, *, space: VectorSpace | None = None) -> Store:
        """Return the index at a place.

        Args:
            path: Where it is.
            space: What its vectors must be; None accepts any.

        Raises:
            IndexNotFoundError: The directory is missing or not an index.
            InputError: The index has another schema version.
            SpaceMismatchError: The index was filled by another encoder.
            StoreError: The index is damaged.
        """
        root = place_of(path)
        return cls.at(home_of(root), root=root, space=space)

    @classmethod
    def at(
        cls, path: Place, *, root: Place | None = None, space: VectorSpace | None = None, oldest: int = OLDEST_READ
    ) -> Store:
        """Return one generation of an index by its folder, whichever is in use.

        Args:
            path: The folder of the generation.
            root: The index directory, where writing shall be refused once another generation is in use; None does not
                look.
            space: What its vectors must be; None accepts any.
            oldest: Earlier schema versions are refused.

        Raises:
            IndexNotFoundError: The directory is missing or not an index.
            InputError: This Swath does not read the index's schema version.
            SpaceMismatchError: The index was filled by another encoder.
            StoreError: The index is damaged.
        """
        if not has_table(path, TILES):
            raise IndexNotFoundError(not_an_index(path))
        with lance_errors("open", path):
            schema = connect(path).open_table(TILES).schema
        found, dtype, version = read_metadata(schema, path, oldest=oldest)
        if space is not None and space != found:
            raise SpaceMismatchError(f"the index {path} was filled by {found}; it cannot be used with {space}")
        store = cls(path, space=found, dtype=dtype, root=root)
        store.schema_version = version
        return store

    @property
    def generation(self) -> int:
        """Number of the generation that was opened; 0 for an index that was never re-embedded."""
        return 0 if self.path == self.root else int(self.path.name)

    @property
    def version(self) -> int:
        """The newest version of the tile table; rises with every change."""
        return self.snapshot().version

    @cached_property
    def folder(self) -> Path:
        """The folder for what must be files: the one of ``path`` itself, for an index in a bucket one of a cache.

        Raises:
            StoreError: The bucket cannot be read.
        """
        return local_folder(self.path)

    @property
    def staging(self) -> Path:
        """Where finished chunks of unfinished scenes wait."""
        return self.folder / STAGING

    @property
    def fragments(self) -> int:
        """Number of data files of the tile table; ``compact`` lowers it."""
        return int(self._table(TILES).stats()["fragment_stats"]["num_fragments"])

    @property
    def has_search_snapshot(self) -> bool:
        """Whether there is one; a compaction gives rows other ids, so ``retriever.engine.compact`` must do it then."""
        return any(file_stamp(place) for place in (self.folder / SEARCH / CURRENT, self.path / SEARCH / PUBLISHED))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock; may be nested.

        Raises:
            BusyError: Another process holds it, or another generation of the index came into use since it was opened.
            StoreError: The index cannot be written.
        """
        with holding(self._lock):
            if self._followed and home_of(self.root) != self.path:
                raise BusyError(f"the index {self.root} was switched to other vectors meanwhile; run this again")
            yield

    def check_writing(self) -> None:
        """Do nothing while this process holds the writer's lock; for commits that are made elsewhere than here.

        Raises:
            StoreError: It was lost, which happens to an index in a bucket when a machine sleeps or is cut off.
        """
        self._lock.check()

    def snapshot(self, version: int | None = None) -> Snapshot:
        """Return a view of a version, the newest by default; StoreError where it is gone (see ``compact``)."""
        table = self._table(TILES)
        with lance_errors(f"read version {version} of", self.path):
            table.checkout(version or table.version)
        return Snapshot(table, path=self.path, space=self.space, dtype=self.dtype)

    def forget_files(self) -> None:
        """Drop what is remembered of the tables' files, some MB of each that was read; nothing else drops it.

        For who stays while files come and go: Lance remembers those that a compaction replaced until a gigabyte is
        full. Views that are open go on with what they remember.
        """
        self._db = connect(self.path)

    def ledger(self) -> Mapping[str, LedgerRow]:
        """Return every finished scene by its key."""
        with lance_errors("read", self.path):
            return {row.scene_key: row for row in ledger_rows(self._table(SCENES))}

    def moment(self) -> Moment:
        """Return both tables as they were at one instant, while others may be writing.

        Raises:
            StoreError: The index cannot be read, or changes faster than it can be looked at.
        """
        return moment_of(self.path, tiles=self.snapshot, scenes=lambda: self._table(SCENES))

    def commit(self, scenes: Sequence[SceneRows]) -> None:
        """Make scenes visible, each wholly, in place of what the index held of them.

        The tiles of all scenes arrive in one transaction, stale tiles of the same scenes vanish in it. Doing it again
        changes nothing. A replaced group of more than ``MERGE_LIMIT`` tiles is erased first and added after, to keep
        memory bounded: a reader sees the old scenes, none, or the new ones.

        Raises:
            InputError: Rows that do not fit the index, or not as many as the ledger row says.
            StoreError: The index cannot be written; nothing of the group is visible then.
        """
        if not scenes:
            return
        with self.writing(), lance_errors("write to", self.path):
            digests = self._write_tiles(scenes)
            self.write_ledger([replace(scene.ledger, digest=digests[scene.ledger.scene_key]) for scene in scenes])

    def _write_tiles(self, scenes: Sequence[SceneRows]) -> Mapping[str, str]:
        """Return the digest of each scene by its key."""
        keys = any_key(scene.ledger.scene_key for scene in scenes)
        table, intake = self._table(TILES), Intake(scenes, self.schema, check=self.check_writing)
        known = table.count_rows(keys.to_sql()) > 0
        if known and sum(scene.ledger.tiles for scene in scenes) > MERGE_LIMIT:
            self._erase(keys)
            table, known = self._table(TILES), False
        with intake.first_error():
            if not known:
                with self.changing(TILES):
                    table.add(intake.reader())
                return intake.digests
            with self._unlisted(keys), self.changing(TILES):
                merge = table.merge_insert("tile_id").when_matched_update_all().when_not_matched_insert_all()
                merge.when_not_matched_by_source_delete(keys).execute(intake.reader())
        return intake.digests

    @contextmanager
    def _unlisted(self, keys: Any) -> Iterator[None]:
        """Take scenes out of the ledger while their tiles are replaced: it never speaks of tiles that are gone."""
        table = self._table(SCENES)
        rows = ledger_rows(table, keys.to_sql())
        self._forget(keys)
        before = self.version
        try:
            yield
        except Exception:
            # Not where the tiles were replaced and only then the disk failed: these rows do not speak of the new ones.
            if rows and self.version == before:
                self.write_ledger(rows)
            raise

    def write_ledger(self, rows: Sequence[LedgerRow]) -> None:
        """Remember scenes as finished; their tiles are in the table already and the writer's lock is held."""
        table = self._table(SCENES)
        for field in (each for each in LEDGER_SCHEMA if each.name not in table.schema.names):
            table.add_columns(field)  # made by an earlier Swath
        merge = table.merge_insert("scene_key").when_matched_update_all().when_not_matched_insert_all()
        told = pa.Table.from_pylist([asdict(row) for row in rows], schema=LEDGER_SCHEMA)
        self._change(SCENES, lambda: merge.execute(told))

    def set_schema_version(self, version: int) -> None:
        """Record that the index was migrated; the writer's lock is held.

        Raises:
            StoreError: The index cannot be written.
        """
        update = {"path": VERSIONED_FIELD, "metadata": {VERSION_KEY: str(version)}}
        self._change(TILES, lambda: self._table(TILES).update_field_metadata(update))
        self.schema_version = version

    def erase_ledger(self, keys: Iterable[str]) -> None:
        """Forget scenes by their keys, so that they will be indexed again; the writer's lock is held."""
        self._forget(any_key(keys))

    def _forget(self, where: Any) -> None:
        self._change(SCENES, lambda: self._table(SCENES).delete(where))

    def discard(self, keys: Iterable[str]) -> None:
        """Take scenes away by their keys; those that are not there are passed over.

        Raises:
            StoreError: The index cannot be written.
        """
        with self.writing(), lance_errors("write to", self.path):
            self._erase(any_key(keys))

    def _erase(self, where: Any) -> None:
        self._forget(where)
        self._change(TILES, lambda: self._table(TILES).delete(where))

    def _change(self, name: str, change: Callable[[], object]) -> None:
        """Change a table; ``change`` may be made twice."""
        again(lambda: self._change_once(name, change))

    def _change_once(self, name: str, change: Callable[[], object]) -> None:
        with lance_errors("write to", self.path), self.changing(name):
            change()

    def changing(self, name: str) -> AbstractContextManager[None]:
        """Change a table in a block; afterwards the change is whole and on the disk, see ``_durable.py``.

        The writer's lock is held.

        Raises:
            StoreError: The lock was lost, see ``check_writing``.
        """
        self.check_writing()
        return self._durable.changing(name)

    def remove(self, *, scene_id: str | None = None, collection: str | None = None) -> Removed:
        """Take away a scene, a collection, or a scene of a collection.

        Raises:
            InputError: Neither is given, nothing has that name, or a scene id without its collection means several.
            StoreError: The index cannot be written.
        """
        if scene_id is None and collection is None:
            raise InputError("nothing to remove: give a scene id or a collection")
        with self.writing():
            keys = chosen(known_scenes(self.ledger(), self.snapshot()), scene_id, collection)
            with lance_errors("write to", self.path):
                before = self.snapshot().count()
                self._erase(any_key(keys))
            return Removed(scenes=len(keys), tiles=before - self.snapshot().count())

    def compact(self, *, keep: timedelta | None = None, versions: int = 1) -> CompactReport:
        """Rewrite many small data files as few large ones. What a search finds does not change.

        Args:
            keep: How long a version stays after it was replaced, for readers that hold a snapshot of it; None reads
                ``SWATH_KEEP_DAYS``.
            versions: So many of the newest versions stay, however old.

        Raises:
            InputError: Less than no time, or less than one version.
            StoreError: The index cannot be written.
        """
        stays = grace(keep, versions)
        with self.writing(), lance_errors("write to", self.path):
            before = self.fragments
            for name in (TILES, SCENES):
                if isinstance(self.path, Path):  # in a bucket an object is whole or not there
                    clear_partial(self.path / f"{name}.lance")
                table = self._table(name)
                merged = partial(self._durable.settle, name, int(table.version))
                tidy_table(table, keep=stays, versions=versions, merged=merged)
            return CompactReport(fragments_before=before, fragments_after=self.fragments, version=self.version)

    def _table(self, name: str) -> Any:
        with lance_errors("open", self.path):
            return self._db.open_table(name)
