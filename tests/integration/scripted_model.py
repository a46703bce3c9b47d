"""A real HTTP server that speaks chat/completions and does what a test tells it to, well or badly.

    with scripted_server(says(reply)) as server:
        settings = AnswerSettings(url=server.url, model="tiny")

Each request for a reply takes the next act of the script; the last one is repeated. Everything that came in is kept,
byte by byte.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

Act = Callable[["Talk"], None]
"""Answers one request."""


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body))


@dataclass
class ScriptedServer:
    """A running server."""

    port: int
    script: tuple[Act, ...]
    models: tuple[str, ...]
    seen: list[Seen] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set once a client left before the end of its reply."""
    open: int = 0
    most_open: int = 0
    """Most requests for a reply at once."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def chats(self) -> list[Seen]:
        """Requests for a reply."""
        return [seen for seen in self.seen if seen.path.endswith("/chat/completions")]


class Talk(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    told: ScriptedServer
    asked: Seen

    def do_GET(self) -> None:
        self._note()
        models = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self.told.models]
        self.whole(200, json.dumps({"object": "list", "data": models}).encode())

    def do_POST(self) -> None:
        self._note()
        with self.told.lock:
            place = len(self.told.chats) - 1
            self.told.open += 1
            self.told.most_open = max(self.told.most_open, self.told.open)
        try:
            self.told.script[min(place, len(self.told.script) - 1)](self)
        except (BrokenPipeError, ConnectionResetError):
            self.told.hung_up.set()
            self.close_connection = True
        finally:
            with self.told.lock:
                self.told.open -= 1

    def finish(self) -> None:
        with suppress(OSError):  # of a connection that was cut on purpose
            super().finish()

    def _note(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = Seen(self.command, self.path, headers, body)
        self.told.seen.append(self.asked)

    def whole(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send a whole response."""
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin(self) -> None:
        """Begin a stream of events."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def raw(self, data: bytes) -> None:
        """Send bytes of the stream."""
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def event(self, text: str | None = None, **choice: Any) -> None:
        """Send an event with a piece of text."""
        delta = {} if text is None else {"role": "assistant", "content": text}
        document = {
            "id": "chat-1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "tiny",
            "choices": [{"index": 0, "delta": delta, "finish_reason": None} | choice],
        }
        self.raw(f"data: {json.dumps(document)}\n\n".encode())

    def end(self) -> None:
        """End the stream as it should be."""
        self.event(None, finish_reason="stop")
        self.raw(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def drop(self) -> None:
        """Cut the connection."""
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name in the base class
        """Say nothing."""


def says(text: str, *, piece: int = 24, pause: float = 0.0) -> Act:
    """Reply with a text, in pieces, with a pause of seconds after each."""

    def act(talk: Talk) -> None:
        talk.begin()
        for start in range(0, len(text), piece):
            talk.event(text[start : start + piece])
            time.sleep(pause)
        talk.end()

    return act


def answers(status: int, message: str = "no", headers: Mapping[str, str] | None = None) -> Act:
    """Reply with a status and an error of the protocol."""
    return lambda talk: talk.whole(status, json.dumps({"error": {"message": message}}).encode(), headers)


def drops(text: str = "") -> Act:
    """Begin to say a text, and cut the connection; without a text before any answer."""

    def act(talk: Talk) -> None:
        if text:
            talk.begin()
            talk.event(text)
        talk.drop()

    return act


def never_ends(text: str, *, before: str = "", pause: float = 0.0) -> Act:
    """Say ``before``, and then the same text until the client leaves."""

    def act(talk: Talk) -> None:
        talk.begin()
        if before:
            talk.event(before)
        while True:
            talk.event(text)
            time.sleep(pause)

    return act


def streams(*data: bytes) -> Act:
    """Send bytes in place of events."""

    def act(talk: Talk) -> None:
        talk.begin()
        for each in data:
            talk.raw(each)
        talk.wfile.write(b"0\r\n\r\n")

    return act


def without(parameter: str, then: Act, message: str = "unsupported") -> Act:
    """Refuse requests that have a parameter with 400."""
    refuse = answers(400, message)
    return lambda talk: (refuse if parameter in talk.asked.document else then)(talk)


@contextmanager
def scripted_server(*script: Act, models: tuple[str, ...] = ("tiny",)) -> Iterator[ScriptedServer]:
    """Run a server until the block ends."""
    told = ScriptedServer(port=0, script=script, models=models)
    handler = cast("type[BaseHTTPRequestHandler]", type("Told", (Talk,), {"told": told}))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        told.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
