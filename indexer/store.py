"""The store: a Lance table of tiles, a ledger of finished scenes, and one writer at a time.

Two tables cannot be changed in one transaction, so the order is what keeps them true: a commit writes tiles before the
ledger, a removal erases the ledger before the tiles. Killed in between, the ledger claims too little, never too much,
and the next run does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import IndexNotFoundError, InputError, SpaceMismatchError, StoreError, VectorSpace
from indexer._calibration_file import CALIBRATION
from indexer._durable import Durable
from indexer._generation import GENERATION, GENERATIONS, RECORD, home_of
from indexer._intake import Intake
from indexer._lance import SCENES, TILES, any_key, connect, has_table, lance_errors
from indexer._ledger import CompactReport, LedgerRow, Removed, SceneRows, ledger_rows
from indexer._named import chosen, not_an_index
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
from indexer._snapshot import IndexInfo, Snapshot

__all__ = [
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

STAGING = "staging"
SEARCH = "search"
"""Folder of the search snapshot; ``retriever.engine`` says what lies in it."""
CURRENT = "CURRENT"
"""File in it that names the newest complete snapshot."""
_LOCK = "writer.lock"
_TABLES = (f"{TILES}.lance", f"{SCENES}.lance")
_OWN_NAMES = frozenset({STAGING, SEARCH, _LOCK, CALIBRATION, GENERATION, GENERATIONS, RECORD, *_TABLES})

MERGE_LIMIT = 20_000
"""Most tiles replaced in one merge. ``merge_insert`` holds its input in memory (60,000 rows of 6 kB: +520 MB)."""

LOOKS = 100
"""Times that ``Store.moment`` looks for an instant between two commits, which come seconds apart."""


class BusyError(StoreError):
    """Another process is writing to the index."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Both tables of an index as they were at one instant."""

    tiles: Snapshot
    """The tiles."""
    ledger: tuple[LedgerRow, ...]
    """Every row of the ledger, two of a scene where it is damaged."""
    scenes_version: int
    """Version of the ledger's table."""


class Store:
    """An index directory. Made by ``Store.create_or_open`` to write and ``Store.open`` to read.

    It stays with the generation that was in use when it was opened. ``path`` is that one's folder, and ``root`` the
    index directory, which are the same for an index that was never re-embedded.
    """

    def __init__(self, path: Path, *, space: VectorSpace, dtype: VectorType, root: Path | None = None) -> None:
        from filelock import FileLock

        self.path = path
        self.root = path if root is None else root
        self._followed = root is not None
        self.space = space
        self.dtype = dtype
        self.schema = tile_schema(space, dtype)
        self.schema_version = SCHEMA_VERSION
        # Commits may come from another thread than the one that took the lock.
        self._lock = FileLock(path / _LOCK, thread_local=False)
        self._db = connect(path)
        self._durable = Durable(path, self._table)

    @classmethod
    def create_or_open(cls, path: str | Path, *, space: VectorSpace, dtype: VectorType = "float16") -> Store:
        """Return the index in a directory, made if it is not there yet.

        Args:
            path: Directory; missing, empty, or a Swath index. ``dtype`` matters only when it is made.
            space: What its vectors must be.
            dtype: How vectors are stored.

        Raises:
            InputError: The directory holds something else.
            SpaceMismatchError: The index was filled by another encoder.
            StoreError: It cannot be written, or is being written by another process.
        """
        path = Path(path)
        if not has_table(home_of(path), TILES):
            _create(path, tile_schema(space, dtype))
        return cls.open(path, space=space)

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether a directory holds an index."""
        return has_table(home_of(Path(path)), TILES)

    @classmethod
    def open(cls, path: str | Path, *, space: VectorSpace | None = None) -> Store:
        """Return the index in a directory.

        Args:
            path: Directory.
            space: What its vectors must be; None accepts any.

        Raises:
            IndexNotFoundError: The directory is missing or not an index.
            InputError: The index has another schema version.
            SpaceMismatchError: The index was filled by another encoder.
            StoreError: The index is damaged.
        """
        root = Path(path)
        return cls.at(home_of(root), root=root, space=space)

    @classmethod
    def at(
        cls, path: Path, *, root: Path | None = None, space: VectorSpace | None = None, oldest: int = OLDEST_READ
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

    @property
    def staging(self) -> Path:
        """Where finished chunks of unfinished scenes wait."""
        return self.path / STAGING

    @property
    def fragments(self) -> int:
        """Number of data files of the tile table; ``compact`` lowers it."""
        return _fragments(self._table(TILES))

    @property
    def has_search_snapshot(self) -> bool:
        """Whether there is one; a compaction gives rows other ids, so ``retriever.engine.compact`` must do it then."""
        return (self.path / SEARCH / CURRENT).exists()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the writer's lock; may be nested.

        Raises:
            BusyError: Another process holds it, or another generation of the index came into use since it was opened.
            StoreError: The index cannot be written.
        """
        with _locked(self._lock, self.path):
            if self._followed and home_of(self.root) != self.path:
                raise BusyError(f"the index {self.root} was switched to other vectors meanwhile; run this again")
            yield

    def snapshot(self, version: int | None = None) -> Snapshot:
        """Return a view of a version, the newest by default; StoreError where it is gone (see ``compact``)."""
        table = self._table(TILES)
        with lance_errors(f"read version {version} of", self.path):
            table.checkout(version or table.version)
        return Snapshot(table, path=self.path, space=self.space, dtype=self.dtype)

    def ledger(self) -> Mapping[str, LedgerRow]:
        """Return every finished scene by its key."""
        with lance_errors("read", self.path):
            return {row.scene_key: row for row in ledger_rows(self._table(SCENES))}

    def moment(self) -> Moment:
        """Return both tables as they were at one instant, while others may be writing.

        Raises:
            StoreError: The index cannot be read, or changes faster than it can be looked at.
        """
        for _ in range(LOOKS):
            with lance_errors("read", self.path):
                scenes = self._table(SCENES)
                scenes.checkout(scenes.version)
                tiles = self.snapshot()
                if self._table(SCENES).version == scenes.version:
                    ledger = tuple(ledger_rows(scenes))
                    return Moment(tiles=tiles, ledger=ledger, scenes_version=int(scenes.version))
        raise StoreError(f"the index {self.path} changes too fast to be read as a whole; try again")

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
        table, intake = self._table(TILES), Intake(scenes, self.schema)
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
        try:
            yield
        except Exception:
            if rows:
                self.write_ledger(rows)
            raise

    def write_ledger(self, rows: Sequence[LedgerRow]) -> None:
        """Remember scenes as finished; their tiles are in the table already and the writer's lock is held."""
        table = self._table(SCENES)
        for field in LEDGER_SCHEMA:
            if field.name not in table.schema.names:  # made by an earlier Swath
                table.add_columns(field)
        merge = table.merge_insert("scene_key").when_matched_update_all().when_not_matched_insert_all()
        with self.changing(SCENES):
            merge.execute(pa.Table.from_pylist([asdict(row) for row in rows], schema=LEDGER_SCHEMA))

    def set_schema_version(self, version: int) -> None:
        """Record that the index was migrated; the writer's lock is held.

        Raises:
            StoreError: The index cannot be written.
        """
        with lance_errors("write to", self.path), self.changing(TILES):
            update = {"path": VERSIONED_FIELD, "metadata": {VERSION_KEY: str(version)}}
            self._table(TILES).update_field_metadata(update)
        self.schema_version = version

    def erase_ledger(self, keys: Iterable[str]) -> None:
        """Forget scenes by their keys, so that they will be indexed again; the writer's lock is held."""
        self._forget(any_key(keys))

    def _forget(self, where: Any) -> None:
        with self.changing(SCENES):
            self._table(SCENES).delete(where)

    def discard(self, keys: Iterable[str]) -> None:
        """Take scenes away by their keys; those that are not there are passed over.

        Raises:
            StoreError: The index cannot be written.
        """
        with self.writing(), lance_errors("write to", self.path):
            self._erase(any_key(keys))

    def _erase(self, where: Any) -> None:
        self._forget(where)
        with self.changing(TILES):
            self._table(TILES).delete(where)

    def changing(self, name: str) -> AbstractContextManager[None]:
        """Change a table in a block; afterwards the change is whole and on the disk, see ``_durable.py``.

        The writer's lock is held.
        """
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
            known = self._scenes()
            keys = chosen(known, scene_id, collection)
            with lance_errors("write to", self.path):
                before = self.snapshot().count()
                self._erase(any_key(keys))
            return Removed(scenes=len(keys), tiles=before - self.snapshot().count())

    def _scenes(self) -> dict[str, tuple[str, str]]:
        """Key to scene id and collection of every scene in either table."""
        known = {key: (row.scene_id, row.collection) for key, row in self.ledger().items()}
        for batch in self.snapshot().scan(["scene_key", "scene_id", "collection"]):
            distinct = pa.table(batch).group_by(["scene_key", "scene_id", "collection"]).aggregate([])
            known |= {row["scene_key"]: (row["scene_id"], row["collection"]) for row in distinct.to_pylist()}
        return known

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
                clear_partial(self.path / f"{name}.lance")
                table = self._table(name)
                merged = partial(self._durable.settle, name, int(table.version))
                tidy_table(table, keep=stays, versions=versions, merged=merged)
            return CompactReport(fragments_before=before, fragments_after=self.fragments, version=self.version)

    def _table(self, name: str) -> Any:
        with lance_errors("open", self.path):
            return self._db.open_table(name)


def is_index_folder(path: Path) -> bool:
    """Whether a directory is an index or what is left of one, so that it may be replaced."""
    return has_table(home_of(path), TILES) or {entry.name for entry in path.iterdir()} <= _OWN_NAMES


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Hold the lock of whoever writes to an index directory, readable or not; the directory is there.

    Raises:
        BusyError: Another process holds it.
        StoreError: The directory cannot be written.
    """
    from filelock import FileLock

    path = home_of(path)
    with _locked(FileLock(path / _LOCK), path):
        yield


@contextmanager
def _locked(lock: Any, path: Path) -> Iterator[None]:
    from filelock import Timeout

    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"another swath index is writing to {path}; wait until it has finished") from None
    except OSError as error:
        raise StoreError(f"cannot write to the index {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _create(path: Path, schema: pa.Schema) -> None:
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; give a directory for the index")
    foreign = sorted({entry.name for entry in path.iterdir()} - _OWN_NAMES) if path.exists() else []
    if foreign:
        raise InputError(f"{path} is not an index and not empty (it holds {foreign[0]!r}); give an empty directory")
    with lance_errors("create", path):
        path.mkdir(parents=True, exist_ok=True)
        with writing_to(path):
            # The tile table comes last: a directory counts as an index once it is there.
            for name, layout in ((SCENES, LEDGER_SCHEMA), (TILES, schema)):
                connect(path).create_table(name, schema=layout, exist_ok=True)


def _fragments(table: Any) -> int:
    return int(table.stats()["fragment_stats"]["num_fragments"])
