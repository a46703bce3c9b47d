"""When finished scenes go into the store: in groups, so that many small scenes do not make many small transactions."""

from __future__ import annotations

import time
from collections.abc import Callable

from indexer._assembly import Assembly
from indexer._meter import Meter
from indexer._report import IngestOptions
from indexer._staging import Staging
from indexer.store import Store


class Commits:
    """Gathers finished scenes and commits them.

    Args:
        store: Where they go; the writer's lock is held.
        staging: Where their pieces are deleted afterwards.
        options: How many tiles and how long to gather.
        meter: Is told what was written.
        committed: Called after every commit.
    """

    def __init__(
        self,
        store: Store,
        staging: Staging,
        options: IngestOptions,
        meter: Meter,
        committed: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._staging = staging
        self._options = options
        self._meter = meter
        self._committed = committed
        self._waiting: list[Assembly] = []
        self._since = 0.0

    def add(self, scene: Assembly) -> None:
        """Take a finished scene."""
        self._since = self._since if self._waiting else time.monotonic()
        self._waiting.append(scene)

    def flush_if_due(self) -> None:
        """Commit if there are enough tiles or the first scene has waited long enough."""
        if self._waiting and (self._enough() or time.monotonic() - self._since >= self._options.commit_seconds):
            self.flush()

    def _enough(self) -> bool:
        return sum(scene.tiles for scene in self._waiting) >= self._options.commit_tiles

    def flush(self) -> None:
        """Commit what is there."""
        if not self._waiting:
            return
        self._store.commit([scene.scene_rows() for scene in self._waiting])
        for scene in self._waiting:
            self._staging.forget(scene.job.key)
            self._meter.indexed(scene)
        self._waiting.clear()
        if self._committed is not None:
            self._committed()
