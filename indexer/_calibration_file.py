"""The calibration of an index: one JSON document beside its tables, replaced in one rename."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core import ConfigError, StoreError

CALIBRATION = "calibration.json"
"""Name of the file in the index directory."""

MAX_BYTES = 16 * 2**20
"""Largest document read: 384 numbers of 10 characters for each of 4,000 sensors."""


def write_calibration(index: Path, document: Mapping[str, Any]) -> Path:
    """Put a document in place of the one there is; a reader sees the old one or the new one, never a part.

    Raises:
        StoreError: The index cannot be written.
    """
    target = index / CALIBRATION
    text = json.dumps(document, indent=1, allow_nan=False) + "\n"
    part = index / f".{CALIBRATION}-{secrets.token_hex(8)}"
    try:
        with part.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error
    return target


def read_calibration(index: Path) -> dict[str, Any] | None:
    """Return the document, or None where there is none.

    Raises:
        ConfigError: It is too large or no JSON object.
        StoreError: It cannot be read.
    """
    path = index / CALIBRATION
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES:,} bytes and is no calibration")
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path} holds a {type(document).__name__}, not a calibration")
    return document


def remove_calibration(index: Path) -> bool:
    """Take the document away; return whether there was one.

    Raises:
        StoreError: The index cannot be written.
    """
    try:
        (index / CALIBRATION).unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"cannot remove {index / CALIBRATION}: {error.strerror or error}") from error
    return True
