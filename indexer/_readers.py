"""The threads of an ingest: one that lists scenes, and several that read, prepare and preview tiles.

They are threads because rasterio, Pillow and numpy let go of Python's lock while they work. What they find they tell in
events through one bounded queue, so that memory stays bounded whatever the speed of the encoder.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from threading import Thread
from typing import TYPE_CHECKING

from core import EncodesTiles, Scene, SwathError, Tile
from indexer._board import Board, Task
from indexer._events import Ended, Event, Failed, Found, Opened, Ready, UnitRead
from indexer._listing import Listed
from indexer._plan import Job, Unit, cut
from indexer._records import tile_row
from indexer._signatures import redacted
from indexer._staging import Staging
from indexer._tiling import TilingOptions
from indexer._traces import IngestTrace

if TYPE_CHECKING:
    from indexer._given import GivenScene
    from indexer._pixels import OpenScene

QUEUED_BATCHES = 3
"""Batches of prepared tiles that may wait for the encoder: 32 x 3 arrays of 224 x 224 x 3 float32 are 58 MB."""

STOP_TIMEOUT_S = 30.0
"""Longest wait for a thread that hangs in a remote read when the ingest is stopped."""


class Readers:
    """Starts the threads and yields what they find.

    Args:
        listing: What becomes of each scene; None says that none is known yet and lets a stop be noticed.
        encoder: Prepares tiles.
        tiling: How scenes are cut.
        staging: Pieces done before.
        workers: Number of reading threads.
        depth: Most events that may wait.
        trace: Is told what is read.
    """

    def __init__(
        self,
        listing: Iterable[Listed | None],
        *,
        encoder: EncodesTiles,
        tiling: TilingOptions,
        staging: Staging,
        workers: int,
        depth: int,
        trace: IngestTrace,
    ) -> None:
        self._listing = listing
        self._encoder = encoder
        self._tiling = tiling
        self._staging = staging
        self._trace = trace
        self._board = Board()
        self._events: queue.Queue[Event] = queue.Queue(maxsize=depth)
        self._threads = [Thread(target=self._run, args=(self._list_scenes,), name="swath-scenes", daemon=True)]
        self._threads += [
            Thread(target=self._run, args=(self._read_tiles,), name=f"swath-reader-{number}", daemon=True)
            for number in range(workers)
        ]

    def events(self, *, timeout: float) -> Iterator[Event | None]:
        """Start the threads; yield their events until all have ended, and None whenever none came for ``timeout`` s."""
        for thread in self._threads:
            thread.start()
        running = len(self._threads)
        while running:
            event = self._next_event(timeout)
            running -= isinstance(event, Ended)
            if isinstance(event, Ended) and event.error is not None:
                raise event.error
            yield event

    def _next_event(self, timeout: float) -> Event | None:
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def drop(self, job: Job) -> None:
        """Read nothing more of a scene."""
        self._board.drop(job)

    def stop(self) -> None:
        """End the threads; what they had found is lost."""
        self._board.stop()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(STOP_TIMEOUT_S)

    def _run(self, work: Callable[[], None]) -> None:
        error: BaseException | None = None
        with suppress(_Stopped):
            try:
                work()
            except _Stopped:
                raise
            except BaseException as raised:
                error = raised
            self._tell(Ended(error=error))

    def _tell(self, event: Event) -> None:
        while not self._board.stopped:
            try:
                return self._events.put(event, timeout=0.1)
            except queue.Full:
                continue
        raise _Stopped

    def _list_scenes(self) -> None:
        try:
            for listed in self._listing:
                if self._board.stopped:
                    return
                if listed is not None:
                    self._tell(listed)
                if isinstance(listed, Found):
                    self._board.add(listed.job)
        finally:
            self._board.complete()

    def _read_tiles(self) -> None:
        with _Current(self._tiling) as current:
            while (task := self._board.take()) is not None:
                try:
                    with self._trace.reading(task.job):
                        self._do(task, current)
                except _Stopped:
                    raise
                except Exception as error:
                    self._board.drop(task.job)
                    self._tell(Failed(href=task.job.scene.href, reason=_reason(error), job=task.job))

    def _do(self, task: Task, current: _Current) -> None:
        if task.unit is not None:
            return self._read_unit(task.job, task.unit, current)
        pending: Sequence[Unit] = ()
        try:
            scene = current.open(task.job)
            units = cut(scene.rows, scene.cols)
            staged = self._staging.resume(task.job, units)
            self._tell(Opened(job=task.job, units=units, staged=staged))
            pending = [unit for unit in units if unit not in staged]
        finally:
            self._board.opened(task.job, pending)
        return None

    def _read_unit(self, job: Job, unit: Unit, current: _Current) -> None:
        tiles = dropped = 0
        scene = current.open(job)
        for row in range(unit.row, unit.row + unit.rows):
            for col in range(unit.col, unit.col + unit.cols):
                tile = scene.read(row, col)
                if tile is None:
                    dropped += 1
                else:
                    tiles += 1
                    self._tell(self._ready(job, unit, tile))
        self._tell(UnitRead(job=job, unit=unit, tiles=tiles, dropped=dropped))

    def _ready(self, job: Job, unit: Unit, tile: Tile) -> Ready:
        row = tile_row(tile, make_preview(tile))
        return Ready(job=job, unit=unit, row=row, array=self._encoder.prepare(tile))


class _Stopped(BaseException):
    """The ingest was stopped; the thread ends without a word."""


class _Current:
    """The scene a thread has open; GDAL handles must not be shared between threads."""

    def __init__(self, tiling: TilingOptions) -> None:
        self._tiling = tiling
        self._key = ""
        self._scene: OpenScene | GivenScene | None = None
        self._closing = ExitStack()

    def __enter__(self) -> _Current:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def open(self, job: Job) -> OpenScene | GivenScene:
        """Return the job's scene, open; the one before is closed."""
        if self._scene is None or self._key != job.key:
            self._closing.close()
            self._scene = None
            scene = open_scene(job.scene, self._tiling)
            self._closing.enter_context(scene)
            self._scene, self._key = scene, job.key
        return self._scene


def open_scene(scene: Scene, tiling: TilingOptions) -> OpenScene | GivenScene:
    """Open a scene for reading."""
    from indexer._given import open_any

    return open_any(scene, tiling)


def make_preview(tile: Tile) -> bytes:
    """Return the tile's WebP preview."""
    from indexer._preview import preview

    return preview(tile)


def _reason(error: Exception) -> str:
    text = redacted(" ".join(str(error).split()))
    return text if isinstance(error, SwathError) else f"{type(error).__name__}: {text}"
