"""MCP over streamable HTTP at ``/mcp``, without sessions: every request stands alone, so any worker can answer it.

The SDK is imported by the first request, in a thread, so that the server is ready half a second earlier.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskGroup, TaskStatus
from anyio.to_thread import run_sync
from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api._config import ServeConfig

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings

    from api._ask_desk import Desk
    from api._services import Services

PATH = "/mcp"

MAX_BODY = 64 * 1024
"""Largest request in bytes: the longest text, filter and lists of names a tool takes fit several times."""

_LOCAL = ("127.0.0.1", "localhost", "[::1]")


def mount(app: FastAPI) -> None:
    """Serve MCP at ``/mcp`` for as long as the application's lifespan lasts."""
    door = _Door(app.state.services, app.state.config, app.state.desk)
    app.router.routes.append(Route(PATH, endpoint=door, include_in_schema=False))
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(of: FastAPI) -> AsyncIterator[Any]:
        async with door.open(), inner(of) as state:
            yield state

    app.router.lifespan_context = lifespan


class _Door:
    """The ASGI application behind the path.

    Args:
        services: The indexes.
        config: What the server was started with.
        desk: Where questions are taken.
    """

    def __init__(self, services: Services, config: ServeConfig, desk: Desk) -> None:
        self._services = services
        self._desk = desk
        self._config = config
        self._tasks: TaskGroup | None = None
        self._inside: ASGIApp | None = None
        self._starting = anyio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let requests in while the context lasts."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = self._inside = None
                tasks.cancel_scope.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer POST. A stream for the server's own messages (GET) is not offered: there are none."""
        answer: ASGIApp
        if scope["method"] != "POST":
            message = "MCP clients POST to this address; see docs/how-to/agents.md for how to connect one"
            answer = _refusal(405, "method_not_allowed", message, {"Allow": "POST"})
        elif self._tasks is None:
            answer = _refusal(503, "not_running", "the server is starting or stopping; try again")
        else:
            answer = await self._entered(self._tasks)
        await answer(scope, receive, send)

    async def _entered(self, tasks: TaskGroup) -> ASGIApp:
        async with self._starting:
            if self._inside is None:
                manager = await run_sync(_manager, self._services, self._config, self._desk)
                await tasks.start(_kept_running, manager)
                self._inside = manager.asgi_app
            return self._inside


def _manager(services: Services, config: ServeConfig, desk: Desk) -> StreamableHTTPSessionManager:

    from api._mcp import build_server

    server = build_server(services, desk)
    server.streamable_http_app(
        json_response=True,
        stateless_http=True,
        max_request_body_size=MAX_BODY,
        transport_security=_guard(config),
    )
    return server.session_manager


async def _kept_running(
    manager: StreamableHTTPSessionManager, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    async with manager.run():
        task_status.started()
        await anyio.sleep_forever()


def _guard(config: ServeConfig) -> TransportSecuritySettings:
    """Against DNS rebinding: a page of another site must not reach a server on this machine through a name of its own.

    Without keys only this machine's names and those configured are answered. With keys such a page would need one.
    """
    from mcp.server.transport_security import TransportSecuritySettings

    if config.api_keys is not None and not config.hosts:
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    hosts = [form for name in (*_LOCAL, *config.hosts) for form in (name, f"{name}:*")]
    own = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True, allowed_hosts=hosts, allowed_origins=[*own, *config.cors]
    )


def _refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = {"error": {"code": code, "message": message, "field": None}}
    return JSONResponse(body, status_code=status, headers=headers)
