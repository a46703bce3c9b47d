"""Which files a version of a Lance table is made of, as its manifest says.

LanceDB does not tell, and pylance, which does, is a large dependency for this one question. Only the handful of fields
that name files are read (https://lance.org/format/table/ and its ``table.proto``); a manifest that names files in a way
that is not known here is refused, not guessed at.
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from core import StoreError
from indexer._place import BucketPath, Place
from indexer._small_files import file_bytes, file_sizes, file_stamp

VERSIONS = "_versions"
"""Folder of the manifests."""
_DATA = "data"
DELETIONS = "_deletions"
"""Folder of what says which rows of a data file are gone."""
_TRANSACTIONS = "_transactions"

IMMUTABLE = (_DATA, DELETIONS)
"""Folders of files with random names that are written once: the same name is the same file."""

_TAIL = struct.Struct("<Q2H4s")
"""A manifest's last bytes: where its message is, the versions of the format, and LANC."""
_ENDINGS = ("arrow", "bin")
"""Of deletion files, by ``DeletionFile.file_type``."""

# Numbers of fields in table.proto.
_FRAGMENTS, _TRANSACTION = 2, 12
_FRAGMENT_ID, _FILES, _DELETION = 1, 2, 3
_KNOWN_OF_FRAGMENT = frozenset({_FRAGMENT_ID, _FILES, _DELETION, 4, 5, 7, 9})  # and row counts, and inline row ids
_PATH, _SIZE, _BASE = 1, 6, 7
_TYPE, _READ_VERSION, _OPAQUE_ID = 1, 2, 3


_VARINT_BITS = 70
"""Ten bytes of seven bits hold the largest number of protobuf."""


@dataclass(frozen=True, kw_only=True)
class TableFile:
    """A file of a table."""

    path: str
    """Below the table's folder."""
    size: int | None
    """Bytes that it must have; None where the manifest does not say."""
    needed: bool = True
    """Whether the table cannot be read without it."""


def table_files(table: Place, version: int) -> list[TableFile]:
    """Return the files of a version; its manifest comes last.

    Args:
        table: Folder of the table, ``tiles.lance``.
        version: See ``Snapshot.version``.

    Raises:
        StoreError: The version is gone, or its manifest is damaged or names files in an unknown way.
    """
    manifest = manifest_file(table, version)
    try:
        raw = file_bytes(manifest)
        found = [*_files(_message(raw)), TableFile(path=f"{VERSIONS}/{manifest.name}", size=len(raw))]
    except OSError as error:
        raise StoreError(f"cannot read {manifest}: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, OverflowError, struct.error) as error:
        raise StoreError(f"cannot read {manifest}: {_said(error)}") from error
    return found


def _said(error: Exception) -> str:
    return "it names no file" if isinstance(error, KeyError) else str(error)


@overload
def manifest_file(table: Path, version: int) -> Path: ...
@overload
def manifest_file(table: Place, version: int) -> Place: ...
def manifest_file(table: Place, version: int) -> Place:
    """Return the manifest of a version, whichever of Lance's two ways of naming it has."""
    by_falling_number = table / VERSIONS / f"{2**64 - 1 - version:020d}.manifest"
    by_number = table / VERSIONS / f"{version}.manifest"
    return by_number if file_stamp(by_number) is not None else by_falling_number


def wrong_files(table: Place, version: int) -> list[str]:
    """Return a line for each file of a version that is missing or of another size; its bytes are not looked at.

    Raises:
        StoreError: See ``table_files``.
    """
    files = table_files(table, version)
    # One listing in place of a request for each file.
    known = file_sizes(table) if isinstance(table, BucketPath) else None
    return [line for file in files if (line := _wrong(table, file, known))]


def _wrong(table: Place, file: TableFile, known: Mapping[str, int] | None) -> str | None:
    try:
        size = (table / file.path).stat().st_size if isinstance(table, Path) else (known or {})[file.path]
    except KeyError:
        return f"{table.name}/{file.path}: {os.strerror(errno.ENOENT)}" if file.needed else None
    except OSError as error:
        return f"{table.name}/{file.path}: {error.strerror or error}" if file.needed else None
    if file.size is not None and size != file.size:
        return f"{table.name}/{file.path} has {size:,} bytes instead of {file.size:,}"
    return None


def _message(raw: bytes) -> memoryview:
    place, _, _, magic = _TAIL.unpack(raw[-_TAIL.size :])
    if magic != b"LANC":
        raise ValueError("it does not end like a manifest")
    (length,) = struct.unpack_from("<I", raw, place)
    return _part(memoryview(raw), place + 4, length)


def _files(manifest: memoryview) -> Iterator[TableFile]:
    for number, value in _fields(manifest):
        if number == _FRAGMENTS:
            yield from _of_fragment(_bytes(value))
        elif number == _TRANSACTION:
            # Read by writers that were overtaken; a version that is the first of its table has none to tell of.
            yield TableFile(path=f"{_TRANSACTIONS}/{_name(value)}", size=None, needed=False)


def _of_fragment(fragment: memoryview) -> Iterator[TableFile]:
    fields = list(_fields(fragment))
    if unknown := {number for number, _ in fields} - _KNOWN_OF_FRAGMENT:
        raise ValueError(f"it is of a later Lance (field {min(unknown)} of a fragment); use a later Swath")
    identity = next((value for number, value in fields if number == _FRAGMENT_ID), 0)
    for number, value in fields:
        if number == _FILES:
            yield _data_file(dict(_fields(_bytes(value))))
        elif number == _DELETION:
            deletion = dict(_fields(_bytes(value)))
            _check_inside(deletion)
            ending = _ENDINGS[_number(deletion.get(_TYPE, 0))]
            name = f"{identity}-{deletion.get(_READ_VERSION, 0)}-{deletion.get(_OPAQUE_ID, 0)}.{ending}"
            yield TableFile(path=f"{DELETIONS}/{name}", size=None)


def _data_file(fields: dict[int, int | memoryview]) -> TableFile:
    _check_inside(fields)
    return TableFile(path=f"{_DATA}/{_name(fields[_PATH])}", size=_number(fields.get(_SIZE, 0)) or None)


def _check_inside(fields: dict[int, int | memoryview]) -> None:
    if _BASE in fields:
        raise ValueError("it names files in another folder (a shallow clone)")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Numbers and values of a protobuf message (https://protobuf.dev/programming-guides/encoding/)."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        match key & 7:
            case 0:
                value, place = _varint(message, place)
                yield key >> 3, value
            case 2:
                length, place = _varint(message, place)
                yield key >> 3, _part(message, place, length)
                place += length
            case 1 | 5 as fixed:
                width = 8 if fixed == 1 else 4
                yield key >> 3, _part(message, place, width)
                place += width
            case other:
                raise ValueError(f"a field of unknown kind {other}")


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
        # Without an end in sight, the number grows by a bit a byte, and the time with its square.
        if shift >= _VARINT_BITS:
            raise ValueError("it has a number of more than 64 bits")


def _part(message: memoryview, place: int, length: int) -> memoryview:
    if place + length > len(message):
        raise ValueError("it is cut off")
    return message[place : place + length]


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise TypeError("a number where a message should be")
    return value


def _name(value: int | memoryview) -> str:
    name = bytes(_bytes(value)).decode()
    if name in {"", ".."} or "\0" in name or name != Path(name).name:
        raise ValueError(f"it names a file outside its folder: {name[:80]!r}")
    return name


def _number(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise TypeError("a message where a number should be")
    return value
