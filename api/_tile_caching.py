"""Answers a client need not fetch twice: ETags, 304, and parts of a file for clients that read it by ranges."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import Request, Response

from api._errors import error_response

MAX_AGE_S = 3600
"""How long a client may use a picture without asking again; an archive is indexed anew less often than that."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
"""One range, https://www.rfc-editor.org/rfc/rfc9110#name-range; several are answered with the whole, as allowed."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A body that stays the same until the tile or its pixels change."""

    body: bytes
    """What is sent."""
    media_type: str
    """Its type."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """What else is said of it."""
    lasting: bool = True
    """False where the next answer may well be another; nobody is to keep it then."""
    etag: str = ""
    """Made of the body."""

    def __post_init__(self) -> None:
        if not self.etag:
            object.__setattr__(self, "etag", f'"{hashlib.sha256(self.body).hexdigest()[:32]}"')


def answer(request: Request, shown: Shown, *, ranges: bool = False) -> Response:
    """Return the body, 304 where the client has it, or 206 where it wants a part and ``ranges`` allows that."""
    kept = {"Cache-Control": f"public, max-age={MAX_AGE_S}", "ETag": shown.etag}
    headers = {**shown.headers, **(kept if shown.lasting else {"Cache-Control": "no-store"})}
    if shown.lasting and _has(request, shown.etag):
        return Response(status_code=304, headers=headers)
    wanted = request.headers.get("range") if ranges and request.method == "GET" else None
    if ranges:
        headers["Accept-Ranges"] = "bytes"
    if wanted and request.headers.get("if-range", shown.etag) == shown.etag and (found := _RANGE.fullmatch(wanted)):
        return _part(shown, found[1], found[2], headers)
    return Response(shown.body, media_type=shown.media_type, headers=headers)


def _has(request: Request, etag: str) -> bool:
    """Whether the client names the tag; ``W/`` compares alike, https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match."""
    named = request.headers.get("if-none-match", "")
    return named.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in named.split(","))


def _part(shown: Shown, first: str, last: str, headers: Mapping[str, str]) -> Response:
    whole = len(shown.body)
    start = int(first) if first else max(0, whole - int(last or 0))
    stop = min(whole, int(last) + 1 if first and last else whole)
    if start >= stop:
        outside = {"Content-Range": f"bytes */{whole}"}
        return error_response(416, "no_such_range", f"the file has {whole:,} bytes", headers=outside)
    told = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{whole}"}
    return Response(shown.body[start:stop], status_code=206, media_type=shown.media_type, headers=told)
