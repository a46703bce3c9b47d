"""Backups: a folder of whole copies of an index, each of one instant; what did not change is linked to the one before.

A copy is itself an index that can be opened. It is written under a hidden name and renamed when all of it is on disk,
so a half one is never taken for a whole one. What can be made anew is left out: the search snapshot, and pieces of
scenes that are not finished.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count
from os import PathLike
from pathlib import Path

from core import InputError, StoreError, rfc3339
from indexer._backup_document import DOCUMENT, FORMAT, PART, BackupDocument, BackupFile, newest_backup, read_document
from indexer._calibration_file import CALIBRATION
from indexer._copies import Meter, Progress, copy_file, link_file, sync_folder, sync_folders
from indexer._generation import GENERATION, GENERATIONS, RECORD
from indexer._lance import SCENES, TILES, connect, lance_errors
from indexer._local_folder import IDENTITY
from indexer._manifest import IMMUTABLE, table_files
from indexer._objects import names_in, objects_in
from indexer._place import BucketPath, Place, local_place
from indexer.store import SEARCH, STAGING, Store

_LOCK = "backup.lock"
_TRIES = 3
"""Times that a copy is begun again because a compaction took files away that it was still to read."""
_TABLE = ".lance"
_NOT_COPIED = frozenset({SEARCH, STAGING, DOCUMENT, GENERATION, GENERATIONS, RECORD, IDENTITY})


@dataclass(frozen=True, kw_only=True)
class BackupReport:
    """What a backup did."""

    path: Path
    """The new copy."""
    tiles: int
    """Rows of the tile table."""
    versions: Mapping[str, int]
    """Version of each table."""
    files: int
    """Files that the copy is made of."""
    bytes: int
    """Their size."""
    linked: int
    """Of these bytes, those that the backup before it holds already and that take no room again."""
    seconds: float
    """That it took."""


def back_up(
    index: str | PathLike[str] | BucketPath, to: str | PathLike[str], *, progress: Progress | None = None
) -> BackupReport:
    """Copy an index as it is at one instant; others may be writing to it meanwhile.

    Args:
        index: Where the index is, in a directory or a bucket.
        to: Folder of backups; made if it is missing. Each call adds one copy to it.
        progress: Called with bytes done and bytes in all.

    Raises:
        IndexNotFoundError: ``index`` is not an index.
        InputError: ``to`` holds something else, or lies in the index.
        StoreError: The index cannot be read, or the copy cannot be written; earlier ones stay as they are.
    """
    started, home = time.monotonic(), local_place(to, what="a backup")
    store = Store.open(index)
    _check_target(store.root, home)
    try:
        with _alone(home):
            for left in home.glob(f"{PART}*"):
                shutil.rmtree(left, ignore_errors=True)
            copy = _copied(store, home, progress)
    except OSError as error:
        raise error if isinstance(error, StoreError) else _failed(home, error) from error
    return BackupReport(
        path=copy.path,
        tiles=copy.document.tiles,
        versions=copy.document.versions,
        files=len(copy.document.files),
        bytes=sum(file.size for file in copy.document.files.values()),
        linked=copy.linked,
        seconds=time.monotonic() - started,
    )


def _copied(store: Store, home: Path, progress: Progress | None) -> _Copy:
    earlier = newest_backup(home)
    for attempt in count(1):
        try:
            return _Copy(store, home, earlier, progress)
        except FileNotFoundError as error:
            if attempt == _TRIES:
                advice = f"see what is missing: swath verify {store.path}"
                raise StoreError(f"cannot read {error.filename}: it is gone; {advice}") from error
    raise AssertionError  # it counts for ever


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A file to be copied."""

    path: str
    """Below the index, and below the copy."""
    base: Place
    """The folder that it is below: that of the generation in use, or the index directory."""
    size: int | None
    """That it must have, where that is known."""
    needed: bool
    """Whether the copy is none without it."""
    lasting: bool
    """Whether a file of that name never changes, so that an earlier copy will do."""


class _Copy:
    """A copy of one instant, made when this is; the document is written last, and the folder named after that.

    Args:
        store: The index.
        home: Folder of backups.
        earlier: The backup before this; None for the first.
        progress: Called with bytes done and bytes in all.

    Raises:
        FileNotFoundError: A file of the index is gone.
    """

    def __init__(self, store: Store, home: Path, earlier: Path | None, progress: Progress | None) -> None:
        moment, created = store.moment(), datetime.now(UTC)
        self._source, self._earlier = store.root, earlier
        self._known = _held(earlier)
        self.linked = 0
        versions = {TILES: moment.tiles.version, SCENES: moment.scenes_version} | _others(store.path)
        wanted = [*_of_tables(store.path, versions), *_of_folder(store)]
        name = f"{created:%Y%m%dT%H%M%S.%fZ}"
        part = home / f"{PART}{name}"
        try:
            files = self._fill(part, wanted, Meter(sum(file.size or 0 for file in wanted), progress))
            self.document = BackupDocument(
                format=FORMAT,
                created=rfc3339(created),
                source=str(store.root.absolute() if isinstance(store.root, Path) else store.root),
                tiles=moment.tiles.count(),
                versions=versions,
                files=files,
            )
            (part / DOCUMENT).write_text(json.dumps(asdict(self.document), indent=1) + "\n", encoding="utf-8")
            sync_folders(part)
            self.path = part.rename(home / name)
            sync_folder(home)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _fill(self, part: Path, wanted: list[_Wanted], meter: Meter) -> dict[str, BackupFile]:
        part.mkdir()
        files: dict[str, BackupFile] = {}
        for file in wanted:
            found = self._linked(part, file, meter) or self._read(part, file, meter)
            if found is not None:
                files[file.path] = found
        return files

    def _linked(self, part: Path, file: _Wanted, meter: Meter) -> BackupFile | None:
        """The file of the backup before this, where it is the same one and not cut off."""
        known = self._known.get(file.path)
        if self._earlier is None or known is None or not file.lasting or file.size not in {None, known.size}:
            return None
        held = self._earlier / file.path
        if not held.is_file() or held.stat().st_size != known.size or not link_file(held, part / file.path):
            return None
        self.linked += known.size
        meter.add(known.size)
        return known

    def _read(self, part: Path, file: _Wanted, meter: Meter) -> BackupFile | None:
        try:
            digest = copy_file(file.base / file.path, part / file.path, meter)
        except FileNotFoundError:
            if file.needed:
                raise
            return None
        size = (part / file.path).stat().st_size
        if file.size not in {None, size}:
            found = f"{file.base / file.path} has {size:,} bytes instead of {file.size:,}"
            raise StoreError(f"{found}; see what else is damaged: swath verify {self._source}")
        return BackupFile(size=size, sha256=digest)


def _held(earlier: Path | None) -> Mapping[str, BackupFile]:
    """The files of the backup before this; none where nobody can tell what they were."""
    try:
        return {} if earlier is None else read_document(earlier).files
    except StoreError:
        return {}


def _others(index: Place) -> dict[str, int]:
    """The newest versions of the tables that lie beside the tiles, knowledge among them; each is whole by itself."""
    found = names_in(index) if isinstance(index, BucketPath) else {entry.name for entry in index.iterdir()}
    names = sorted(name.removesuffix(_TABLE) for name in found if name.endswith(_TABLE))
    with lance_errors("read", index):
        return {name: int(connect(index).open_table(name).version) for name in names if name not in {TILES, SCENES}}


def _of_tables(index: Place, versions: Mapping[str, int]) -> Iterator[_Wanted]:
    for name, version in versions.items():
        for file in table_files(index / f"{name}{_TABLE}", version):
            lasting = file.path.split("/")[0] in IMMUTABLE
            path = f"{name}{_TABLE}/{file.path}"
            yield _Wanted(path=path, base=index, size=file.size, needed=file.needed, lasting=lasting)


def _of_folder(store: Store) -> Iterator[_Wanted]:
    """What else belongs to an index: files and folders that are replaced whole, as calibration and watches are."""
    yield from _others_in(store.path)
    if store.root != store.path:
        yield from (file for file in _others_in(store.root) if file.path != CALIBRATION)


def _others_in(index: Place) -> Iterator[_Wanted]:
    if isinstance(index, BucketPath):
        for name in sorted(name for name, _ in objects_in(index) if _is_copied(name.split("/")[0])):
            yield _Wanted(path=name, base=index, size=None, needed=False, lasting=False)
        return
    for entry in sorted(index.iterdir()):
        if not _is_copied(entry.name):
            continue
        for file in [entry] if entry.is_file() else sorted(entry.rglob("*")):
            if file.is_file():
                path = file.relative_to(index).as_posix()
                yield _Wanted(path=path, base=index, size=None, needed=False, lasting=False)


def _is_copied(name: str) -> bool:
    return not (name.startswith(".") or name.endswith((_TABLE, ".lock")) or name in _NOT_COPIED)


def _check_target(index: Place, home: Path) -> None:
    if home.exists() and not home.is_dir():
        raise InputError(f"{home} is a file; give a folder for backups")
    if isinstance(index, Path) and index.resolve() in (home.resolve(), *home.resolve().parents):
        raise InputError(f"{home} lies in the index {index}; give a folder outside it, best on another disk")
    entries = sorted(home.iterdir()) if home.is_dir() else []
    for entry in entries:
        if not (entry.name.startswith(PART) or entry.name == _LOCK or (entry / DOCUMENT).is_file()):
            raise InputError(f"{home} holds something else than backups ({entry.name!r}); give an empty folder")


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    home.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home / _LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(f"another swath backup is writing to {home}; wait until it has finished") from None
    try:
        yield
    finally:
        lock.release()


def _failed(home: Path, error: OSError) -> StoreError:
    place = f" ({error.filename})" if error.filename else ""
    return StoreError(f"cannot make a backup in {home}: {error.strerror or error}{place}")
