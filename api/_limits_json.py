"""What a JSON document may be made of, found by counting bytes: parsing a hostile one is what costs."""

from __future__ import annotations

from api._config import Limits
from core import InputError

MAX_DEPTH = 64
"""Lists and objects inside each other; a MultiPolygon in a CQL2 filter needs about ten."""

EXTRA_PARTS = 1_000
"""Lists and objects besides the vertices of an area."""

MAX_STRINGS = 50_000
"""Strings and keys; 10,000 H3 cells are the longest list of them that is accepted."""

_STRUCTURE = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_STRUCTURE))


class JsonParts:
    """Counts the parts of a document while it arrives, so that a million vertices are refused at the first thousands.

    Counts include what stands in strings: a filter may hold its polygon as WKT, and base64 has none of these bytes.

    Args:
        limits: How many vertices an area may have.
    """

    def __init__(self, limits: Limits) -> None:
        self._vertices = limits.vertices
        self._parts = 0
        self._values = 0

    def add(self, piece: bytes) -> None:
        """Count the next piece.

        Raises:
            InputError: The document has too many parts, or is not UTF-8.
        """
        if b"\0" in piece:
            raise InputError("the body holds null bytes; JSON is sent as UTF-8 text")
        self._parts += piece.count(b"[") + piece.count(b"{")
        if self._parts > (most := self._vertices + EXTRA_PARTS):
            raise InputError(
                f"the body holds more than {most:,} lists and objects; an area may have {self._vertices:,} vertices"
            )
        self._values += piece.count(b",")
        # Three numbers a vertex, and the longest list besides it.
        if self._values > (most := 3 * self._vertices + MAX_STRINGS):
            raise InputError(f"the body holds more than {most:,} values; an area may have {self._vertices:,} vertices")


def check_json(body: bytes, limits: Limits) -> None:
    """Do nothing where a JSON document is cheap to parse; linear in its length, some 2 ms a megabyte.

    Raises:
        InputError: It is not UTF-8, is nested too deeply, or has too many parts.
    """
    JsonParts(limits).add(body)
    check_depth(body)


def check_depth(body: bytes) -> None:
    """Do nothing where a document is not nested too deeply.

    Raises:
        InputError: It is, or it has too many strings.
    """
    # Without escapes, every second piece between quotes is outside of strings.
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    quotes = plain.count(b'"')
    if quotes > 2 * MAX_STRINGS:
        raise InputError(f"the body holds {quotes // 2:,} strings, at most {MAX_STRINGS:,} are accepted")
    structure = b"".join(plain.split(b'"')[::2]).translate(None, _OTHERS)
    depth = 0
    for byte in structure:
        depth += 1 if byte in b"[{" else -1
        if depth > MAX_DEPTH:
            raise InputError(f"the body is nested more than {MAX_DEPTH} deep")
