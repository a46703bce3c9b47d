"""A folder put in place of another in one step, and what is left where that was cut off."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EINVAL, ENOSYS
from pathlib import Path

from core import StoreError
from indexer._copies import sync_folder
from indexer.store import writing_to

_EXCHANGE = 2
"""``RENAME_EXCHANGE``, https://man7.org/linux/man-pages/man2/rename.2.html."""
_HERE = -100
"""``AT_FDCWD``, likewise."""
_BEFORE = "-before"
"""Ends the name of the old folder for the moment between two renames, where a file system cannot exchange."""


def put_in_place(part: Path, target: Path) -> None:
    """Give a new index its name; the one that is there has no writer meanwhile, and is removed afterwards.

    Where the file system can exchange two names, there is always one index of that name.

    Raises:
        OSError: It cannot be done; what was there stays.
    """
    if not target.exists():
        part.rename(target)
        sync_folder(target.parent)
        return
    with writing_to(target):
        old = part if exchange(part, target) else _renamed(part, target)
        sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change names in one step; return whether the system can.

    Raises:
        OSError: It can, but not these two.
    """
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # not Linux
        return False
    if renameat2(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (EINVAL, ENOSYS):
        return False
    raise OSError(number, os.strerror(number), str(other))


def _renamed(part: Path, target: Path) -> Path:
    """Return where the old folder is now."""
    old = part.with_name(f"{part.name}{_BEFORE}")
    target.rename(old)
    try:
        part.rename(target)
    except OSError:
        old.rename(target)
        raise
    return old


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Make a folder that ``clear_left`` spares until this ends; it is removed then, under that name."""
    folder.mkdir(parents=True)
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(opened)


def clear_left(target: Path, prefix: str) -> None:
    """Remove folders beside a target that a killed process left behind; put back the target where it is one of them.

    An old folder that cannot be put back, because something else has its name by now, stays: it may be worth something.

    Args:
        target: What was to be replaced.
        prefix: Begins the names of such folders.
    """
    for folder in sorted(target.parent.glob(f"{prefix}*")):
        if not folder.name.endswith(_BEFORE):
            _clear(folder)
        elif not target.exists():
            with suppress(StoreError), writing_to(folder):  # whoever is between two renames holds that lock
                folder.rename(target)


def _clear(folder: Path) -> None:
    with suppress(OSError):  # gone meanwhile, or claimed
        opened = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(opened)
