"""The folders of snapshots: written under a hidden name, synced, renamed, made the current one, and cleared away."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import StoreError
from indexer.store import CURRENT, SEARCH
from retriever.engine._open import current

_PART = ".part-"

LOCK = "builder.lock"
"""Held by who builds: two at once would clear each other's folders away."""


class BuilderBusyError(StoreError):
    """Another process is building a search snapshot of the index."""


@contextmanager
def building(index: Path) -> Iterator[None]:
    """Hold the builder's lock; may be nested in one thread.

    Raises:
        BuilderBusyError: Somebody else holds it.
        StoreError: It cannot be written.
    """
    from filelock import FileLock, Timeout

    home = index / SEARCH
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / LOCK, is_singleton=True)  # the same object for a path, which lets its holder in again
        lock.acquire(timeout=0)
    except Timeout:
        raise BuilderBusyError(f"another swath optimize is at work on {index}; wait until it has finished") from None
    except OSError as error:
        raise _unwritable(home, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def new_folder(index: Path, version: int) -> Iterator[Path]:
    """Give a hidden folder to fill; when that is done, make it the current snapshot and remove the others.

    A reader finds the old snapshot or the new one. One that still opens files of the old one finds them gone and
    looks again; files that are open stay readable.

    Raises:
        StoreError: It cannot be written, or somebody else is at it; what was there before stays.
    """
    with building(index):
        with named_folder(index, f"{version:010d}-{secrets.token_hex(4)}") as part:
            yield part
        clear(index)


@contextmanager
def named_folder(index: Path, name: str) -> Iterator[Path]:
    """Give a hidden folder to fill; when that is done, make it the current snapshot. The builder's lock is held.

    Raises:
        StoreError: It cannot be written; what was there before stays.
    """
    with _switched(index / SEARCH, name) as part:
        yield part


@contextmanager
def _switched(home: Path, name: str) -> Iterator[Path]:
    part = home / f"{_PART}{name}"
    try:
        part.mkdir()
        yield part
        _sync_all(part)
        part.rename(home / name)
        _switch(home, name)
    except OSError as error:
        raise error if isinstance(error, StoreError) else _unwritable(home, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _unwritable(home: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot write {home}: {error.strerror or error}")


def clear(index: Path) -> None:
    """Remove every folder of snapshots but the current one, what a killed build left behind included."""
    kept = current(index)
    for folder in (index / SEARCH).iterdir():
        if folder.is_dir() and folder != kept:
            shutil.rmtree(folder, ignore_errors=True)


def _switch(home: Path, name: str) -> None:
    part = home / f"{_PART}{CURRENT}"
    part.write_text(f"{name}\n")
    _sync(part)
    _sync(home)
    part.replace(home / CURRENT)
    _sync(home)


def _sync_all(folder: Path) -> None:
    for entry in folder.rglob("*"):
        _sync(entry)
    _sync(folder)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
