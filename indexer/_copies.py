"""Copies of files that are summed on the way, synced, and linked where the same file was copied before."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from indexer._objects import object_chunks
from indexer._place import BucketPath, Place

CHUNK = 4 * 2**20
"""Bytes in memory at once."""

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""


class Meter:
    """Counts bytes for a progress bar.

    Args:
        total: Bytes in all.
        progress: Is told of each step.
    """

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done = 0
        self._total = total
        self._progress = progress

    def add(self, count: int) -> None:
        """Count so many more."""
        self._done += count
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total)


def copy_file(source: Place, target: Path, meter: Meter) -> str:
    """Copy a file, make sure it is on the disk, and return its SHA-256.

    Raises:
        OSError: It cannot be read or written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = sha256()
    with closing(_chunks(source)) as chunks, target.open("xb") as writer:
        for chunk in chunks:
            digest.update(chunk)
            writer.write(chunk)
            meter.add(len(chunk))
        writer.flush()
        os.fsync(writer.fileno())
    return digest.hexdigest()


def _chunks(source: Place) -> Generator[bytes]:
    if isinstance(source, BucketPath):
        yield from object_chunks(source, size=CHUNK)
        return
    with source.open("rb") as reader:
        while chunk := reader.read(CHUNK):
            yield chunk


def link_file(source: Path, target: Path) -> bool:
    """Give a file a second name; return whether the file system could."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def sync_folders(root: Path) -> None:
    """Make sure that the names of everything in a folder are on the disk."""
    for folder in (*(entry for entry in root.rglob("*") if entry.is_dir()), root):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
