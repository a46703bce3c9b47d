"""What a backup says it holds, and which of a folder's backups is meant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core import InputError, StoreError

FORMAT = 1
"""Raised when the document changes meaning."""

DOCUMENT = "backup.json"
"""File in a backup that tells what it holds; a folder without it is none."""

PART = ".part-"
"""Begins the name of a backup that is not finished."""


@dataclass(frozen=True, kw_only=True)
class BackupFile:
    """A file of a backup."""

    size: int
    """Bytes."""
    sha256: str
    """Hexadecimal digits."""


@dataclass(frozen=True, kw_only=True)
class BackupDocument:
    """What a backup holds."""

    format: int
    """See FORMAT."""
    created: str
    """When, RFC 3339."""
    source: str
    """The index that was copied."""
    tiles: int
    """Rows of the tile table."""
    versions: Mapping[str, int]
    """Version of each table."""
    files: Mapping[str, BackupFile]
    """By path below the backup, with slashes."""


def newest_backup(home: Path) -> Path | None:
    """Return the last whole backup in a folder, None where there is none; names begin with the time."""
    return max((entry for entry in home.glob("[0-9]*") if (entry / DOCUMENT).is_file()), default=None)


def backup_meant(path: Path) -> Path:
    """Return a backup, or the newest in a folder of them.

    Raises:
        InputError: There is none; the message says what is there.
    """
    if (path / DOCUMENT).is_file():
        return path
    found = newest_backup(path) if path.is_dir() else None
    if found is not None:
        return found
    if any(path.glob(f"{PART}*")) or path.name.startswith(PART):
        raise InputError(f"{path} holds no whole backup, only one that was cut off; run swath backup again")
    raise InputError(f"{path} {'holds no backup' if path.is_dir() else 'is no folder'}; make one with: swath backup")


def read_document(backup: Path) -> BackupDocument:
    """Return what a backup holds.

    Raises:
        StoreError: Its document is damaged, or of another format.
    """
    path = backup / DOCUMENT
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if said["format"] != FORMAT:
            raise StoreError(
                f"{path} has format {said['format']!r:.40}, this Swath reads {FORMAT}; take the one that made it"
            )
        return BackupDocument(
            format=FORMAT,
            created=_text(said["created"]),
            source=_text(said["source"]),
            tiles=_count(said["tiles"]),
            versions={name: _count(version) for name, version in said["versions"].items()},
            files={_inside(name): _file(file) for name, file in said["files"].items()},
        )
    except StoreError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(f"cannot read {path}: {error}; take an earlier backup") from error


def _inside(name: str) -> str:
    if Path(name).is_absolute() or ".." in Path(name).parts or "\0" in name or not Path(name).name:
        raise ValueError(f"it names a file outside the backup: {name[:80]!r}")
    return name


def _file(said: Mapping[str, object]) -> BackupFile:
    return BackupFile(size=_count(said["size"]), sha256=_text(said["sha256"]))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.50} is no text")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise TypeError(f"{value!r:.50} is no count")
    return value
