"""What the C library keeps of memory that was freed: little, and not for long.

Glibc gives each of a server's threads an arena of its own, eight a core, and keeps what is freed in it. Pictures,
matrices of scores and answers of some megabytes, made by forty threads in turn, leave holes in all of them: a server
of 20,600 tiles that had 225 MB in use held 350 MB of holes after a minute, and went on to 1.8 GB under overload.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

ARENAS = 2
"""Most arenas; what needs many threads here (numpy, GDAL, ONNX Runtime) allocates seldom and much."""

TRIM_S = 20.0
"""Seconds between two returns of free pages to the system; one takes some milliseconds."""

_M_ARENA_MAX = -8
"""Of mallopt: https://sourceware.org/git/?p=glibc.git;a=blob;f=malloc/malloc.h."""


@contextmanager
def tidy_heap() -> Iterator[None]:
    """Keep the heap small while the block runs; does nothing where the C library is not glibc."""
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_M_ARENA_MAX, ARENAS)
    over = threading.Event()
    thread = threading.Thread(target=_trim, args=(libc, over), name="swath-trim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _trim(libc: Any, over: threading.Event) -> None:
    while not over.wait(TRIM_S):
        # The interpreter's lock is let go of meanwhile.
        libc.malloc_trim(0)


def _glibc() -> Any | None:
    try:
        libc = ctypes.CDLL(None)
        return libc if libc.gnu_get_libc_version and libc.malloc_trim and libc.mallopt else None
    except (OSError, TypeError, AttributeError):  # no such library, or another one
        return None
