"""Keep freed memory in the process: a training step frees and asks for the same gigabytes again and again."""

from __future__ import annotations

import ctypes

# https://man7.org/linux/man-pages/man3/mallopt.3.html
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
MOST = 2**31 - 1
PAD = 2**28


def keep_freed_memory() -> bool:
    """Ask the C library not to return memory to the kernel; return whether it will.

    Only glibc knows the request; elsewhere nothing happens, and training is as right, only slower where the kernel is
    slow at handing out pages.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library; Windows takes no None
        return False
    wishes = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, MOST), (M_TOP_PAD, PAD))
    return all(mallopt(name, value) == 1 for name, value in wishes)
