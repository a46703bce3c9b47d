"""Matches appended to a file, each once, whenever the process may be killed.

What is to be appended comes from the journal and is known exactly. The size of the file after the last delivery that
was acknowledged is remembered; what lies behind it was written by a delivery that was cut off, or by somebody else. It
is read before anything is written: matches that are there already are left out, and a line that was cut off is taken
away and written again.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core import InputError, StoreError
from retriever.watches._journal import read_match

FEATURES = (".geojsonl", ".geojsons", ".ndjson")
"""Endings of files with a GeoJSON Feature a line (GDAL: GeoJSONSeq)."""

FLAT = ".jsonl"
"""Ending of files with a plain JSON object a line, without the footprint."""

_Key = tuple[str, str]
"""Name of the watch and tile id: two watches may share a file."""


def check_file(path: Path) -> Path:
    """Return the path of a file of matches.

    The ending is not a matter of taste: a watch may come with an index that somebody else made, and must not be able to
    name a file that anything but a reader of matches would open.

    Raises:
        InputError: Another ending, or not absolute.
    """
    if path.suffix.lower() not in (*FEATURES, FLAT):
        raise InputError(f"cannot write matches to {path}; the file must end in {', '.join(FEATURES)} or {FLAT}")
    if not path.is_absolute():
        raise InputError(f"cannot write matches to {path}; give an absolute path")
    return path


def append_matches(path: Path, lines: Sequence[str], *, known: int) -> int:
    """Append those matches that a file does not hold yet; return its size afterwards.

    Args:
        path: The file; made where it is missing. A symbolic link is refused.
        lines: Lines of the journal.
        known: Size of the file after the last delivery that was acknowledged.

    Raises:
        StoreError: It cannot be read or written, or holds something else than matches.
    """
    texts = [_text(path, line) for line in lines]
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        opened = os.open(path, flags, 0o666)
        with os.fdopen(opened, "r+b", buffering=0) as stream:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise StoreError(f"cannot write matches to {path}: it is no plain file")
            tail, there = _tail(stream, known)
            if there == len(tail) and not _is_ours(tail, texts):
                raise StoreError(f"cannot write matches to {path}: it holds something else; give another file")
            held = {_key(line) for line in tail.splitlines()}
            end, missing = there, [text for text in texts if _key(text) not in held]
            if tail and not tail.endswith(b"\n"):
                end, missing = _mended(tail, there, missing)
            return _written(stream, end, missing)
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(f"cannot write matches to {path}: {error.strerror or error}") from error


def _tail(stream: Any, known: int) -> tuple[bytes, int]:
    """What lies behind the last acknowledged match, and the size of the file."""
    size = stream.seek(0, os.SEEK_END)
    # A smaller file is another one: the old one was moved away.
    stream.seek(known if known <= size else 0)
    return b"".join(iter(lambda: stream.read(2**20), b"")), size


def _is_ours(content: bytes, texts: Sequence[bytes]) -> bool:
    """Whether a whole file is empty, or begins with a match or a part of one."""
    begin, end, _ = content.partition(b"\n")
    return not begin or _key(begin) is not None or (not end and any(text.startswith(begin) for text in texts))


def _mended(tail: bytes, size: int, missing: list[bytes]) -> tuple[int, list[bytes]]:
    """Where to go on behind a line without an end: before it where it is the beginning of a match, else behind it."""
    torn = tail.rpartition(b"\n")[2]
    if any(text.startswith(torn) for text in missing):
        return size - len(torn), missing
    return size, [b"\n", *missing]


def _written(stream: Any, end: int, texts: Sequence[bytes]) -> int:
    stream.truncate(end)
    stream.seek(end)
    content = memoryview(b"".join(texts))
    while content:
        content = content[os.write(stream.fileno(), content) :]
    os.fsync(stream.fileno())
    size: int = stream.tell()
    return size


def _text(path: Path, line: str) -> bytes:
    if path.suffix.lower() != FLAT:
        return f"{line}\n".encode()
    match = read_match(line)
    told = match["properties"]
    return (json.dumps(told, allow_nan=False, separators=(",", ":")) + "\n").encode()


def _key(line: bytes) -> _Key | None:
    """Watch and tile of a line; None where it is no match."""
    try:
        row = json.loads(line)
        told = row.get("properties", row)
        watch, tile = told["watch"], told["tile_id"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (watch, tile) if isinstance(watch, str) and isinstance(tile, str) else None
