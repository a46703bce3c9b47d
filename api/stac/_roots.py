"""The many STAC roots of one application: ``/stac``, ``/stac/i/NAME``, ``/stac/q/TEXT`` and ``/stac/i/NAME/q/TEXT``.

One STAC application serves them all. What names the root is taken off the path before routing and put in front of
every link after it, so that a client which only ever follows links stays within the root it opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api._asgi import notes
from api._services import Service, Services
from core import QueryError

MAX_TEXT = 2_000
"""Most characters of a text in an address; servers take addresses of about 8,000 bytes."""

_SCOPE_KEY = "swath.stac"


@dataclass(frozen=True, kw_only=True)
class Root:
    """The STAC root that a request came by."""

    service: Service
    """Its index."""
    server: str
    """``http://host`` and the path that the whole service is mounted at; no slash at the end."""
    path: str
    """``/stac`` and what names the root, percent-encoded."""
    index: str | None
    """Name of the index where it is not the server's first."""
    text: str | None
    """What every search of this root looks for."""

    @property
    def url(self) -> str:
        """Address of the landing page."""
        return self.server + self.path

    def to(self, *parts: str) -> str:
        """Return an address under this root; the parts are percent-encoded."""
        return "/".join([self.url, *(quote(part, safe="") for part in parts)])

    def tile(self, tile_id: str, what: str = "") -> str:
        """Return the address of a tile in the retrieval API, or of a picture or file of it."""
        after = "" if self.index is None else f"?index={quote(self.index, safe='')}"
        below = f"/{what}" if what else ""
        return f"{self.server}/v1/tiles/{quote(tile_id, safe='')}{below}{after}"

    def plain(self) -> Root:
        """Return the root of the same index without a text."""
        named = "" if self.index is None else f"/i/{quote(self.index, safe='')}"
        return replace(self, path=f"{MOUNT}{named}", text=None)


MOUNT = "/stac"
"""Where the roots are."""


class Roots:
    """Takes the root's name off the path and hands the rest to the STAC application.

    Args:
        app: The STAC application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        entered = _entered(scope)
        await self._app(entered, receive, send)
        # For log and metrics: without what names the root, of which there are as many as texts.
        notes(scope)["route"] = MOUNT + getattr(entered.get("route"), "path", "")


def _entered(scope: Scope) -> Scope:
    outer = scope.get("app_root_path", scope.get("root_path", ""))
    raw = (scope.get("raw_path") or quote(scope["path"]).encode("ascii")).decode("latin-1")
    rest = raw[len(quote(outer)) + len(MOUNT) :].strip("/").split("/")
    named: dict[str, str] = {}
    prefix = MOUNT
    for key, name in (("i", "index"), ("q", "text")):
        if rest[0] == key and len(rest) > 1:
            named[name] = unquote(rest[1])
            prefix += f"/{key}/{rest[1]}"
            rest = rest[2:] or [""]
    path = "/" + unquote("/".join(rest))
    return {
        **scope,
        "path": path,
        "raw_path": quote(path).encode("ascii"),
        "root_path": "",
        "app_root_path": outer + prefix,
        _SCOPE_KEY: {**named, "outer": outer, "prefix": prefix},
    }


def root_of(request: Request, services: Services) -> Root:
    """Return the root a request came by.

    Raises:
        HTTPException: No such index; 404.
        QueryError: The text is empty or too long.
    """
    found: Mapping[str, Any] = request.scope[_SCOPE_KEY]
    if found.get("index", services.named(None).name) not in services:
        raise HTTPException(404, f"no index {found['index']!r} here; this server holds {', '.join(services)}")
    service = services.named(found.get("index"))
    text = found.get("text")
    if text is not None and not 0 < len(text.strip()) <= MAX_TEXT:
        raise QueryError(f"the text of /stac/q/TEXT has {len(text):,} characters; 1 to {MAX_TEXT:,} are accepted")
    return Root(
        service=service,
        server=f"{request.url.scheme}://{request.url.netloc}{found['outer']}",
        path=found["prefix"],
        index=None if service is services.named(None) else service.name,
        text=text,
    )
