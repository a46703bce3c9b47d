"""Where a page begins, in which version of the index, of which search: a text that clients hand back unread.

It holds all that is needed, so any server of the same index understands it. It is not signed: whoever writes one of
their own reaches nothing but another page of their own search.
"""

from __future__ import annotations

import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from core import QueryError, SwathError

_LAYOUT = struct.Struct(">BHQI8s")
"""Format, generation of the index modulo 2**16, its version, hits before the page, digest of the search."""

_FORMAT = 2


class CursorGoneError(SwathError):
    """A cursor into a version of the index that is no longer kept."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """The beginning of a page."""

    version: int
    """Of the index."""
    generation: int
    """Of the index: each counts its versions from 1."""
    offset: int
    """Hits before it."""
    digest: bytes
    """(8,) bytes that change with the search."""

    def write(self) -> str:
        """Return the text that ``read_cursor`` reads."""
        packed = _LAYOUT.pack(_FORMAT, self.generation % 2**16, self.version, self.offset, self.digest)
        return urlsafe_b64encode(packed).decode().rstrip("=")


def digest_of(search: Mapping[str, Any], ranking: str) -> bytes:
    """Return what tells one search from another.

    Args:
        search: What was asked, as JSON values, without what differs from page to page.
        ranking: What else decides the order: changes with the calibration.
    """
    return sha256(json.dumps([search, ranking], sort_keys=True).encode()).digest()[:8]


def read_cursor(text: str, digest: bytes) -> Cursor:
    """Return a cursor that belongs to a search.

    Raises:
        QueryError: It is none, or belongs to another search.
    """
    try:
        form, generation, version, offset, found = _LAYOUT.unpack(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, struct.error):
        form = generation = version = offset = 0
        found = b""
    # Lance numbers versions in 64 bits, of which Python hands on 63.
    if form != _FORMAT or not 0 < version < 2**63:
        raise QueryError(f"the cursor {text[:80]!r} is none of ours; hand back `next` of the page before as it is")
    if found != digest:
        raise QueryError(
            "the cursor belongs to another search, or the index was calibrated anew since;"
            " send the request of the page before with it, or start at the first page"
        )
    return Cursor(version=version, generation=generation, offset=offset, digest=digest)
