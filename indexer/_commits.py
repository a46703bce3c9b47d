"""When finished scenes go into the store: in groups, so that many small scenes do not make many small transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from indexer._assembly import Assembly
from indexer._ledger import SceneRows
from indexer._meter import Meter
from indexer._report import IngestOptions
from indexer._tries import again

Write = Callable[[Sequence[SceneRows]], None]
"""Takes finished scenes, several at a time, each with all its tiles."""


class Commits:
    """Gathers finished scenes and has them written.

    Args:
        write: Where they go.
        options: How many tiles and how long to gather.
        meter: Is told what was written.
        committed: Called after every commit.
    """

    def __init__(
        self, write: Write, options: IngestOptions, meter: Meter, committed: Callable[[], None] | None = None
    ) -> None:
        self._write = write
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
        """Write what is there."""
        if not self._waiting:
            return
        again(lambda: self._write([scene.scene_rows() for scene in self._waiting]))
        for scene in self._waiting:
            self._meter.indexed(scene)
        self._waiting.clear()
        if self._committed is not None:
            self._committed()
