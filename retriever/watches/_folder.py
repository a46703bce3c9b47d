"""The watches of an index, as files beside its tables.

watches/.lock                       held by whoever changes something
watches/.seen/SHA256                marks of scenes; shared by all watches that have got equally far
watches/NAME/watch.json             what is looked for; never changed
watches/NAME/progress.json          how far it has got; replaced in one rename
watches/NAME/matches/A-B.geojsonl   what was found; written once
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from core import ConfigError, InputError, StoreError
from indexer import (
    Place,
    local_place,
    marks_from_bytes,
    marks_to_bytes,
    read_document,
    read_file,
    replace_document,
    replace_file,
    sync_folder,
)
from retriever.watches._document import check_name, parse_progress, parse_watch, progress_document, watch_document
from retriever.watches._journal import Journal
from retriever.watches._types import Progress, Watch, WatchNotFoundError, WatchStatus

WATCHES = "watches"
"""Folder in the index directory."""

MAX_WATCH = 64 * 2**20
"""Largest watch read, in bytes: an area of a million corners takes 40 MB."""

MAX_PROGRESS = 2**20
"""Largest progress read, in bytes."""

MAX_SEEN = 2**31
"""Largest file of marks, in bytes: 89 million scenes."""

WAIT_S = 30.0
"""Seconds to wait for another run; one that delivers may take as long for a receiver that does not answer."""

_LOCK = ".lock"
_SEEN = ".seen"
_NEW = ".new-"
_GONE = ".gone-"


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """One watch, and where it writes."""

    watch: Watch
    """What is looked for."""
    progress: Progress
    """How far it has got."""
    journal: Journal
    """What it has found."""

    def status(self) -> WatchStatus:
        """Return it as it stands."""
        return WatchStatus(watch=self.watch, progress=self.progress, matches=self.journal.last)


def has_watches(index: Place) -> bool:
    """Whether there is anything to run; costs a look at a folder."""
    if not isinstance(index, Path):
        return False
    folder = index / WATCHES
    return folder.is_dir() and any(not entry.name.startswith(".") for entry in folder.iterdir())


class WatchFolder:
    """The watches of one index. Reading takes no lock: files appear whole.

    Args:
        index: The index directory; an index in a bucket has no watches and takes none.
    """

    def __init__(self, index: Place) -> None:
        self._index = index
        self._path = index / WATCHES if isinstance(index, Path) else Path(os.devnull) / WATCHES  # which is never there

    def names(self) -> tuple[str, ...]:
        """Return the names of the watches, sorted.

        Raises:
            StoreError: The folder cannot be read.
        """
        try:
            entries = list(self._path.iterdir()) if self._path.is_dir() else []
            return tuple(sorted(e.name for e in entries if e.name[0] != "." and e.is_dir() and not e.is_symlink()))
        except OSError as error:
            raise StoreError(f"cannot read {self._path}: {error.strerror or error}") from error

    def known(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return names, all of which are those of watches.

        Raises:
            WatchNotFoundError: One is not.
        """
        for name in names:
            self._of(name)
        return tuple(dict.fromkeys(names))

    def entry(self, name: str) -> Entry:
        """Return a watch.

        Raises:
            WatchNotFoundError: There is none of that name.
            ConfigError: It is damaged.
            StoreError: It cannot be read.
        """
        folder = self._of(name)
        watch = self._document(folder / "watch.json", "watch", MAX_WATCH)
        progress = self._document(folder / "progress.json", "progress of a watch", MAX_PROGRESS)
        return Entry(
            watch=parse_watch(watch, name),
            progress=parse_progress(progress, name),
            journal=Journal(folder / "matches"),
        )

    def _document(self, path: Path, kind: str, limit: int) -> dict[str, Any]:
        found = read_document(path, kind=kind, limit=limit)
        if found is None:
            raise ConfigError(f"{path} is missing; remove the watch and add it again")
        return found

    def _of(self, name: str) -> Path:
        known = self.names()
        if name not in known:
            raise WatchNotFoundError(name, known)
        return self._path / name

    def create(self, watch: Watch, progress: Progress) -> None:
        """Add a watch, all of it or nothing; the lock is held.

        Raises:
            InputError: There is one of that name.
            StoreError: It cannot be written.
        """
        name = check_name(watch.name)
        if name in self.names():
            raise InputError(f"there is a watch {name!r} already; remove it first: swath watch remove INDEX {name}")
        part = self._path / f"{_NEW}{secrets.token_hex(8)}"
        with self._writing():
            part.mkdir()
            replace_document(part / "watch.json", watch_document(watch))
            replace_document(part / "progress.json", progress_document(progress))
            part.rename(self._path / name)
            sync_folder(self._path)

    def remove(self, name: str) -> None:
        """Take a watch away with what it has found; the lock is held.

        Raises:
            WatchNotFoundError: There is none of that name.
            StoreError: It cannot be removed.
        """
        folder = self._of(name)
        with self._writing():
            folder.rename(self._path / f"{_GONE}{secrets.token_hex(8)}")
            sync_folder(self._path)
        self.tidy()

    def save(self, name: str, progress: Progress) -> None:
        """Replace the progress of a watch; the lock is held.

        Raises:
            StoreError: It cannot be written.
        """
        replace_document(self._path / name / "progress.json", progress_document(progress))

    def seen(self, digest: str) -> pa.FixedSizeBinaryArray:
        """Return the marks in a file.

        Raises:
            ConfigError: It is missing or damaged.
        """
        content = read_file(self._path / _SEEN / digest, kind="file of marks", limit=MAX_SEEN)
        if content is None or hashlib.sha256(content).hexdigest() != digest:
            raise ConfigError(
                f"{self._path / _SEEN / digest} is missing or damaged; nobody knows what the watch has looked at:"
                " remove it and add it again"
            )
        return marks_from_bytes(content)

    def keep_seen(self, marks: pa.FixedSizeBinaryArray) -> str:
        """Keep marks in a file; return its name, which tells its content. The lock is held.

        Raises:
            StoreError: It cannot be written.
        """
        content = marks_to_bytes(marks)
        digest = hashlib.sha256(content).hexdigest()
        target = self._path / _SEEN / digest
        with self._writing():
            target.parent.mkdir(exist_ok=True)
            if not target.exists():
                replace_file(target, content)
        return digest

    def tidy(self) -> None:
        """Remove what nothing refers to any more, what a killed process left behind included; the lock is held."""
        for entry in self._path.iterdir():
            if entry.name.startswith((_NEW, _GONE)):
                shutil.rmtree(entry, ignore_errors=True)
        for name in self.names():
            for part in (*(self._path / name).glob(".*"), *(self._path / name / "matches").glob(".*")):
                part.unlink(missing_ok=True)
        used = self._used()
        if used is None:
            return
        for entry in (self._path / _SEEN).glob("*"):
            if entry.name not in used:
                entry.unlink(missing_ok=True)

    def _used(self) -> set[str] | None:
        """Names of the files of marks that are needed; None where that cannot be told."""
        used: set[str] = set()
        for name in self.names():
            try:
                document = self._document(self._path / name / "progress.json", "progress of a watch", MAX_PROGRESS)
                used.add(parse_progress(document, name).seen)
            except (ConfigError, StoreError):
                return None
        return used

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            InputError: The index is in a bucket.
            StoreError: Another process holds it for long, or the index cannot be written.
        """
        local_place(self._index, what="an index with watches")
        from filelock import FileLock, Timeout

        with self._writing():
            self._path.mkdir(exist_ok=True)
            lock = FileLock(self._path / _LOCK, thread_local=False)
            try:
                lock.acquire(timeout=WAIT_S)
            except Timeout:
                raise StoreError(
                    f"the watches of {self._index} are being run by another process; try again when it has finished"
                ) from None
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except OSError as error:
            raise StoreError(f"cannot write to {self._path}: {error.strerror or error}") from error
