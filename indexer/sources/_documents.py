"""Text files that others wrote, read up to a size."""

from __future__ import annotations

import stat
from pathlib import Path

from core import SourceError


def read_text(path: Path, limit: int) -> str:
    """Return a text file in UTF-8.

    Args:
        path: A regular file; a pipe would wait for ever, a device such as ``/dev/zero`` never ends.
        limit: Most bytes read.

    Raises:
        SourceError: Not a regular file, or too large.
        OSError: Not there, or not readable.
        UnicodeDecodeError: Not UTF-8.
    """
    check_regular(path)
    with path.open("rb") as file:
        content = file.read(limit + 1)  # not the size the file system tells: some files report 0 and go on
    if len(content) > limit:
        raise SourceError(f"{path} has more than {limit:,} bytes (SWATH_MAX_METADATA_BYTES)")
    return content.decode("utf-8")


def check_regular(path: Path) -> None:
    """Do nothing where a path is a regular file.

    Raises:
        SourceError: It is a folder, a pipe, a device...
        OSError: Not there.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise SourceError(f"{path} is not a regular file")
