"""The writer's lock of an index in a bucket: an object that its holder keeps writing anew.

A bucket has no locks, but it writes an object only where there is none, or only in place of the version that one names.
So the lock is an object: who creates it writes. It holds for LEASE_S and is renewed three times as often; a holder that
dies stops renewing, and then another takes it over by replacing exactly the version it saw.

No clock is compared with another. How old a lease is tells the store, which stamps it and a second object written now;
how long its own lease still holds a writer knows from the moment before it asked for it.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from threading import Event, RLock, Thread

from core import StoreError, printable
from indexer._objects import (
    Found,
    Version,
    create_object,
    delete_object,
    look_at,
    read_object,
    update_object,
    write_object,
)
from indexer._place import BucketPath

LEASE_S = 30.0
"""Seconds that a lease holds. A commit is checked before and while its rows stream in, so it may be short; renewals are
tried again within it, so it must outlast a request that times out."""

MARGIN_S = 5.0
"""Seconds that a lease must be overdue before another takes it: stores stamp whole seconds, and are many machines."""

_LARGEST = 4096
"""Bytes of a lease; ours take 200."""


class BusyError(StoreError):
    """Another process is writing to the index."""


class LeaseLostError(StoreError):
    """This process was the writer of an index and may no longer be: its lease ran out, or another has taken it."""


class Lease:
    """A lock on an index in a bucket. May be taken again by its holder; safe to use from many threads.

    Args:
        place: The object.
        index: The index, for messages.
        seconds: See LEASE_S.
        margin: See MARGIN_S.
    """

    def __init__(self, place: BucketPath, *, index: BucketPath, seconds: float = LEASE_S, margin: float = MARGIN_S):
        self._place = place
        self._index = index
        self._seconds = seconds
        self._margin = margin
        self._guard = RLock()
        self._depth = 0
        self._version: Version | None = None
        self._unheard: list[bytes] = []
        self._until = 0.0
        self._ended = Event()

    def acquire(self) -> None:
        """Become the writer, or one time more so.

        Raises:
            BusyError: Another process is.
            LeaseLostError: This process was, and lost it.
            StoreError: The bucket cannot be written.
        """
        with self._guard:
            if self._depth:
                self.check()
            else:
                self._take()
                self._ended = Event()
                Thread(target=self._renew_often, args=(self._ended,), name="swath-lease", daemon=True).start()
            self._depth += 1

    def release(self) -> None:
        """Be the writer no longer, once this was called as often as ``acquire``."""
        with self._guard:
            self._depth -= 1
            if self._depth:
                return
            self._ended.set()
            # One that cannot be given back runs out by itself.
            with suppress(StoreError):
                if self._version is not None:
                    self._replace(self._document(released=True), self._version)
            self._version = None

    def check(self) -> None:
        """Do nothing while this process is the writer.

        Raises:
            LeaseLostError: It is not, or not for certain.
        """
        if self._version is None or _now() >= self._until:
            raise LeaseLostError(
                f"this process is no longer the writer of {self._index}: its lock was not renewed for"
                f" {self._seconds:g} s, or another process took it over. What was committed is safe; run it again"
            )

    def _take(self) -> None:
        asked = _now()
        version = create_object(self._place, self._document())
        if version is None:
            version, asked = self._taken_over()
        self._version, self._until = version, asked + self._seconds
        self._unheard.clear()

    def _taken_over(self) -> tuple[Version, float]:
        """Replace a lease that was given back or has run out; return its version, and when it was asked for."""
        found = read_object(self._place, limit=_LARGEST, kind="lock")
        held = _Held.of(found)
        if found is not None and (held.released or self._is_overdue(found, held)):
            asked = _now()
            version = update_object(self._place, self._document(), found.version)
            if version is not None:
                return version, asked
        raise BusyError(f"another swath index is writing to {self._index}{held.owner}; wait until it has finished")

    def _is_overdue(self, found: Found, held: _Held) -> bool:
        """Whether a lease ran out, by the one clock that stamped it: the store's."""
        probe = BucketPath(self._place.scheme, self._place.bucket, f"{self._place.key}.{secrets.token_hex(8)}")
        write_object(probe, b"what time is it?")
        try:
            now = look_at(probe)
        finally:
            with suppress(StoreError):
                delete_object(probe)
        return now is not None and (now.modified - found.modified).total_seconds() > held.seconds + self._margin

    def _renew_often(self, ended: Event) -> None:
        while not ended.wait(self._seconds / 3):
            with self._guard:
                if ended.is_set() or self._version is None:
                    return
                self._renew()

    def _renew(self) -> None:
        asked = _now()
        if asked >= self._until or self._version is None:
            self._version = None
            return
        with suppress(StoreError):  # tried again, for as long as it holds
            self._version = self._replace(self._document(), self._version)
            self._until = asked + self._seconds

    def _replace(self, document: bytes, version: Version) -> Version | None:
        """Write my lease anew; return None where it is not mine any more.

        One that I wrote and of which I only heard an error is mine as well.
        """
        try:
            replaced = update_object(self._place, document, version)
            if replaced is None and self._unheard:
                found = read_object(self._place, limit=_LARGEST, kind="lock")
                if found is not None and found.content in self._unheard:
                    replaced = update_object(self._place, document, found.version)
        except StoreError:
            self._unheard.append(document)
            raise
        self._unheard.clear()
        return replaced

    def _document(self, *, released: bool = False) -> bytes:
        told = {
            "seconds": self._seconds,
            "released": released,
            "owner": f"process {os.getpid()} on {platform.node()}",
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            # Makes each renewal another content, and so another version, in stores that go by a sum of it.
            "token": secrets.token_hex(16),
        }
        return json.dumps(told).encode()


class _Held:
    """What a lease says about its holder."""

    def __init__(self, *, seconds: float, released: bool, owner: str) -> None:
        self.seconds = seconds
        self.released = released
        self.owner = owner

    @classmethod
    def of(cls, found: Found | None) -> _Held:
        """Read a lease; one that is gone or that nobody can read holds as long as ours do."""
        try:
            told = json.loads(found.content) if found is not None else {}
            owner = f" ({printable(str(told['owner'])[:100])})" if "owner" in told else ""
            return cls(seconds=float(told.get("seconds", LEASE_S)), released=told.get("released") is True, owner=owner)
        except (ValueError, TypeError, AttributeError, RecursionError):
            return cls(seconds=LEASE_S, released=False, owner="")


def _now() -> float:
    """Seconds that pass while a machine sleeps, too: a lease runs out meanwhile."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
