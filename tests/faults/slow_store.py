"""A store on a bad day: before an S3 server, it refuses, delays or drops requests, also when they are done already."""

from __future__ import annotations

import random
import re
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from urllib.parse import urlsplit

SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.'
    b"</Message><RequestId>0</RequestId></Error>"
)
"""Body of S3's answer 503 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)."""

DROP = struct.pack("ii", 1, 0)
"""SO_LINGER: the connection is reset when it is closed, not ended in order."""

PATIENCE_S = 60
"""Seconds that the server behind may take."""


class Trouble(StrEnum):
    """What becomes of a request."""

    NONE = "passed on"
    REFUSED = "answered 503"
    SLOW = "delayed"
    DROPPED = "dropped before it was done"
    LOST = "dropped after it was done"
    DENIED = "done, and answered 503"


DONE = (Trouble.LOST, Trouble.DENIED)
"""The store did it, and the client heard an error."""


@dataclass(frozen=True, kw_only=True)
class Weather:
    """Share of requests that meet each trouble."""

    shares: dict[Trouble, float] = field(default_factory=dict)
    longest: float = 1.5
    """Seconds of the longest delay."""
    paths: str = ""
    """Regular expression of the requests that it is about, ``PUT /bucket/key``; all by default."""
    times: int | None = None
    """So many requests meet a trouble, then comes ``then``; None for no limit."""
    then: Weather | None = None
    """What comes after; None for calm."""


CALM = Weather()
STORM = Weather(
    shares={
        Trouble.REFUSED: 0.10, Trouble.SLOW: 0.10, Trouble.DROPPED: 0.02, Trouble.LOST: 0.02, Trouble.DENIED: 0.02,
    }
)  # fmt: skip


def only(trouble: Trouble, paths: str = "", times: int | None = 1, then: Weather | None = None) -> Weather:
    """Return the weather in which a number of requests meet one trouble."""
    return Weather(shares={trouble: 1.0}, paths=paths, times=times, then=then)


class SlowStore:
    """The server, in threads of this process; made by ``slow_store``.

    Args:
        behind: Address of the store that does what is asked.
    """

    def __init__(self, behind: str) -> None:
        self.host, self.port = urlsplit(behind).hostname or "", urlsplit(behind).port or 80
        self._lock = Lock()
        self._random = random.Random(0)
        self._weather = CALM
        self._left: int | None = None
        self.met: Counter[Trouble] = Counter()
        self.troubled: list[tuple[Trouble, str]] = []
        self.address = ""

    def change(self, weather: Weather, *, seed: int = 0) -> None:
        """Have other weather from the next request on, and count anew."""
        with self._lock:
            self._random, self._weather, self._left = random.Random(seed), weather, weather.times
            self.met, self.troubled = Counter(), []

    def trouble(self, request: str) -> tuple[Trouble, float]:
        """Return what becomes of a request, and the seconds that it is delayed for."""
        with self._lock:
            found = self._drawn(request)
            self.met[found] += 1
            if found is not Trouble.NONE:
                self.troubled.append((found, request))
                self._count_down()
            return found, self._random.uniform(0, self._weather.longest) if found is Trouble.SLOW else 0.0

    def _count_down(self) -> None:
        if self._left is not None:
            self._left -= 1
            if not self._left:
                self._weather = self._weather.then or CALM
                self._left = self._weather.times

    def _drawn(self, request: str) -> Trouble:
        if not re.search(self._weather.paths, request):
            return Trouble.NONE
        draw = self._random.random()
        for trouble, share in self._weather.shares.items():
            if draw < share:
                return trouble
            draw -= share
        return Trouble.NONE

    def told(self) -> str:
        """What requests met, in one line."""
        return ", ".join(f"{count} {trouble}" for trouble, count in sorted(self.met.items()))


@contextmanager
def slow_store(behind: str) -> Iterator[SlowStore]:
    """Serve on a port of its own; calm until told otherwise."""
    store = SlowStore(behind)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.store = store
    store.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    store: SlowStore

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is none of ours."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self._forward(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def _forward(self, body: bytes) -> None:
        trouble, delay = self.server.store.trouble(f"{self.command} {self.path}")
        time.sleep(delay)
        if trouble is Trouble.REFUSED:
            self._refuse()
        elif trouble is Trouble.DROPPED:
            self._drop()
        else:
            self._pass_on(body, trouble)

    def _pass_on(self, body: bytes, trouble: Trouble) -> None:
        store = self.server.store
        behind = HTTPConnection(store.host, store.port, timeout=PATIENCE_S)
        try:
            # As it came, Host included: that is what a client signs.
            behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                behind.putheader(name, value)
            behind.endheaders(body or None)
            answer = behind.getresponse()
            content = answer.read()
            if trouble is Trouble.LOST:
                self._drop()
            elif trouble is Trouble.DENIED:
                self._refuse()
            else:
                self._answer(answer, content)
        finally:
            behind.close()

    def _answer(self, answer: HTTPResponse, content: bytes) -> None:
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding", "content-length"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        if answer.status != 204 and length is not None:
            self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)

    def _refuse(self) -> None:
        self.send_response_only(503, "Slow Down")
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(SLOW_DOWN)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(SLOW_DOWN)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DROP)
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()
