"""Looks now and then whether another search snapshot was published for an index in a bucket, and fetches it."""

from __future__ import annotations

import logging
import time
from threading import Lock, Thread

from core import StoreError
from indexer.store import Store
from retriever.engine._published import fetch, published_stamp

_LOG = logging.getLogger("swath.search")

LOOK_S = 10.0
"""Seconds between two looks. What is published makes searches quicker and changes no answer, so it may wait."""


class PublishedWatch:
    """Keeps the folder of an index in a bucket up with what is published there. Nothing for an index in a folder.

    The first look fetches before it returns: without a snapshot, a search reads every vector from the bucket, which
    takes about as long as to fetch them for all searches to come. Later ones fetch in a thread, beside searches.

    Args:
        store: The index.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._next = 0.0
        self._seen: object = None
        self._looked = False
        self._thread: Thread | None = None

    def look(self) -> None:
        """Fetch what is new, if it is time to look.

        A snapshot that cannot be fetched is logged, and asked for again at the next look.
        """
        if time.monotonic() < self._next:
            return
        with self._lock:
            if time.monotonic() < self._next or (self._thread is not None and self._thread.is_alive()):
                return
            self._next = time.monotonic() + LOOK_S
            if not self._looked:
                self._looked = True
                self._fetch()
                return
            self._thread = Thread(target=self._fetch, name="swath-published", daemon=True)
            self._thread.start()

    def _fetch(self) -> None:
        try:
            stamp = published_stamp(self._store)
            if stamp != self._seen:
                fetch(self._store)
                self._seen = stamp
        except (StoreError, OSError) as error:
            _LOG.warning("searches go on without the newest search snapshot: %s", error)
