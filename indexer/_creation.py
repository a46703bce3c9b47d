"""Making an index where there is none, and telling what is one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa

from core import InputError
from indexer._calibration_file import CALIBRATION
from indexer._generation import GENERATION, GENERATIONS, RECORD, home_of
from indexer._lance import SCENES, TILES, connect, has_table, lance_errors
from indexer._local_folder import IDENTITY
from indexer._objects import create_object, names_in
from indexer._place import BucketPath, Place
from indexer._schema import LEDGER_SCHEMA
from indexer._tries import again
from indexer._writer import LOCK, holding, writer_lock

STAGING = "staging"
SEARCH = "search"
"""Folder of the search snapshot; ``retriever.engine`` says what lies in it."""
_TABLES = (f"{TILES}.lance", f"{SCENES}.lance")
_OWN_NAMES = frozenset({STAGING, SEARCH, LOCK, CALIBRATION, IDENTITY, GENERATION, GENERATIONS, RECORD, *_TABLES})


def create_index(place: Place, schema: pa.Schema) -> None:
    """Make an empty index.

    Args:
        place: A directory that is missing or empty, or a prefix in a bucket without objects.
        schema: Of its tile table.

    Raises:
        InputError: There is something else.
        StoreError: It cannot be written, or is being written by another process.
    """
    if isinstance(place, BucketPath):
        _check_foreign(place, names_in(place))
    else:
        _check_folder(place)
    with lance_errors("create", place):
        if isinstance(place, Path):
            place.mkdir(parents=True, exist_ok=True)
        with writing_to(place):
            if isinstance(place, BucketPath):
                _name(place)
            # The tile table comes last: a directory counts as an index once it is there.
            for name, layout in ((SCENES, LEDGER_SCHEMA), (TILES, schema)):
                again(partial(_create_table, place, name, layout))


def _create_table(place: Place, name: str, schema: pa.Schema) -> None:
    with lance_errors("create", place):
        connect(place).create_table(name, schema=schema, exist_ok=True)


def is_index_folder(path: Path) -> bool:
    """Whether a directory is an index or what is left of one, so that it may be replaced."""
    return has_table(home_of(path), TILES) or {entry.name for entry in path.iterdir()} <= _OWN_NAMES


@contextmanager
def writing_to(place: Place) -> Iterator[None]:
    """Hold the lock of whoever writes to an index, readable or not; a directory is there.

    Raises:
        BusyError: Another process holds it.
        StoreError: It cannot be written.
    """
    with holding(writer_lock(home_of(place))):
        yield


def _check_folder(path: Path) -> None:
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file; give a directory for the index")
    _check_foreign(path, (entry.name for entry in path.iterdir()) if path.exists() else ())


def _check_foreign(place: Place, names: Iterable[str]) -> None:
    # The store's clock is asked by objects beside the lock, see _lease.py.
    foreign = sorted(name for name in names if name not in _OWN_NAMES and not name.startswith(f"{LOCK}."))
    if foreign:
        raise InputError(f"{place} is not an index and not empty (it holds {foreign[0]!r}); give an empty directory")


def _name(place: BucketPath) -> None:
    """Tell the index from one that is made at the same address later; see _local_folder.py."""
    told = {"id": secrets.token_hex(16), "made": datetime.now(UTC).isoformat(timespec="seconds")}
    create_object(place / IDENTITY, (json.dumps(told) + "\n").encode())
