"""The search snapshot of an index in a bucket: who builds one publishes it, who searches fetches it.

```
INDEX/search/published.json   names the newest published snapshot, its files and their sizes
INDEX/search/<name>/...       the files, as `_layout.py` says
```

Files go up before the document that names them, and those of the snapshot before it go after: whoever reads the
document finds its files, or reads it again. A snapshot is searched from files on this machine; what is fetched lies in
the folder of the cache that `indexer` keeps for the index, and looks there like one that was built there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import ConfigError, StoreError
from indexer import (
    BucketPath,
    download_file,
    file_stamp,
    objects_in,
    read_document,
    remove_file,
    replace_document,
    upload_file,
)
from indexer.store import PUBLISHED, SEARCH, Store
from retriever.engine._build._folders import BuilderBusyError, building, clear, named_folder
from retriever.engine._open import current

_LARGEST = 2**24
"""Bytes of the document: a hundred for each of 160,000 files, of which a shard has about thirty."""

_TRIES = 3
"""Times that the document is read again because its files were replaced meanwhile."""


@dataclass(frozen=True, kw_only=True)
class _Published:
    """What the document says."""

    name: str
    files: dict[str, int]


class _ReplacedError(Exception):
    """A file is not as the document says: another snapshot was published meanwhile, or this one is damaged."""


def published_stamp(store: Store) -> object | None:
    """Return what changes when another is published; None where there is none, and for an index in a folder."""
    return file_stamp(_document(store.path)) if isinstance(store.path, BucketPath) else None


def publish(store: Store) -> None:
    """Put the snapshot on this machine into the bucket, for others; nothing for an index in a folder.

    Raises:
        StoreError: The bucket cannot be written.
    """
    if not isinstance(store.path, BucketPath):
        return
    folder = current(store.folder)
    if folder is None or folder.name == _published_name(store.path):
        return
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    home = store.path / SEARCH
    for name, file in files.items():
        upload_file(file, home / folder.name / name)
    sizes = {name: file.stat().st_size for name, file in files.items()}
    replace_document(_document(store.path), {"name": folder.name, "files": sizes})
    for name in [name for name, _ in objects_in(home)]:
        if name.split("/")[0] not in {folder.name, PUBLISHED}:
            remove_file(home / name)


def fetch(store: Store) -> bool:
    """Get the published snapshot onto this machine where it is another than the one here; return whether it was.

    One that is newer here stays: it was built here and could not be published. While another process of this machine
    is building or fetching, nothing is done.

    Raises:
        StoreError: The bucket cannot be read, or the cache cannot be written.
    """
    if not isinstance(store.path, BucketPath):
        return False
    for attempt in range(_TRIES):
        found = _read(store.path)
        if found is None or not _is_news(found, current(store.folder)):
            return False
        try:
            _get(store, store.path, found)
        except _ReplacedError as error:
            if attempt + 1 == _TRIES:
                reason = f"the published search snapshot of {store.path} is not whole: {error}"
                raise StoreError(f"{reason}; make it anew with: swath optimize --index {store.path}") from None
        except BuilderBusyError:
            return False
        else:
            return True
    return False


def _get(store: Store, place: BucketPath, found: _Published) -> None:
    with building(store.folder), named_folder(store.folder, found.name) as part:
        for name, size in found.files.items():
            target = part / name
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                came = download_file(place / SEARCH / found.name / name, target)
            except FileNotFoundError:
                raise _ReplacedError(f"{name} is not there") from None
            if came != size:
                raise _ReplacedError(f"{name} has {came:,} bytes instead of {size:,}")
    clear(store.folder)


def _published_name(place: BucketPath) -> str | None:
    """The name of the published snapshot; None where there is none, or nobody can read which."""
    try:
        found = _read(place)
    except StoreError:
        return None
    return None if found is None else found.name


def _is_news(found: _Published, here: Path | None) -> bool:
    # Names begin with the version of the table, in ten digits.
    return here is None or (found.name != here.name and found.name[:10] >= here.name[:10])


def _read(place: BucketPath) -> _Published | None:
    path = _document(place)
    try:
        told = read_document(path, kind="description of a search snapshot", limit=_LARGEST)
        return None if told is None else _Published(name=_plain(told["name"]), files=_sizes(told["files"]))
    except (ConfigError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{path} is damaged: {error}; make it anew with: swath optimize --index {place}") from None


def _document(place: BucketPath) -> BucketPath:
    return place / SEARCH / PUBLISHED


def _sizes(told: dict[str, Any]) -> dict[str, int]:
    return {"/".join(map(_plain, name.split("/"))): int(size) for name, size in told.items()}


def _plain(name: str) -> str:
    """Names from a bucket become names of files: none may lead out of its folder."""
    if name != Path(name).name or name in {"", ".", ".."} or "\\" in name or "\0" in name:
        raise ValueError(f"it names the file {name!r}")
    return name
