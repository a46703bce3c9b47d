"""Small files beside the tables, replaced in one step: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import errno
import json
import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from core import ConfigError, StoreError
from indexer._objects import delete_object, look_at, objects_in, read_object, write_object
from indexer._place import BucketPath, Place

ABANDONED_AFTER_S = 3600
"""Age in seconds at which a file that is being written is taken for one that nobody writes any more."""

_DIGITS = "[0-9a-f]" * 16
"""End of the name of such a file, as a pattern."""


def replace_file(target: Place, content: bytes) -> Place:
    """Put a file in place of the one there is, on the disk when this returns; return where.

    Raises:
        StoreError: It cannot be written; the old one stays then.
    """
    if isinstance(target, BucketPath):
        write_object(target, content)
        return target
    part = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
    try:
        _clear_left(target)
        with part.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def _clear_left(target: Path) -> None:
    """Delete what killed processes had begun to write; nobody takes an hour for a small file."""
    for left in target.parent.glob(f".{target.name}-{_DIGITS}"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - ABANDONED_AFTER_S:
                left.unlink()


def replace_document(target: Place, document: Any) -> Place:
    """Put a JSON document in place of the one there is.

    Raises:
        StoreError: It cannot be written.
    """
    return replace_file(target, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode("utf-8"))


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: a rename is safe from a power cut only then."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def remove_file(path: Place) -> bool:
    """Take a file away; return whether there was one.

    Raises:
        StoreError: It cannot be removed.
    """
    if isinstance(path, BucketPath):
        return delete_object(path)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error
    return True


def file_bytes(path: Place) -> bytes:
    """Return a whole file.

    Raises:
        FileNotFoundError: There is none.
        OSError: It cannot be read.
    """
    if isinstance(path, BucketPath):
        found = read_object(path)
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return found.content
    return path.read_bytes()


def file_sizes(folder: BucketPath) -> dict[str, int]:
    """Return the bytes of every object below a prefix, by its path below it.

    Raises:
        StoreError: The bucket cannot be listed.
    """
    return {name: int(entry["size"]) for name, entry in objects_in(folder)}


def file_stamp(path: Place) -> object | None:
    """Return what changes when a file is replaced; None where there is none, or where nobody can look.

    For a file in a folder that is the time of its last change, in nanoseconds.
    """
    try:
        if isinstance(path, BucketPath):
            found = look_at(path)
            return None if found is None else found.version
        return path.stat().st_mtime_ns
    except OSError:
        return None


def read_file(path: Place, *, kind: str, limit: int) -> bytes | None:
    """Return the content of a file, or None where there is none.

    Args:
        path: The file.
        kind: What it should be, for messages.
        limit: Most bytes.

    Raises:
        ConfigError: It is larger.
        StoreError: It cannot be read.
    """
    if isinstance(path, BucketPath):
        found = read_object(path, limit=limit, kind=kind)
        return None if found is None else found.content
    try:
        with path.open("rb") as stream:
            raw = stream.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    if len(raw) > limit:
        raise ConfigError(f"{path} is larger than {limit:,} bytes and is no {kind}")
    return raw


def read_document(path: Place, *, kind: str, limit: int) -> dict[str, Any] | None:
    """Return a JSON object, or None where there is no such file.

    Raises:
        ConfigError: It is too large or no JSON object.
        StoreError: It cannot be read.
    """
    raw = read_file(path, kind=kind, limit=limit)
    if raw is None:
        return None
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path} holds a {type(document).__name__}, not a {kind}")
    return document
