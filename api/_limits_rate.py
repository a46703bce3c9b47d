"""How often one key or one address may call: a bucket of tokens each, filled at a steady rate."""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from api._asgi import is_open, notes, refuse

MAX_CALLERS = 100_000
"""Buckets kept, some 20 MB; the caller heard least recently is forgotten first."""


class Rates:
    """The buckets of a server. Each holds what one minute allows, so a page may load its pictures in one burst.

    Args:
        per_minute: Requests a minute; 0 for any number.
        clock: Seconds from any start.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, scope: Scope, key: str | None) -> float:
        """Take one token from the bucket of a key, or of the sender's address where there is none.

        Returns:
            Seconds until there is one; 0 where it was taken.
        """
        if not self._size:
            return 0.0
        caller = f"address {_address(scope)}" if key is None else f"key {key}"
        now, fill = self._clock(), self._size / 60
        tokens, last = self._buckets.pop(caller, (float(self._size), now))
        tokens = min(self._size, tokens + (now - last) * fill)
        taken = tokens >= 1
        self._buckets[caller] = (tokens - taken, now)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if taken else (1 - tokens) / fill


class RateLimit:
    """Sends away who calls too often.

    Args:
        app: What comes next.
        rates: The buckets.
    """

    def __init__(self, app: ASGIApp, *, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429."""
        counted = scope["type"] == "http" and not is_open(scope)
        wait = self._rates.take(scope, notes(scope).get("key")) if counted else 0.0
        if wait:
            await too_many(scope, send, wait)
        else:
            await self._app(scope, receive, send)


async def too_many(scope: Scope, send: Send, wait: float) -> None:
    """Answer 429.

    Args:
        scope: The request.
        send: Where the answer goes.
        wait: Seconds until the next request is welcome.
    """
    seconds = math.ceil(wait)
    message = f"too many requests; the next one is welcome in {seconds} s"
    await refuse(scope, send, 429, "too_many_requests", message, headers={"Retry-After": str(seconds)})


def _address(scope: Scope) -> str:
    """One house has 2**64 IPv6 addresses (RFC 6177), so those count by their /64."""
    host = str((scope.get("client") or ("unknown",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    return host if address.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))
