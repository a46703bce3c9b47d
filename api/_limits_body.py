"""How much a request may carry: headers, bytes as they arrive, and the parts a JSON document is made of."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api._asgi import Answer, header, notes, refuse
from api._config import Limits
from api._limits_json import JsonParts, check_depth
from core import InputError

MAX_HEADERS = 100
"""Headers of a request; browsers send some 20, a chain of proxies adds a few."""

MAX_HEADER_BYTES = 16 * 2**10
"""Bytes of all headers, and of the address: what nginx takes by default is 8 KB a line, 32 KB in all."""

SMALL = 64 * 2**10
"""A JSON document of this many bytes is looked through in the event loop: it takes 0.1 ms."""


class BodyLimit:
    """Refuses what is too large before it is read, or as soon as it becomes so.

    Args:
        app: What comes next.
        limits: What one request may carry, and all together.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 400, 413, 415, 431 or 503."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if fault := _headers_fault(scope, self._limits):
            await refuse(scope, send, *fault)
            return
        body = _Body(self, scope, receive, send)
        try:
            await body.run(self._app)
        finally:
            self._held -= body.size

    def fault(self, size: int, more: int) -> tuple[int, str, str] | None:
        """Return why a body of this size must not grow by so many bytes; None where it may."""
        if size + more > self._limits.body_bytes:
            return _too_large(self._limits)
        self._held += more
        if self._held > self._limits.upload_bytes:
            return 503, "busy", "the server is taking in as much as it can; try again in a moment"
        return None

    def json_parts(self) -> JsonParts:
        """Return what counts the parts of one JSON document."""
        return JsonParts(self._limits)


class _Body:
    """The body of one request on its way in."""

    def __init__(self, limit: BodyLimit, scope: Scope, receive: Receive, send: Send) -> None:
        self._limit = limit
        self._scope = scope
        self._receive = receive
        self._answer = Answer(send)
        self._refused = False
        self.size = 0

    async def run(self, app: ASGIApp) -> None:
        whole = await self._whole_json() if _is_json(self._scope) else None
        if self._refused:
            return
        receive = self._counted if whole is None else _replayed(whole, self._counted)
        try:
            await app(self._scope, receive, self._pass)
        except Exception:
            # The application was cut off in the middle of its reading.
            if not self._refused:
                raise

    async def _counted(self) -> Message:
        message = await self._receive()
        if self._refused or message["type"] != "http.request":
            return message
        more = len(message.get("body", b""))
        fault = self._limit.fault(self.size, more)
        self.size += more if fault is None or fault[0] == 503 else 0
        notes(self._scope)["body_bytes"] = self.size
        return message if fault is None else await self._cut_off(fault)

    async def _cut_off(self, fault: tuple[int, str, str]) -> Message:
        if not self._answer.begun:
            retry = {"Retry-After": "1"} if fault[0] == 503 else None
            await refuse(self._scope, self._answer, *fault, headers=retry)
        self._refused = True
        return {"type": "http.disconnect"}

    async def _pass(self, message: Message) -> None:
        if not self._refused:
            await self._answer(message)

    async def _whole_json(self) -> list[Message] | None:
        """Messages of a JSON body, which every route reads whole anyway, once it has been looked through."""
        pieces, parts = [], self._limit.json_parts()
        try:
            while True:
                message = await self._counted()
                if message["type"] != "http.request":
                    return [message]
                pieces.append(message.get("body", b""))
                parts.add(pieces[-1])
                if not message.get("more_body"):
                    break
            body = b"".join(pieces)
            if len(body) > SMALL:
                await run_in_threadpool(check_depth, body)
            else:
                check_depth(body)
        except InputError as error:
            await self._cut_off((400, "bad_input", str(error)))
            return None
        return [{"type": "http.request", "body": body, "more_body": False}]


def _replayed(messages: list[Message], then: Receive) -> Receive:
    waiting = list(messages)

    async def receive() -> Message:
        return waiting.pop(0) if waiting else await then()

    return receive


def _is_json(scope: Scope) -> bool:
    kind = (header(scope, b"content-type") or "application/json").partition(";")[0].strip().lower()
    return scope["method"] not in {"GET", "HEAD", "OPTIONS"} and (kind.endswith(("/json", "+json")))


def _headers_fault(scope: Scope, limits: Limits) -> tuple[int, str, str] | None:
    sent = scope["headers"]
    size = sum(len(name) + len(value) for name, value in sent)
    address = len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"])
    if len(sent) > MAX_HEADERS or max(size, address) > MAX_HEADER_BYTES:
        most = f"at most {MAX_HEADERS} headers of {MAX_HEADER_BYTES:,} bytes, and an address as long, are accepted"
        return 431, "headers_too_large", f"got {len(sent)} headers of {size:,} bytes, an address of {address:,}; {most}"
    encoding = (header(scope, b"content-encoding") or "identity").strip().lower()
    if encoding != "identity":
        return 415, "encoded_body", f"a body in the encoding {encoding[:40]!r} is not accepted; send it as it is"
    length = header(scope, b"content-length") or "0"
    # More digits than any size has; Python refuses to read thousands of them.
    if len(length) > 18 or (length.isdigit() and int(length) > limits.body_bytes):
        return _too_large(limits)
    return None


def _too_large(limits: Limits) -> tuple[int, str, str]:
    return 413, "too_large", f"the body is larger than {limits.body_bytes:,} bytes, the most accepted"
