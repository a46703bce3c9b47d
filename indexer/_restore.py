"""A backup made an index again: copied, compared with its check sums, its rows looked at, then given its name."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from core import InputError, StoreError
from indexer._backup_document import BackupDocument, backup_meant, read_document
from indexer._copies import Meter, Progress, copy_file, sync_folders
from indexer._place import BucketPath, local_place
from indexer._swap import claimed, clear_left, put_in_place
from indexer._verify import verify_tables
from indexer.store import Store, is_index_folder


@dataclass(frozen=True, kw_only=True)
class RestoreReport:
    """What a restoration did."""

    path: Path
    """The index."""
    source: Path
    """The backup it was made from."""
    created: str
    """When the backup was made, RFC 3339."""
    tiles: int
    """Rows of the tile table."""
    bytes: int
    """That were copied."""
    seconds: float
    """That it took."""


def restore(
    source: str | PathLike[str],
    index: str | PathLike[str] | BucketPath,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RestoreReport:
    """Make an index from a backup.

    Args:
        source: A backup, or a folder of backups, of which the newest is taken.
        index: Directory; missing or empty, or an index where ``overwrite`` says so.
        overwrite: Put it in place of the index that is there. Servers that have that one open must be started again.
        progress: Called with bytes done and bytes in all.

    Raises:
        InputError: There is no backup, or something is in the way.
        StoreError: The backup is damaged, or the index cannot be written; what was there stays as it is.
    """
    started, target = time.monotonic(), local_place(index, what="an index that is restored")
    backup = backup_meant(local_place(source, what="a backup"))
    document = read_document(backup)
    named, target = target, target.absolute()  # a name of its own, whatever it is called here
    prefix = f".{target.name}.restored-"
    clear_left(target, prefix)
    _check_target(target, backup, overwrite=overwrite)
    part = target.parent / f"{prefix}{secrets.token_hex(4)}"
    try:
        with claimed(part):
            _copy(backup, part, document, progress)
            _check_rows(part, backup)
            put_in_place(part, target)
    except OSError as error:
        raise error if isinstance(error, StoreError) else _failed(target, error) from error
    return RestoreReport(
        path=named,
        source=backup,
        created=document.created,
        tiles=document.tiles,
        bytes=sum(file.size for file in document.files.values()),
        seconds=time.monotonic() - started,
    )


def _check_target(target: Path, backup: Path, *, overwrite: bool) -> None:
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; give a directory for the index")
    if backup.resolve() in (target.resolve(), *target.resolve().parents):
        raise InputError(f"{target} lies in the backup; give another directory for the index")
    if not target.exists() or not any(target.iterdir()):
        return
    if not is_index_folder(target):
        raise InputError(f"{target} is not empty and not an index; give another directory for the index")
    if not overwrite:
        raise InputError(f"{target} holds an index; give another directory, or --overwrite to replace it")


def _copy(backup: Path, part: Path, document: BackupDocument, progress: Progress | None) -> None:
    meter = Meter(sum(file.size for file in document.files.values()), progress)
    for name, file in document.files.items():
        if copy_file(backup / name, part / name, meter) != file.sha256:
            raise StoreError(f"the backup is damaged: {backup / name} is not as it was written; take an earlier one")
    sync_folders(part)


def _check_rows(part: Path, backup: Path) -> None:
    """What was damaged before it was copied has right check sums of its files."""
    damage = [finding for finding in verify_tables(Store.open(part)).findings if finding.damage]
    if damage:
        found = f"the index was damaged when {backup} was made ({damage[0].message}, {len(damage):,} findings in all)"
        raise StoreError(f"{found}; take an earlier backup, or see all of it: swath verify {backup}")


def _failed(target: Path, error: OSError) -> StoreError:
    place = f" ({error.filename})" if error.filename else ""
    return StoreError(f"cannot restore {target}: {error.strerror or error}{place}")
