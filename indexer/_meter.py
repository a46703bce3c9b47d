"""Counting: what an ingest reports while it runs and at its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from indexer._events import Failed
from indexer._report import Failure, IngestReport, Progress, peak_memory_mb

if TYPE_CHECKING:
    from indexer._assembly import Assembly


class Meter:
    """Counts scenes, tiles and seconds.

    Args:
        progress: Called after every batch and every scene.
    """

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        self._progress = progress
        self._start = time.monotonic()
        self._first = self._last = self._busy = 0.0
        self._found = self._skipped = self._indexed = self._opened = self._unopened = 0
        self._failures: list[Failure] = []
        self._encoded = self._resumed = self._written = self._dropped = self._dropped_now = self._undated = 0
        self._total = 0

    @contextmanager
    def encoding(self, tiles: int) -> Iterator[None]:
        """Time a batch."""
        start = time.monotonic()
        self._first = self._first or start
        yield
        self._last = time.monotonic()
        self._busy += self._last - start
        self._encoded += tiles

    def found(self) -> None:
        """A scene will be indexed."""
        self._found += 1

    def skipped(self) -> None:
        """A scene was done before."""
        self._skipped += 1

    def opened(self, scene: Assembly) -> None:
        """A scene's number of tiles is known."""
        self._opened += 1
        self._total += scene.grid_tiles
        self._resumed += scene.resumed

    def dropped(self, tiles: int) -> None:
        """Tiles were read and had too few valid pixels."""
        self._dropped_now += tiles

    def indexed(self, scene: Assembly) -> None:
        """A scene was written."""
        self._indexed += 1
        self._written += scene.tiles
        self._dropped += scene.dropped
        self._undated += scene.undated
        self.show()

    def failed(self, event: Failed, scene: Assembly | None) -> None:
        """A scene cannot be indexed; ``scene`` is what there was of it."""
        self._failures.append(Failure(href=event.href, reason=event.reason))
        self._found += event.job is None  # a scene that was bad from the start was never announced
        if scene is None:
            self._unopened += 1
        else:
            self._total -= scene.grid_tiles - scene.seen
        self.show()

    def show(self) -> None:
        """Tell the caller where the ingest stands."""
        if self._progress is not None:
            self._progress(self._snapshot())

    def _snapshot(self) -> Progress:
        now = time.monotonic()
        done = self._encoded + self._resumed + self._dropped_now
        rate = (self._encoded + self._dropped_now) / max(now - self._first, 1e-3) if self._first else 0.0
        return Progress(
            scenes_found=self._found,
            scenes_done=self._indexed + len(self._failures),
            scenes_skipped=self._skipped,
            scenes_failed=len(self._failures),
            tiles_done=done,
            tiles_total=max(self._total, done),
            tiles_per_second=rate,
            seconds=now - self._start,
            eta_seconds=self._left(done) / rate if rate else None,
        )

    def _left(self, done: int) -> float:
        """Tiles still to be done, those of scenes not opened yet estimated."""
        waiting = self._found - self._opened - self._unopened
        return max(0, self._total - done) + waiting * self._total / max(1, self._opened)

    def report(self) -> IngestReport:
        """Return the final figures."""
        span = self._last - self._first
        return IngestReport(
            scenes_indexed=self._indexed,
            scenes_skipped=self._skipped,
            failures=tuple(self._failures),
            tiles_written=self._written,
            tiles_dropped=self._dropped,
            undated=self._undated,
            tiles_encoded=self._encoded,
            seconds=time.monotonic() - self._start,
            tiles_per_second=self._encoded / span if span else 0.0,
            encoder_busy=self._busy / span if span else 0.0,
            peak_memory_mb=peak_memory_mb(),
        )
