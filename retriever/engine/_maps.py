"""Files mapped into memory: read where they are touched, with no file descriptor and no claim on memory kept for each.

``mmap.mmap`` keeps a descriptor for each map (https://docs.python.org/3/library/mmap.html, ``trackfd`` of Python 3.13
ends that): a shard has 34 files, and a process may often open 1,024. A map that copies on writing is refused where the
file is larger than memory and swap (https://docs.kernel.org/mm/overcommit-accounting.html).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref
from functools import cache
from pathlib import Path
from typing import Any

_FAILED = ctypes.c_void_p(-1).value
"""What the system returns where it cannot map."""


def mapped(path: Path, *, scattered: bool) -> memoryview:
    """Return the bytes of a file that is not empty; they stay readable when its name is gone.

    To NumPy they look writable, so that kernels see the type of an ordinary array; writing to them ends the process.

    Args:
        path: The file.
        scattered: Whether rows here and there are read: 128 kB round each would be read otherwise (measured).

    Raises:
        OSError: It cannot be read or mapped.
    """
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        address = _system().mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, stream.fileno(), 0)
    if address == _FAILED:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))
    if scattered:
        _system().madvise(address, size, mmap.MADV_RANDOM)
    found = (ctypes.c_char * size).from_address(address)
    # Not when the process ends: arrays may be read until it is gone, and their maps go with it.
    weakref.finalize(found, _system().munmap, address, size).atexit = False
    return memoryview(found)


@cache
def _system() -> Any:
    """The C library, told what its calls take."""
    library = ctypes.CDLL(None, use_errno=True)
    place, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    library.mmap.restype = place
    library.mmap.argtypes = [place, size, number, number, number, ctypes.c_longlong]
    library.madvise.argtypes = [place, size, number]
    library.munmap.argtypes = [place, size]
    return library
