"""The folders of snapshots: written under a hidden name, synced, renamed, made the current one, and cleared away."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import StoreError
from indexer.store import SEARCH
from retriever.engine._open import CURRENT, current

_PART = ".part-"


@contextmanager
def new_folder(index: Path, version: int) -> Iterator[Path]:
    """Give a hidden folder to fill; when that is done, make it the current snapshot and remove the others.

    A reader finds the old snapshot or the new one. One that still opens files of the old one finds them gone and
    looks again; files that are open stay readable.

    Raises:
        StoreError: It cannot be written; what was there before stays.
    """
    home = index / SEARCH
    name = f"{version:010d}-{secrets.token_hex(4)}"
    part = home / f"{_PART}{name}"
    try:
        part.mkdir(parents=True)
        yield part
        _sync_all(part)
        part.rename(home / name)
        _switch(home, name)
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"cannot write {home}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    clear(index)


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
