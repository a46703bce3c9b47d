"""Scenes listed ahead of the driver, in a thread, because a STAC API may take its time."""

from __future__ import annotations

import queue
from collections.abc import Iterable, Iterator
from threading import Thread

from indexer._board import WAITING_SCENES
from indexer._listing import Listed

PATIENCE_S = 0.2
"""Seconds after which a thread that waits for room looks whether it is still wanted."""


class _End:
    """Nothing more will be listed."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Ahead:
    """Lists scenes in a thread, at most ``WAITING_SCENES`` ahead.

    Args:
        listing: What becomes of each scene.
    """

    def __init__(self, listing: Iterable[Listed]) -> None:
        self._listing = listing
        self._queue: queue.Queue[Listed | _End] = queue.Queue(maxsize=WAITING_SCENES)
        self._closed = False
        self.exhausted = False
        Thread(target=self._run, name="swath-scenes", daemon=True).start()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for listed in self._listing:
                self._put(listed)
                if self._closed:
                    return
        except BaseException as raised:
            error = raised
        self._put(_End(error))

    def _put(self, entry: Listed | _End) -> None:
        while not self._closed:
            try:
                self._queue.put(entry, timeout=PATIENCE_S)
            except queue.Full:
                continue
            return

    def close(self) -> None:
        """List nothing more."""
        self._closed = True

    def listed(self, limit: int) -> Iterator[Listed]:
        """Yield what is there, at most ``limit``; raise what the source raised once all before it has been yielded."""
        for _ in range(0 if self.exhausted else limit):
            try:
                found = self._queue.get_nowait()
            except queue.Empty:
                return
            if isinstance(found, _End):
                self.exhausted = True
                if found.error is not None:
                    raise found.error
                return
            yield found
