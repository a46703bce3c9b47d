"""Check sums of a folder's files: a snapshot that was cut off, mixed up or overwritten is noticed when it is opened.

Of what leads from one row to another every byte is summed, because a wrong number there would lead a kernel out of its
arrays: 18 bytes a row, 20 ms a million. Of the large files only the first and last 64 kB are.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

SUMS = "sums.json"
"""File of the sums in each folder."""

ENDS = 65_536
"""Bytes at either end of a large file that are summed."""

LARGE = frozenset({
    "codes.bin", "factors.bin", "offsets.bin", "ones.bin", "list_codes.bin", "list_factors.bin", "list_offsets.bin",
    "list_ones.bin", "list_seconds.bin", "list_sensor.bin", "bounds.bin", "seconds.bin", "sensor.bin",
    "collection.bin", "cloud.bin", "flags.bin", "vectors.bin", "cells.bin", "scalars.arrow",
})  # fmt: skip
"""Files of which only the ends are summed: a wrong number in them gives a wrong place in the ranking at worst."""


def write_sums(folder: Path) -> None:
    """Write the sums of the files that lie in a folder."""
    sums = {file.name: _sum(file) for file in sorted(folder.iterdir()) if file.is_file() and file.name != SUMS}
    (folder / SUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def first_wrong(folder: Path) -> Path | None:
    """Return the first file of a folder that is not as it was written, None where all are.

    Raises:
        OSError: A file cannot be read.
        ValueError: The sums themselves cannot.
    """
    sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
    if not isinstance(sums, dict):
        raise ValueError(f"{folder / SUMS} holds no sums")
    unknown = (file for file in folder.glob("*.*") if file.name not in sums and file.name != SUMS)
    return next((folder / name for name, found in sums.items() if _sum(folder / name) != found), next(unknown, None))


def _sum(file: Path) -> list[int]:
    """Size and check sum."""
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if file.name not in LARGE or size <= 2 * ENDS:
            return [size, _whole(stream.fileno(), size)]
        first = zlib.crc32(stream.read(ENDS))
        stream.seek(size - ENDS)
        return [size, zlib.crc32(stream.read(ENDS), first)]


def _whole(opened: int, size: int) -> int:
    found, step = 0, 2**22
    for start in range(0, size, step):
        found = zlib.crc32(os.pread(opened, step, start), found)
    return found
