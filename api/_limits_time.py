"""How many requests are worked on at once, and how long one may take."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api._asgi import header, is_open, refuse
from api._config import Limits

STREAMING = "/mcp"
"""Where an open connection waits for news and does no work."""


class TimeLimit:
    """Sends requests away while too many are at work, and gives up those that take too long.

    Work in a thread cannot be stopped: the client gets its answer in time, and the request keeps its place until the
    thread is done, so that given-up work cannot pile up.

    Args:
        app: What comes next.
        limits: How many, and how long.
        longer: Seconds of paths that may take longer than the others.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits, longer: Mapping[str, float] | None = None) -> None:
        self._app = app
        self._limits = limits
        self._longer = longer or {}
        self._working: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 408, 503 or 504."""
        if scope["type"] != "http" or is_open(scope) or _waits(scope):
            await self._app(scope, receive, send)
            return
        if len(self._working) >= self._limits.concurrent:
            message = f"{len(self._working)} requests are being worked on, as many as this server takes"
            await refuse(scope, send, 503, "busy", message, headers={"Retry-After": "1"})
            return
        seconds = self._longer.get(scope["path"], self._limits.seconds)
        talk = _Talk(receive, send, seconds, heard=not _has_body(scope))
        task: asyncio.Task[None] = asyncio.create_task(self._run(scope, talk))
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        try:
            await asyncio.wait({task, talk.begun}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done() or talk.begun.done():
                await task
            else:
                await self._give_up(task, talk, scope, send)
        except asyncio.CancelledError:
            task.cancel()
            raise

    async def _run(self, scope: Scope, talk: _Talk) -> None:
        await self._app(scope, talk.receive, talk.send)

    async def _give_up(self, task: asyncio.Task[None], talk: _Talk, scope: Scope, send: Send) -> None:
        """The task goes on unheard: cancelling it would free its place, and not the thread it waits for."""
        talk.over = True
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        if talk.heard:
            await refuse(scope, send, 504, "timeout", f"no answer within {talk.seconds:g} s; ask for less")
        else:
            message = f"the body did not arrive within {talk.seconds:g} s"
            await refuse(scope, send, 408, "body_timeout", message)


class _Talk:
    """Both directions of one request; after it is over, nothing is heard or said any more."""

    def __init__(self, receive: Receive, send: Send, seconds: float, *, heard: bool) -> None:
        self._receive = receive
        self._send = send
        self.seconds = seconds
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = heard
        self.over = False

    async def receive(self) -> Message:
        if self.over:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self.heard |= not message.get("more_body")
        return message

    async def send(self, message: Message) -> None:
        if self.over:
            return
        if not self.begun.done():
            self.begun.set_result(None)
        # A client that takes nothing for so long would hold the stream's memory for ever.
        async with asyncio.timeout(self.seconds):
            await self._send(message)


def _has_body(scope: Scope) -> bool:
    length = header(scope, b"content-length") or "0"
    return length.strip("0") != "" or header(scope, b"transfer-encoding") is not None


def _waits(scope: Scope) -> bool:
    return bool(scope["method"] == "GET") and str(scope["path"] + "/").startswith(STREAMING + "/")
