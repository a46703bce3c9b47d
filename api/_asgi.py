"""What the middlewares share. They are plain ASGI: a body is never collected, so streams stay streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from api._errors import error_response

OPEN_PATHS = frozenset({"/", "/favicon.ico", "/healthz", "/readyz", "/openapi.json"})
"""What needs no key and counts against no limit: the page, whether the server works, and how to call it."""

OPEN_PREFIX = "/static/"
"""Files of the page, the same for everyone."""


def is_open(scope: Scope) -> bool:
    """Return whether everyone may ask for this path at any rate."""
    path = scope["path"]
    return path in OPEN_PATHS or path.startswith(OPEN_PREFIX)


def header(scope: Scope, name: bytes) -> str | None:
    """Return the first header of this lower-case name."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def notes(scope: Scope) -> dict[str, Any]:
    """Return what the middlewares know of a request: ``request_id``, ``key``, ``refused``, ``body_bytes``."""
    known: dict[str, Any] = scope.setdefault("state", {}).setdefault("swath", {})
    return known


async def refuse(
    scope: Scope,
    send: Send,
    status: int,
    code: str,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Answer with an error and close the connection: what is left of the body is not worth reading."""
    notes(scope)["refused"] = code
    answer = error_response(status, code, message, headers={"Connection": "close", **(headers or {})})
    await answer(scope, _nothing, send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


class Answer:
    """A ``send`` that knows whether the answer has begun.

    Args:
        send: Where messages go.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        self.begun |= message["type"] == "http.response.start"
        await self._send(message)


__all__ = ["Answer", "Message", "Receive", "Scope", "Send", "header", "is_open", "notes", "refuse"]
