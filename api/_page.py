"""The page at ``/`` and its files under ``/static/``: known by name since start-up, so no path leads anywhere else.

The document is asked for anew each time and names its files under a folder that carries the hash of them all, so that
they are kept for ever and a newer release is seen at once.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI, Header, Response
from starlette.exceptions import HTTPException

from core import StoreError

_HERE = Path(__file__).parent
_FOLDERS = (_HERE / "_web", _HERE.parent / "web")
"""Where the page lies: in an installed wheel, in a checkout."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "worker-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "connect-src 'self' blob:",  # the map fetches the previews that came with an answer
        "img-src 'self' blob: data:",  # pictures people drop, and pixels fetched to read their headers
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".geojson": "application/geo+json",
    ".pbf": "application/x-protobuf",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
"""Not in every system's table, and browsers refuse a module of the wrong type."""
_PACKED = {".woff2", ".png", ".webp", ".gz", ".jpg"}
"""What gzip does not make smaller."""


@dataclass(frozen=True, kw_only=True)
class _File:
    name: str
    content: bytes

    @cached_property
    def etag(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:20]

    @cached_property
    def gzipped(self) -> bytes | None:
        """Smaller content; None where packing does not help."""
        packed = b"" if Path(self.name).suffix in _PACKED else gzip.compress(self.content, compresslevel=9, mtime=0)
        return packed if 0 < len(packed) < len(self.content) else None

    @property
    def media_type(self) -> str:
        kind = _TYPES.get(Path(self.name).suffix) or mimetypes.guess_type(self.name)[0]
        return kind or "application/octet-stream"


class Site:
    """The files of the page.

    Args:
        folder: Holds ``index.html``.

    Raises:
        StoreError: It does not.
    """

    def __init__(self, folder: Path) -> None:
        found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
        files = (_File(name=path.relative_to(folder).as_posix(), content=path.read_bytes()) for path in found)
        self._files = {file.name: file for file in files}
        if "index.html" not in self._files:
            raise StoreError(f"the page is missing from {folder}; reinstall swath, or serve without the page")
        named = "\n".join(f"{file.name} {file.etag}" for file in self._files.values())
        self.version = hashlib.sha256(named.encode()).hexdigest()[:12]
        self.document = self._document()

    def _document(self) -> _File:
        """The page with its links turned to the folder of this version."""
        content = self._files["index.html"].content.replace(b'="static/', f'="static/{self.version}/'.encode())
        return _File(name="index.html", content=content)

    def find(self, name: str) -> tuple[_File, bool]:
        """Return the file of that name, and whether the name holds this version."""
        version, _, rest = name.partition("/")
        pinned = version == self.version
        file = self._files.get(rest if pinned else name)
        if file is None:
            raise HTTPException(404, f"the page has no file {name[:200]!r}")
        return file, pinned


def page_folder() -> Path:
    """Return the folder of the page: part of the installed package, or of the checkout.

    Raises:
        StoreError: There is none.
    """
    for folder in _FOLDERS:
        if (folder / "index.html").is_file():
            return folder
    raise StoreError("the page is missing from this installation; reinstall swath, or serve without the page")


def mount(app: FastAPI) -> None:
    """Serve the page where the server's configuration wants it.

    Raises:
        StoreError: The installation lacks it.
    """
    if app.state.config.page:
        app.include_router(_router(Site(page_folder())))


_Asked = Annotated[str, Header()]


def _router(site: Site) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.api_route("/", methods=["GET", "HEAD"])
    def page(if_none_match: _Asked = "", accept_encoding: _Asked = "") -> Response:
        return _answer(site.document, if_none_match, accept_encoding, keep="no-cache")

    @router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
    def static(name: str, if_none_match: _Asked = "", accept_encoding: _Asked = "") -> Response:
        file, pinned = site.find(name)
        keep = "public, max-age=31536000, immutable" if pinned else "no-cache"
        return _answer(file, if_none_match, accept_encoding, keep=keep)

    return router


def _answer(file: _File, known: str, accepts: str, *, keep: str) -> Response:
    packed = file.gzipped if "gzip" in accepts else None
    tag = f'"{file.etag}-gzip"' if packed else f'"{file.etag}"'  # one tag a representation
    headers = {"ETag": tag, "Cache-Control": keep, "Vary": "Accept-Encoding", **_PAGE_HEADERS}
    if file.etag in known:
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(packed or file.content, media_type=file.media_type, headers=headers)
