"""Original pixels for requests: few at once, within the reach of the index, and what was made kept for a while."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from cachetools import TTLCache
from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from api._services import Service
from api._tile_caching import Shown
from core import Record, Settings
from indexer import Reach

AT_ONCE = min(4, os.cpu_count() or 1)
"""Originals read at once. The largest window file or picture was measured to take 190 MB, and decodes on one core."""

MAX_WAITING = 100
"""Requests that wait for their turn; more are sent away at once."""

KEPT_BYTES = 128 * 2**20
"""Pictures and window files kept: about a thousand pictures of 512 pixels."""

KEPT_S = 300.0
"""How long: an original that changes on disk is seen after that."""

FAILED_S = 30.0
"""How long an original that could not be read is not tried again: a dead host takes many seconds each time."""

REACH_S = 60.0
"""How long the folders of an index are remembered; scenes of new folders are readable after that."""

Key = tuple[Hashable, ...]


class Originals:
    """The pictures and window files of a server; safe to use from several threads.

    Args:
        at_once: Originals read at once.
        kept_bytes: Bytes kept.
    """

    def __init__(self, *, at_once: int = AT_ONCE, kept_bytes: int = KEPT_BYTES) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._asked = 0  # changed in the event loop only
        self._kept: TTLCache[Key, Shown] = TTLCache(kept_bytes, KEPT_S, getsizeof=lambda shown: len(shown.body))
        self._failed: TTLCache[Key, Shown] = TTLCache(1000, FAILED_S)
        self._reaches: TTLCache[str, Reach] = TTLCache(100, REACH_S)
        self._lock = Lock()
        self._kept_bytes = kept_bytes

    async def shown(self, key: Key, make: Callable[[], Shown]) -> Shown:
        """Return what was kept under a key, or what ``make`` makes in a thread when its turn comes.

        Raises:
            HTTPException: Too many are waiting already.
        """
        if (found := self._look(key)) is not None:
            return found
        if self._asked >= self._limiter.total_tokens + MAX_WAITING:
            raise HTTPException(503, "too many originals are being read; try again", headers={"Retry-After": "5"})
        self._asked += 1
        try:
            return await to_thread.run_sync(self._made, key, make, limiter=self._limiter)
        finally:
            self._asked -= 1

    def reach(self, service: Service) -> Reach:
        """Return how far an index may reach."""
        with self._lock:
            known = self._reaches.get(service.name)
        if known is not None:
            return known
        settings = Settings()
        named = () if settings.archive_roots is not None else (row.href for row in service.store.ledger().values())
        reach = Reach.of(named, settings)
        with self._lock:
            self._reaches[service.name] = reach
        return reach

    def _look(self, key: Key) -> Shown | None:
        with self._lock:
            return self._kept.get(key) or self._failed.get(key)

    def _made(self, key: Key, make: Callable[[], Shown]) -> Shown:
        # Another request may have made it while this one waited.
        if (found := self._look(key)) is not None:
            return found
        made = make()
        with self._lock:
            if not made.lasting:
                self._failed[key] = made
            elif len(made.body) <= self._kept_bytes:
                self._kept[key] = made
        return made


def pixel_key(service: Service, record: Record, *asked: Hashable) -> Key:
    """Return what a picture depends on: where its pixels lie, how they are understood, and what is asked of them."""
    stored = (record.href, record.window, record.sensor, record.encoding, record.offset)
    return (service.name, record.tile_id, *stored, *asked)


_FIRST = Lock()


def originals_of(request: Request) -> Originals:
    """Return the originals of the application that got the request, made with the first such request."""
    state = request.app.state
    with _FIRST:
        if not hasattr(state, "originals"):
            state.originals = Originals()
    originals: Originals = state.originals
    return originals


TheOriginals = Annotated[Originals, Depends(originals_of)]
"""Parameter type of a route that reads original pixels."""
