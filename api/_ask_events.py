"""What happens while a question is answered, as server-sent events or as one document; a client that leaves ends it.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import anyio
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from api._errors import error_answer
from core import SwathError

BEAT_S = 10.0
"""Seconds of silence after which a comment is sent: proxies close what is silent for 30 to 60 s (nginx: 60 s)."""

Told = tuple[str, Mapping[str, Any]]
"""Name and data of an event."""

_Got = Told | Exception


class EventStream(Response):
    """Sends events as they come.

    What fails before the first event, or within the first ``BEAT_S``, is an error like any other; what fails later is
    an event ``error`` with the same body, and the last one.

    Args:
        events: What happens.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[Told, None]) -> None:
        # X-Accel-Buffering: nginx would collect the stream, https://nginx.org/en/docs/http/ngx_http_proxy_module.html
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await unless_gone(receive, lambda: self._talk(send))

    async def _talk(self, send: Send) -> None:
        into, out = anyio.create_memory_object_stream[_Got](0)
        async with out, anyio.create_task_group() as tasks:
            tasks.start_soon(_produce, self._events, into)
            failure = await self._sent(send, out)
            tasks.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _sent(self, send: Send, out: ObjectReceiveStream[_Got]) -> Exception | None:
        """Send everything; return what failed before anything was sent, or what is for the log."""
        begun, failure = False, None
        async for got in _with_beats(out):
            if not begun and isinstance(got, Exception):
                return got
            if not begun:
                await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                begun = True
            failure = got if isinstance(got, Exception) and not isinstance(got, SwathError) else None
            await send({"type": "http.response.body", "body": _written(got), "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return failure


class OneDocument(Response):
    """Sends what the work returns as JSON, once it is there.

    Args:
        work: Returns JSON values.
    """

    def __init__(self, work: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        super().__init__()
        self._work = work

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""

        async def answer() -> None:
            await JSONResponse(await self._work())(scope, receive, send)

        await unless_gone(receive, answer)


async def unless_gone(receive: Receive, work: Callable[[], Awaitable[None]]) -> None:
    """Do work until it is done or the client is gone, which cancels it.

    Raises:
        ClientDisconnect: The client is gone.
        Exception: What the work raises, by itself and not in a group.
    """
    failure: Exception | None = ClientDisconnect()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_wait_until_gone, receive, tasks.cancel_scope)
        try:
            await work()
            failure = None
        except Exception as error:  # told below, outside of the group
            failure = error
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _wait_until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


async def _produce(events: AsyncGenerator[Told, None], into: ObjectSendStream[_Got]) -> None:
    async with into:
        try:
            async with aclosing(events) as coming:
                async for event in coming:
                    await into.send(event)
        except Exception as error:  # told to the client
            await into.send(error)


async def _with_beats(out: ObjectReceiveStream[_Got]) -> AsyncIterator[_Got | None]:
    """Yield what comes, and None after every ``BEAT_S`` in which nothing does."""
    while True:
        got = None
        try:
            with anyio.move_on_after(BEAT_S):
                got = await out.receive()
        except anyio.EndOfStream:
            return
        yield got


def _written(got: _Got | None) -> bytes:
    if got is None:
        return b": still at work\n\n"
    if isinstance(got, Exception):
        return _event("error", error_answer(got)[1])
    return _event(*got)


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    """JSON in ASCII is one line, whatever stands in it."""
    return f"event: {name}\ndata: {json.dumps(data, allow_nan=False, separators=(',', ':'))}\n\n".encode("ascii")
