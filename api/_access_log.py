"""One line of log and one span a request, and a number that finds both; failures end here, told in the log alone.

Both hold the route as it is written in the description (``/v1/tiles/{tile_id}``), never the words of a query, a
header or a key, unless the operator asks for addresses as they were sent, which are then logged.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api._asgi import header, notes, refuse
from api._metrics import Metrics, route_of
from core import Span, log_context, log_fields, span, tracing

ACCESS = logging.getLogger("swath.access")
"""A line a request."""

FAILURES = logging.getLogger("swath.failures")
"""Exceptions with their traceback, under the number of their request."""

MAX_TEXT = 200
"""Characters kept of what a client chose freely."""

_UNTRACED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for every few seconds by machines; a trace of each would be most of all traces."""

_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestLog:
    """Numbers, measures and logs every request.

    Args:
        app: What comes next.
        metrics: Where counts and latencies go.
        queries: Whether addresses are logged as sent.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics, queries: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._queries = queries

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 where it fails."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = notes(scope)
        known["request_id"] = _request_id(scope)
        known["client"] = (scope.get("client") or ("unknown",))[0]
        reply = _Reply(send, known["request_id"])
        started = time.perf_counter()
        self._metrics.begin()
        with log_context(request_id=known["request_id"]), _request_span(scope) as step:
            try:
                await self._app(scope, receive, reply)
            except Exception as failure:
                await _fail(scope, reply, failure)
            finally:
                seconds = time.perf_counter() - started
                self._metrics.end(scope, reply.status, seconds)
                _describe(step, scope, reply)
                if ACCESS.isEnabledFor(logging.INFO):
                    ACCESS.info("request", extra=log_fields(**_told(scope, reply, seconds, queries=self._queries)))


class _Reply:
    """The answer on its way out."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._id = request_id
        self.status = 499  # nginx's number for a client that left before an answer
        self.size = 0
        self.begun = False
        self.complete = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun, self.status = True, message["status"]
            MutableHeaders(scope=message)["X-Request-ID"] = self._id
        self.complete |= message["type"] == "http.response.body" and not message.get("more_body")
        self.size += len(message.get("body", b""))
        await self._send(message)


async def _fail(scope: Scope, reply: _Reply, failure: Exception) -> None:
    request_id = notes(scope)["request_id"]
    if isinstance(failure, ClientDisconnect):
        # Nobody is left to be answered.
        notes(scope)["refused"] = "client_left"
        return
    if isinstance(failure, TimeoutError) and reply.begun:
        notes(scope)["refused"] = "slow_client"
        raise failure
    FAILURES.error("request %s failed", request_id, exc_info=failure)
    if reply.complete:
        return
    if reply.begun:
        # Only a closed connection tells the client that the rest is missing.
        raise failure
    message = f"the server failed; its log says why under {request_id}"
    await refuse(scope, reply, 500, "failure", message)


def _request_id(scope: Scope) -> str:
    """A proxy's number is kept, so that one number finds a request in both logs."""
    given = header(scope, b"x-request-id") or ""
    return given if _ID.fullmatch(given) else secrets.token_hex(8)


def _request_span(scope: Scope) -> Span:
    """The span of a request, a part of the trace that its ``traceparent`` names.

    https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    """
    if not tracing() or scope["path"] in _UNTRACED:
        return Span()
    told = {"http.request.method": scope["method"][:20], "url.scheme": scope.get("scheme", "http")}
    caller = {name: value for name in ("traceparent", "tracestate") if (value := header(scope, name.encode()))}
    return span("request", told, kind="server", caller=caller)


def _describe(step: Span, scope: Scope, reply: _Reply) -> None:
    """Say what a request turned out to be."""
    if not tracing():
        return
    known, route = notes(scope), route_of(scope)
    step.rename(f"{scope['method'][:20]} {route}")
    step.set({"http.route": route, "http.response.status_code": reply.status, "swath.request_id": known["request_id"]})
    if "refused" in known:
        step.set({"swath.refused": known["refused"]})
    if reply.status >= 500:
        step.set({"error.type": str(reply.status)})


def _told(scope: Scope, reply: _Reply, seconds: float, *, queries: bool) -> dict[str, Any]:
    known = notes(scope)
    values: dict[str, Any] = {
        "client": known["client"],
        "key": known.get("key"),
        "method": scope["method"][:20],
        "route": route_of(scope),
        "status": reply.status,
        "ms": round(seconds * 1000, 2),
        "bytes_in": known.get("body_bytes", 0),
        "bytes_out": reply.size,
        "refused": known.get("refused"),
        "agent": (header(scope, b"user-agent") or "")[:MAX_TEXT],
    }
    if queries:
        values["path"] = scope["path"][: 5 * MAX_TEXT]
        values["query"] = scope["query_string"].decode("latin-1")[: 5 * MAX_TEXT]
    return values
