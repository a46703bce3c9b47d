"""A running server: it takes its port, opens the indexes, then listens; a signal lets requests at work finish."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from api._app import create_app
from api._config import ServeConfig
from api._heap import tidy_heap
from api._security_server import server_options
from core import InputError, LogForm


def run_server(
    config: ServeConfig, *, host: str, port: int, ready: Callable[[str], None], log: LogForm = "json"
) -> None:
    """Serve until SIGTERM or Ctrl-C; then take no more requests, finish those at work, and return.

    Args:
        config: What to serve.
        host: Address or name to listen on.
        port: Port; 0 for any that is free.
        ready: Called with the address, once requests are answered.
        log: How the lines of its log look.

    Raises:
        InputError: The port is in use, or the address is not this machine's.
        SwathError: See ``create_app``.
    """
    with tidy_heap(), _bound(host, port) as taken:
        app = create_app(config)
        address = _address(host, taken.getsockname()[1])
        server = _Server(uvicorn.Config(app, lifespan="on", **server_options(log)), lambda: ready(address))
        before = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            server.run(sockets=[taken])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _end(number: int, frame: FrameType | None) -> None:
    """Uvicorn raises the signal again once it has drained; there is nothing left to do then."""


def _bound(host: str, port: int) -> socket.socket:
    """Return a socket that holds the port and does not listen yet."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise InputError(f"{host!r} is no address of this machine: {_reason(error)}; try --host 127.0.0.1") from None
    taken = socket.socket(family, kind, protocol)
    try:
        # A port that was in use a minute ago is free: connections of the old server may still be waiting to end.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        taken.close()
        raise InputError(f"cannot listen on {host} port {port}: {_reason(error)}; choose another with --port") from None
    return taken


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _address(host: str, port: int) -> str:
    """What a browser on this machine opens."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # compared, not listened on
    return f"http://{f'[{name}]' if ':' in name else name}:{port}/"
