"""How uvicorn is run: strict about what it reads before the application sees a request, and in our words."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from core import LogForm, log_config

HEADER_SECONDS = 10.0
"""Time for a client to send its headers; a slower one holds a connection for nothing."""

HEADER_BYTES = 64 * 2**10
"""Bytes of a request's first line and headers that are read at all; above 16 KB they are refused by name."""

DRAIN_SECONDS = 20
"""Time that running requests have after SIGTERM."""

KEEP_ALIVE_SECONDS = 75
"""Time an idle connection stays open: longer than clients keep theirs (httpx 5 s, which was uvicorn's own), or a
request now and then meets a connection that is just being closed."""


class StrictProtocol(H11Protocol):
    """HTTP/1.1 that gives up on slow headers and says what is wrong as JSON."""

    _slow_headers: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Start the clock."""
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Stop the clock once the headers are there, and start it with the first byte of the next request."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._slow_headers is None:
            self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._slow_headers = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _stop(self) -> None:
        if self._slow_headers is not None:
            self._slow_headers.cancel()
            self._slow_headers = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP; where an answer has begun, only closing is left."""
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self.transport.close()
            return
        problem = {"code": "invalid_http", "message": "this is not an HTTP request, or its headers are too large"}
        body = json.dumps({"error": {**problem, "field": None}}).encode("ascii")
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def server_options(log: LogForm = "json") -> dict[str, Any]:
    """Return the options that ``uvicorn.run`` needs beside application, host and port.

    Args:
        log: How the lines of its log look.
    """
    return {
        "http": StrictProtocol,
        "h11_max_incomplete_event_size": HEADER_BYTES,
        # Our own log has no query text; whom to believe about addresses is said by the configuration.
        "access_log": False,
        "proxy_headers": False,
        "server_header": False,
        "timeout_graceful_shutdown": DRAIN_SECONDS,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "log_config": log_config(log),
    }
