"""The folder on this machine where an index keeps what must be files: pieces of scenes, and the search snapshot.

For an index in a folder it is that folder. For one in a bucket it is a folder of a cache, which may be deleted at any
time: its name comes from the address and from the identity that the index was given when it was made, so that an index
that was deleted and made anew at the same address finds nothing of the earlier one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from core import Settings, StoreError
from indexer._objects import read_object
from indexer._place import BucketPath, Place

IDENTITY = "index.json"
"""Object that tells an index in a bucket from others at the same address, in time."""

_LARGEST = 65_536
"""Bytes of that object; ours take 90."""


def local_folder(place: Place) -> Path:
    """Return the folder, which may not be there yet.

    Raises:
        StoreError: The bucket cannot be read, or the identity in it is damaged.
    """
    if isinstance(place, Path):
        return place
    told = hashlib.sha256(f"{place}\n{_identity(place)}".encode()).hexdigest()
    return _cache() / f"{place.name[:40]}-{told[:24]}"


def _identity(place: BucketPath) -> str:
    """The identity of an index; empty for one that was made in a folder and copied into the bucket."""
    found = read_object(place / IDENTITY, limit=_LARGEST, kind="identity of an index")
    if found is None:
        return ""
    try:
        return str(json.loads(found.content)["id"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StoreError(f"{place / IDENTITY} is damaged: {error}; delete it, a new cache is made then") from None


def _cache() -> Path:
    configured = Settings().index_cache
    return Path(configured) if configured else Path.home() / ".cache" / "swath" / "indexes"
