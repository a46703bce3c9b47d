"""Changes of a table that are whole and on the disk before anybody is told of them.

Two things are made good that Lance leaves open. It does not call ``fsync``; and of a data file's last write it does not
report that it failed, but commits a version that names a file which is cut off (measured, see docs/design/faults.md).

Two tables that point at each other must reach the disk in order. After a power cut the ledger would else speak of tiles
that never got there, which is damage and not merely unfinished.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core import StoreError
from indexer._copies import sync_folder
from indexer._manifest import DELETIONS, manifest_file, wrong_files
from indexer._place import Place

WRITTEN_BACK_S = 3600
"""Age in seconds at which a file is on the disk without being asked: Linux writes pages after 30 s
(https://docs.kernel.org/admin-guide/sysctl/vm.html, dirty_expire_centisecs)."""


def durable(index: Place, open_table: Callable[[str], Any]) -> Durable | InBucket:
    """Return what makes changes of the tables of an index durable; see Durable."""
    return Durable(index, open_table) if isinstance(index, Path) else InBucket()


class InBucket:
    """The tables of an index in a bucket: once the store says that an object is written, it is, and whole."""

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """Do nothing besides."""
        del name
        yield

    def settle(self, name: str, before: int) -> None:
        """Do nothing."""
        del name, before


class Durable:
    """The tables of an index as their writer sees them.

    Args:
        index: The index directory.
        open_table: Returns a LanceDB table by its name, at its newest version.
    """

    def __init__(self, index: Path, open_table: Callable[[str], Any]) -> None:
        self._index = index
        self._open = open_table
        self._synced: set[Path] = set()

    @contextmanager
    def changing(self, name: str) -> Iterator[None]:
        """Change a table in this block; afterwards the change is whole and on the disk.

        The writer's lock is held.

        Raises:
            StoreError: A file was not written whole; the table is as it was before.
            OSError: The disk failed; nobody knows then what is on it.
        """
        before = int(self._open(name).version)
        yield
        self.settle(name, before)

    def settle(self, name: str, before: int) -> None:
        """Check what became of a table since a version, undo it where that is not whole, and bring it to the disk.

        Raises:
            StoreError: As ``changing``, and likewise OSError.
        """
        folder, table = self._index / f"{name}.lance", self._open(name)
        if int(table.version) != before and (wrong := self._unwhole(folder, table)):
            _undo(folder, table, before)
            raise StoreError(f"cannot write to the index {self._index}: {wrong}; the disk is full or fails")
        self._sync(folder)

    def _unwhole(self, folder: Path, table: Any) -> str | None:
        """What is wrong with the newest version, in a few words; None where nothing is.

        Sizes of data files are in the manifest. Those of deletion files are not, so new ones are read.
        """
        try:
            found = wrong_files(folder, int(table.version))
            if not found and any(self._new((folder / DELETIONS).glob("*"))):
                table.count_rows(f"{table.schema.names[0]} IS NOT NULL")
        except Exception as error:
            return str(error).splitlines()[0]
        return found[0] if found else None

    def _sync(self, table: Path) -> None:
        for folder, _, names in os.walk(table):
            home = Path(folder)
            new = list(self._new(home / name for name in names))
            for file in new:
                _sync(file)
            if new or home not in self._synced:
                sync_folder(home)
            self._synced.update((home, *new))
        if self._index not in self._synced:
            sync_folder(self._index)
            self._synced.add(self._index)

    def _new(self, files: Iterable[Path]) -> Iterator[Path]:
        """Files that are young and not synced yet."""
        limit = time.time() - WRITTEN_BACK_S
        for file in files:
            with suppress(FileNotFoundError):  # taken away by a clean-up
                if file not in self._synced and file.stat().st_mtime > limit:
                    yield file


def _undo(folder: Path, table: Any, before: int) -> None:
    """Bring back a version; where that cannot be written, the manifests of the later ones go, which needs no room."""
    newest = int(table.version)
    try:
        table.restore(before)
    except Exception:
        for version in range(newest, before, -1):
            manifest_file(folder, version).unlink(missing_ok=True)


def _sync(file: Path) -> None:
    with suppress(FileNotFoundError):
        opened = os.open(file, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
