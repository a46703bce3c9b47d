"""Small documents from untrusted places, read up to a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core._errors import InputError


def read_limited(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes.

    Devices and pipes claim a size of 0 and never end, so the kind of file is checked, and never more than
    ``limit`` + 1 bytes are read.

    Raises:
        InputError: It is missing, not a regular file, unreadable or too large; the message is the reason alone.
    """
    try:
        # Without O_NONBLOCK opening a pipe waits for its writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError("not a regular file")
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(error.strerror or str(error)) from None
    if len(content) > limit:
        raise InputError(f"larger than {limit:,} bytes (SWATH_MAX_METADATA_BYTES)")
    return content
