"""The store: a Lance table of tiles, a ledger of finished scenes, and one writer at a time.

Two tables cannot be changed in one transaction, so the order is what keeps them true: a commit writes tiles before the
ledger, a removal erases the ledger before the tiles. Killed in between, the ledger claims too little, never too much,
and the next run does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import IndexNotFoundError, InputError, SpaceMismatchError, StoreError, VectorSpace
from indexer._calibration_file import CALIBRATION
from indexer._intake import Intake
from indexer._lance import SCENES, TILES, any_key, connect, has_table, lance_errors
from indexer._ledger import CompactReport, LedgerRow, Removed, SceneRows
from indexer._schema import LEDGER_SCHEMA, VectorType, read_metadata, tile_schema
from indexer._snapshot import IndexInfo, Snapshot

__all__ = ["BusyError", "CompactReport", "IndexInfo", "LedgerRow", "Removed", "SceneRows", "Snapshot", "Store"]

STAGING = "staging"
SEARCH = "search"
"""Folder of the search snapshot; ``retriever.engine`` says what lies in it."""
CURRENT = "CURRENT"
"""File in it that names the newest complete snapshot."""
_LOCK = "writer.lock"
_OWN_NAMES = frozenset({STAGING, SEARCH, _LOCK, CALIBRATION, f"{TILES}.lance", f"{SCENES}.lance"})

MERGE_LIMIT = 20_000
"""Most tiles replaced in one merge. ``merge_insert`` holds its input in memory (60,000 rows of 6 kB: +520 MB)."""

KEEP_VERSIONS = timedelta(days=1)
"""How long ``compact`` leaves old versions to readers that hold a snapshot."""


class BusyError(StoreError):
    """Another process is writing to the index."""


class Store:
    """An index directory. Made by ``Store.create_or_open`` to write and ``Store.open`` to read."""

    def __init__(self, path: Path, *, space: VectorSpace, dtype: VectorType) -> None:
        from filelock import FileLock

        self.path = path
        self.space = space
        self.dtype = dtype
        self.schema = tile_schema(space, dtype)
        # Commits may come from another thread than the one that took the lock.
        self._lock = FileLock(path / _LOCK, thread_local=False)
        self._db = connect(path)

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
        if not has_table(path, TILES):
            _create(path, tile_schema(space, dtype))
        return cls.open(path, space=space)

    @staticmethod
    def exists(path: str | Path) -> bool:
        """Whether a directory holds an index."""
        return has_table(Path(path), TILES)

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
        path = Path(path)
        if not has_table(path, TILES):
            raise IndexNotFoundError(_not_an_index(path))
        with lance_errors("open", path):
            metadata = connect(path).open_table(TILES).schema.metadata
        try:
            found, dtype = read_metadata(metadata)
        except InputError as error:
            raise InputError(f"the index {path} {error}") from None
        if space is not None and space != found:
            raise SpaceMismatchError(f"the index {path} was filled by {found}; it cannot be used with {space}")
        return cls(path, space=found, dtype=dtype)

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
            BusyError: Another process holds it.
            StoreError: The index cannot be written.
        """
        with _locked(self._lock, self.path):
            yield

    def snapshot(self, version: int | None = None) -> Snapshot:
        """Return a view of a version, the newest by default; StoreError where it is gone (see ``KEEP_VERSIONS``)."""
        table = self._table(TILES)
        with lance_errors(f"read version {version} of", self.path):
            table.checkout(version or table.version)
        return Snapshot(table, path=self.path, space=self.space, dtype=self.dtype)

    def ledger(self) -> Mapping[str, LedgerRow]:
        """Return every finished scene by its key."""
        with lance_errors("read", self.path):
            rows = self._table(SCENES).search(None).to_arrow().to_pylist()
        return {row["scene_key"]: LedgerRow(**row | {"committed": row["committed"].astimezone(UTC)}) for row in rows}

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
            self._write_tiles(scenes)
            self.write_ledger([scene.ledger for scene in scenes])

    def _write_tiles(self, scenes: Sequence[SceneRows]) -> None:
        keys = any_key(scene.ledger.scene_key for scene in scenes)
        table, intake = self._table(TILES), Intake(scenes, self.schema)
        known = table.count_rows(keys.to_sql()) > 0
        if known and sum(scene.ledger.tiles for scene in scenes) > MERGE_LIMIT:
            self._erase(keys)
            table, known = self._table(TILES), False
        with intake.first_error():
            if not known:
                table.add(intake.reader())
                return
            merge = table.merge_insert("tile_id").when_matched_update_all().when_not_matched_insert_all()
            merge.when_not_matched_by_source_delete(keys).execute(intake.reader())

    def write_ledger(self, rows: Sequence[LedgerRow]) -> None:
        """Remember scenes as finished; their tiles are in the table already and the writer's lock is held."""
        table = pa.Table.from_pylist([asdict(row) for row in rows], schema=LEDGER_SCHEMA)
        merge = self._table(SCENES).merge_insert("scene_key").when_matched_update_all()
        merge.when_not_matched_insert_all().execute(table)

    def erase_ledger(self, keys: Iterable[str]) -> None:
        """Forget scenes by their keys, so that they will be indexed again; the writer's lock is held."""
        self._table(SCENES).delete(any_key(keys))

    def _erase(self, where: Any) -> None:
        self._table(SCENES).delete(where)
        self._table(TILES).delete(where)

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
            keys = _chosen(known, scene_id, collection)
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

    def compact(self, *, keep: timedelta = KEEP_VERSIONS) -> CompactReport:
        """Rewrite many small data files as few large ones. What a search finds does not change.

        Args:
            keep: Versions younger than this stay, for readers that hold a snapshot of them.

        Raises:
            StoreError: The index cannot be written.
        """
        with self.writing(), lance_errors("write to", self.path):
            before = self.fragments
            for name in (TILES, SCENES):
                self._table(name).optimize(cleanup_older_than=keep)
            return CompactReport(fragments_before=before, fragments_after=self.fragments, version=self.version)

    def _table(self, name: str) -> Any:
        with lance_errors("open", self.path):
            return self._db.open_table(name)


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
    from filelock import FileLock

    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; give a directory for the index")
    foreign = sorted({entry.name for entry in path.iterdir()} - _OWN_NAMES) if path.exists() else []
    if foreign:
        raise InputError(f"{path} is not an index and not empty (it holds {foreign[0]!r}); give an empty directory")
    with lance_errors("create", path):
        path.mkdir(parents=True, exist_ok=True)
        with _locked(FileLock(path / _LOCK), path):
            # The tile table comes last: a directory counts as an index once it is there.
            for name, layout in ((SCENES, LEDGER_SCHEMA), (TILES, schema)):
                connect(path).create_table(name, schema=layout, exist_ok=True)


def _not_an_index(path: Path) -> str:
    if not path.exists():
        found = "does not exist"
    elif not path.is_dir():
        found = "is a file"
    elif not any(path.iterdir()):
        found = "is empty"
    else:
        found = "is a directory without a Swath index"
    return f"{path} {found}; make an index with: swath index SOURCE --into {path}"


def _chosen(known: Mapping[str, tuple[str, str]], scene_id: str | None, collection: str | None) -> list[str]:
    """Keys of the scenes that are meant."""
    keys = [key for key, (scene, owner) in known.items() if scene_id in (None, scene) and collection in (None, owner)]
    if not keys:
        raise InputError(_unknown(scene_id, collection, known.values()))
    if collection is None and len(keys) > 1:
        owners = ", ".join(sorted(known[key][1] for key in keys))
        raise InputError(f"scene {scene_id!r} is in several collections ({owners}); name the collection as well")
    return keys


def _unknown(scene_id: str | None, collection: str | None, known: Iterable[tuple[str, str]]) -> str:
    if collection is not None and collection not in {owner for _, owner in known}:
        return f"no collection {collection!r} in the index; it holds {_some({owner for _, owner in known})}"
    scenes = {scene for scene, owner in known if collection in (None, owner)}
    return f"no scene {scene_id!r} in the index; it holds {_some(scenes)}"


def _some(names: set[str], limit: int = 5) -> str:
    shown = ", ".join(sorted(names)[:limit]) or "nothing"
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def _fragments(table: Any) -> int:
    return int(table.stats()["fragment_stats"]["num_fragments"])
