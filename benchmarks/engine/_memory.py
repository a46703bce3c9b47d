"""Memory of a process, from the kernel: what it made itself, and what it keeps of files."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

READ_AT_ONCE = 1 << 24
"""Bytes."""

POPULATE_READ = 22
"""``MADV_POPULATE_READ``, since Linux 5.14 (https://man7.org/linux/man-pages/man2/madvise.2.html)."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Resident bytes of a process."""

    anonymous: int
    """Its own: allocations, and pages of files it has changed."""
    files: int
    """Pages of files it has mapped; the kernel takes them back when others need the room."""

    def beyond(self, other: Memory) -> dict[str, int]:
        """Return how much more it is than another."""
        return {"anonymous": self.anonymous - other.anonymous, "files": self.files - other.files}


def memory() -> Memory:
    """Return the memory of this process, from ``/proc/self/smaps_rollup``."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(rest.split()[0]) * 1024 for name, rest in (line.split(":") for line in lines)}
    return Memory(anonymous=sizes["Anonymous"], files=sizes["Rss"] - sizes["Anonymous"])


def read_into_cache(folder: Path) -> None:
    """Read all files below a folder, so that who maps them does not wait for the disk."""
    for path in (path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb", buffering=0) as stream:
            while stream.read(READ_AT_ONCE):
                pass


def keep_in_memory(folder: Path) -> bool:
    """Bring all that this process has mapped of the files below a folder into memory; return whether it has any.

    Some machines take back pages of files that were not touched for seconds, however much memory is free.
    """
    system, found = ctypes.CDLL(None), False
    system.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, _, _, _, _, *name = line.split(maxsplit=5)
        if name and Path(name[0]).is_relative_to(folder.resolve()):
            start, end = (int(number, 16) for number in span.split("-"))
            system.madvise(start, end - start, POPULATE_READ)
            found = True
    return found


def drop_from_cache(folder: Path) -> None:
    """Ask the kernel to forget the files below a folder, so that the next reader reads them from disk.

    Pages that another process has mapped stay; nothing must have the files open.
    """
    for path in (path for path in folder.rglob("*") if path.is_file()):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
