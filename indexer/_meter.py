"""Counting: what an ingest reports while it runs and at its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Protocol

from core import log_fields
from indexer._events import Failed
from indexer._report import Failure, IngestReport, Progress, peak_memory_mb

if TYPE_CHECKING:
    from indexer._assembly import Assembly


LOG = logging.getLogger("swath.ingest")
"""What becomes of scenes; whoever runs an ingest is told the same by its report, so nobody else need listen."""
LOG.addHandler(logging.NullHandler())


class Counted(Protocol):
    """A scene that was written."""

    @property
    def tiles(self) -> int:
        """Its tiles."""

    @property
    def dropped(self) -> int:
        """Tiles that had too few valid pixels."""

    @property
    def undated(self) -> bool:
        """Whether it has no date."""


@dataclass(kw_only=True)
class Work:
    """What was read and encoded; one a process."""

    opened: int = 0
    """Scenes whose grid is known."""
    unopened: int = 0
    """Scenes that failed before."""
    settled: int = 0
    """Scenes put together, or failed."""
    total: int = 0
    """Tiles of the opened scenes."""
    resumed: int = 0
    """Of them: taken over from an earlier run."""
    dropped: int = 0
    """Of them: read, with too few valid pixels."""
    encoded: int = 0
    """Of them: encoded."""
    busy: float = 0.0
    """Seconds in the encoder."""

    def __add__(self, other: Work) -> Work:
        return Work(**{item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)})


class Meter:
    """Counts scenes, tiles and seconds.

    Args:
        progress: Called after every batch and every scene.
        encoders: Encoders that work side by side.
    """

    def __init__(self, progress: Callable[[Progress], None] | None, *, encoders: int = 1) -> None:
        self._progress = progress
        self._encoders = encoders
        self._start = time.monotonic()
        self._first = self._last = 0.0
        self._found = self._skipped = self._indexed = 0
        self._failures: list[Failure] = []
        self._written = self._dropped = self._undated = 0
        self.work = Work()

    @contextmanager
    def encoding(self, tiles: int) -> Iterator[None]:
        """Time a batch."""
        start = time.monotonic()
        self._first = self._first or start
        yield
        self._last = time.monotonic()
        self.work.busy += self._last - start
        self.work.encoded += tiles

    def found(self) -> None:
        """A scene will be indexed."""
        self._found += 1

    def skipped(self) -> None:
        """A scene was done before."""
        self._skipped += 1

    def opened(self, scene: Assembly) -> None:
        """A scene's number of tiles is known."""
        self.work.opened += 1
        self.work.total += scene.grid_tiles
        self.work.resumed += scene.resumed

    def dropped(self, tiles: int) -> None:
        """Tiles were read and had too few valid pixels."""
        self.work.dropped += tiles

    def assembled(self) -> None:
        """A scene is whole and waits to be written."""
        self.work.settled += 1

    def indexed(self, scene: Counted) -> None:
        """A scene was written."""
        self._indexed += 1
        self._written += scene.tiles
        self._dropped += scene.dropped
        self._undated += scene.undated
        LOG.info("scene committed", extra=log_fields(tiles=scene.tiles, dropped=scene.dropped, scenes=self._indexed))
        self.show()

    def failed(self, event: Failed, scene: Assembly | None) -> None:
        """A scene cannot be indexed; ``scene`` is what there was of it."""
        self._failures.append(Failure(href=event.href, reason=event.reason))
        LOG.warning("scene failed", extra=log_fields(href=event.href, reason=event.reason))
        self.work.settled += event.job is not None
        self._found += event.job is None  # a scene that was bad from the start was never announced
        if scene is None:
            self.work.unopened += 1
        else:
            self.work.total -= scene.grid_tiles - scene.seen
        self.show()

    def heard(self, work: Work) -> None:
        """Take what other processes have done until now in place of what this one counted."""
        now = time.monotonic()
        self._first = self._first or now
        if work.encoded > self.work.encoded:
            self._last = now
        self.work = work
        self.show()

    def show(self) -> None:
        """Tell the caller where the ingest stands."""
        if self._progress is not None:
            self._progress(self._snapshot())

    def _snapshot(self) -> Progress:
        now = time.monotonic()
        done = self.work.encoded + self.work.resumed + self.work.dropped
        rate = (self.work.encoded + self.work.dropped) / max(now - self._first, 1e-3) if self._first else 0.0
        return Progress(
            scenes_found=self._found,
            scenes_done=self._indexed + len(self._failures),
            scenes_skipped=self._skipped,
            scenes_failed=len(self._failures),
            tiles_done=done,
            tiles_total=max(self.work.total, done),
            tiles_per_second=rate,
            seconds=now - self._start,
            eta_seconds=self._left(done) / rate if rate else None,
        )

    def _left(self, done: int) -> float:
        """Tiles still to be done, those of scenes not opened yet estimated."""
        waiting = self._found - self.work.opened - self.work.unopened
        return max(0, self.work.total - done) + waiting * self.work.total / max(1, self.work.opened)

    def report(self) -> IngestReport:
        """Return the final figures."""
        span = max(0.0, self._last - self._first)
        report = IngestReport(
            scenes_indexed=self._indexed,
            scenes_skipped=self._skipped,
            failures=tuple(self._failures),
            tiles_written=self._written,
            tiles_dropped=self._dropped,
            undated=self._undated,
            tiles_encoded=self.work.encoded,
            seconds=time.monotonic() - self._start,
            tiles_per_second=self.work.encoded / span if span else 0.0,
            encoder_busy=self.work.busy / span / self._encoders if span else 0.0,
            peak_memory_mb=peak_memory_mb(),
        )
        told = {item.name: getattr(report, item.name) for item in fields(report) if item.name != "failures"}
        LOG.info("ingest finished", extra=log_fields(**told, scenes_failed=len(report.failures)))
        return report
