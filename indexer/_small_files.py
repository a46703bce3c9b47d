"""Small files beside the tables, replaced in one rename: a reader sees the old one or the new one, never a part."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from core import ConfigError, StoreError


def replace_file(target: Path, content: bytes) -> Path:
    """Put a file in place of the one there is, on the disk when this returns; return where.

    Raises:
        StoreError: It cannot be written; the old one stays then.
    """
    part = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
    try:
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


def replace_document(target: Path, document: Any) -> Path:
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


def read_file(path: Path, *, kind: str, limit: int) -> bytes | None:
    """Return the content of a file, or None where there is none.

    Args:
        path: The file.
        kind: What it should be, for messages.
        limit: Most bytes.

    Raises:
        ConfigError: It is larger.
        StoreError: It cannot be read.
    """
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


def read_document(path: Path, *, kind: str, limit: int) -> dict[str, Any] | None:
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
