"""Headers that keep browsers from doing more with an answer than it was meant for."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api._asgi import is_open

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=()",
    # The page brings its own policy; nothing else is meant to be looked at as a document.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers"""


class SecurityHeaders:
    """Adds what an answer does not say itself.

    Args:
        app: What comes next.
        shared: Whether pages of other origins may show pictures of this server.
        keyed: Whether answers are for the holder of a key alone, and so for no shared cache.
    """

    def __init__(self, app: ASGIApp, *, shared: bool, keyed: bool) -> None:
        self._app = app
        self._added = {**_ALWAYS, "Cross-Origin-Resource-Policy": "cross-origin" if shared else "same-origin"}
        self._keyed = keyed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back with more headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._added.items():
                    headers.setdefault(name, value)
                if self._keyed and not is_open(scope):
                    headers["Cache-Control"] = _private(headers.get("Cache-Control"))
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _private(control: str | None) -> str:
    kept = [part for part in (control or "").split(",") if part.strip() and part.strip().lower() != "public"]
    return ", ".join(["private", *(part.strip() for part in kept)])
