"""Who may write to an index: one process at a time, by a lock file in a folder and by a lease in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from core import StoreError
from indexer._lease import BusyError, Lease
from indexer._place import BucketPath, Place

LOCK = "writer.lock"
"""Name of the file, or of the object."""


class WriterLock(Protocol):
    """Held by the one process that writes; its holder may take it again."""

    def acquire(self) -> None:
        """Take it, or raise BusyError or StoreError."""
        ...

    def release(self) -> None:
        """Give it back, once this was called as often as ``acquire``."""
        ...

    def check(self) -> None:
        """Raise StoreError where it was lost."""
        ...


def writer_lock(place: Place) -> WriterLock:
    """Return the lock of whoever writes to an index; nothing is opened yet."""
    if isinstance(place, BucketPath):
        return Lease(place / LOCK, index=place)
    return _FileLock(place)


@contextmanager
def holding(lock: WriterLock) -> Iterator[None]:
    """Hold a lock.

    Raises:
        BusyError: Another process holds it.
        StoreError: The index cannot be written.
    """
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


class _FileLock:
    """A lock file; the system releases it when its holder dies, so it cannot be lost."""

    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        self._path = path
        # Commits may come from another thread than the one that took the lock.
        self._lock: Any = FileLock(path / LOCK, thread_local=False)

    def acquire(self) -> None:
        from filelock import Timeout

        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BusyError(f"another swath index is writing to {self._path}; wait until it has finished") from None
        except OSError as error:
            raise StoreError(f"cannot write to the index {self._path}: {error.strerror or error}") from error

    def release(self) -> None:
        self._lock.release()

    def check(self) -> None:
        pass
