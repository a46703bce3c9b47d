"""Check sums of a folder's files: a snapshot that was cut off, mixed up or overwritten is noticed when it is opened.

Of what leads from one row to another every byte is summed, because a wrong number there would lead a kernel out of its
arrays: 18 bytes a row, 20 ms a million. Of the large files only the first and last 64 kB are; every byte of theirs is
summed when they are written, for ``swath verify``.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping
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
"""Files of which only the ends are compared on opening: a wrong number in them gives a wrong rank at worst."""


def write_sums(folder: Path, known: Mapping[str, list[int]] | None = None) -> None:
    """Write the sums of the files that lie in a folder.

    Args:
        folder: The folder.
        known: Sums of files that were summed when they were written, and are not summed again: a file that was damaged
            since would pass for a whole one.
    """
    files = sorted(file for file in folder.iterdir() if file.is_file() and file.name != SUMS)
    sums = {file.name: (known or {}).get(file.name) or _all_sums(file) for file in files}
    (folder / SUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def read_sums(folder: Path) -> dict[str, list[int]]:
    """Return the sums of a folder's files: size, check sum, and of a large file the sum of every byte after these.

    Raises:
        OSError: They cannot be read.
        ValueError: They are no sums.
    """
    sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
    if not isinstance(sums, dict) or not all(isinstance(found, list) for found in sums.values()):
        raise ValueError(f"{folder / SUMS} holds no sums")
    return sums


def first_wrong(folder: Path) -> Path | None:
    """Return the first file of a folder that is not as it was written, None where all are.

    Of large files the ends count.

    Raises:
        OSError: A file cannot be read.
        ValueError: The sums themselves cannot.
    """
    sums = read_sums(folder)
    unknown = (file for file in folder.glob("*.*") if file.name not in sums and file.name != SUMS)
    wrong = (folder / name for name, found in sums.items() if _sum(folder / name) != found[:2])
    return next(wrong, next(unknown, None))


def wrong_inside(folder: Path) -> Iterator[tuple[Path, bool | None]]:
    """Yield each large file whose ends are as they were written, and whether all of it is; None where nobody can tell.

    Raises:
        OSError: A file cannot be read.
        ValueError: The sums themselves cannot.
    """
    for name, found in read_sums(folder).items():
        file = folder / name
        if _is_large(file):
            yield file, None if len(found) < 3 else _all_sums(file) == found


def _all_sums(file: Path) -> list[int]:
    """Size, check sum, and of a large file the sum of every byte."""
    if not _is_large(file):
        return _sum(file)
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        return [*_sum(file), _whole(stream.fileno(), size)]


def _is_large(file: Path) -> bool:
    return file.name in LARGE and file.stat().st_size > 2 * ENDS


def _sum(file: Path) -> list[int]:
    """Size and check sum, of a large file that of its ends."""
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
