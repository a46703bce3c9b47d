"""What a JSON document may be made of, found by counting bytes: parsing a hostile one is what costs."""

from __future__ import annotations

from api._config import Limits
from core import InputError

MAX_DEPTH = 64
"""Lists and objects inside each other; a MultiPolygon in a CQL2 filter needs about ten."""

EXTRA_PARTS = 5_000
"""Lists and objects besides the vertices of an area."""

MAX_STRINGS = 50_000
"""Strings and keys; 10,000 H3 cells are the longest list of them that is accepted."""

_STRUCTURE = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_STRUCTURE))


def check_json(body: bytes, limits: Limits) -> None:
    """Do nothing where a JSON document is cheap to parse; linear in its length, some 2 ms a megabyte.

    Counts include what stands in strings: a filter may hold its polygon as WKT, and base64 has none of these bytes.

    Raises:
        InputError: It is not UTF-8, is nested too deeply, or has too many parts.
    """
    if b"\0" in body:
        raise InputError("the body holds null bytes; JSON is sent as UTF-8 text")
    parts, most = body.count(b"[") + body.count(b"{"), limits.vertices + EXTRA_PARTS
    if parts > most:
        raise InputError(
            f"the body holds {parts:,} lists and objects, at most {most:,} are accepted; "
            f"an area may have {limits.vertices:,} vertices"
        )
    # Three numbers a vertex and the longest list besides it.
    values, most = body.count(b","), 3 * limits.vertices + MAX_STRINGS
    if values > most:
        raise InputError(f"the body holds {values:,} values, at most {most:,} are accepted")
    _check_depth(body)


def _check_depth(body: bytes) -> None:
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
