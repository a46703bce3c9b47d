"""A server that runs for weeks notices that an index was switched to other vectors, and opens those beside the old."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Lock, Thread
from typing import Any, Generic, Protocol, TypeVar

from core import StoreError
from indexer import Place, home_of
from indexer.store import Store

_LOG = logging.getLogger("swath.serve")

RETRY_S = 15.0
"""Seconds after which it is tried again to open vectors that could not be: an encoder takes a few seconds to load."""


class Opened(Protocol):
    """What is opened: an index and all that goes with its vectors."""

    @property
    def name(self) -> str:
        """What requests call it."""

    @property
    def path(self) -> Place:
        """Where it is."""

    @property
    def store(self) -> Store:
        """One generation of it."""


T = TypeVar("T", bound=Opened)


class Following(Generic[T]):
    """Replaces what is opened when another generation of an index came into use. Safe to use from several threads.

    Args:
        opened: Opens an index at the generation in use.
        services: By name; changed here and read by whoever asks.
    """

    def __init__(self, opened: Callable[[str, Any], T], services: dict[str, T]) -> None:
        self._open = opened
        self._services = services
        self._lock = Lock()
        self._busy: set[str] = set()
        self._failed: dict[str, float] = {}

    def newest(self, service: T) -> T:
        """Return what answers a request that comes now: this, until another is ready. Takes 0.03 to 0.1 ms."""
        try:
            changed = home_of(service.path) != service.store.path
        except StoreError as error:
            _LOG.warning("index %s: %s", service.name, error)
            return service
        if changed:
            self._begin(service)
        return self._services[service.name]

    def _begin(self, service: T) -> None:
        """Open the other one in a thread of its own, once."""
        name = service.name
        with self._lock:
            waits = time.monotonic() - self._failed.get(name, -RETRY_S) < RETRY_S
            if name in self._busy or waits:
                return
            self._busy.add(name)
        Thread(target=self._replace, args=(name, service.path), name=f"swath-switch-{name}", daemon=True).start()

    def _replace(self, name: str, path: Place) -> None:
        try:
            made = self._open(name, path)
        except Exception as error:
            # Whatever it is, the vectors that answered until now still do.
            self._failed[name] = time.monotonic()
            _LOG.warning("index %s was switched to other vectors, which cannot be opened: %s", name, error)
        else:
            self._services[name] = made
            _LOG.info("index %s answers from %s now", name, made.store.space)
        finally:
            with self._lock:
                self._busy.discard(name)
