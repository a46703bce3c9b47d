"""The ingest: source -> scenes -> tiles -> batches -> vectors -> records -> store.

Readers (threads) open scenes and prepare tiles; this thread encodes them in batches across scenes, puts the pieces of
each scene together and commits it once it is whole. A piece of a large scene waits in the staging folder, so a killed
run resumes behind it; small scenes are committed in groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from os import PathLike

import pyarrow as pa

from core import EncodesTiles, StoreError, TileSource, span
from indexer._assembly import Assembly
from indexer._commits import Commits, Write
from indexer._encoding import Batcher
from indexer._events import Event, Failed, Found, Opened, Ready, Skipped, UnitRead
from indexer._ledger import SceneRows
from indexer._listing import Listed, Listing
from indexer._meter import Meter
from indexer._place import BucketPath
from indexer._readers import QUEUED_BATCHES, Readers
from indexer._report import IngestOptions, IngestReport, Progress
from indexer._staging import Staging
from indexer._tiling import TilingOptions
from indexer._traces import IngestTrace
from indexer.store import Store

IDLE_S = 0.2
"""Seconds without an event after which a batch is encoded though it is not full."""

SCATTERED = 20
"""Data files above which the table is compacted at the end (the documentation of ``Table.optimize`` advises it).

Not where there is a search snapshot, which a compaction would make useless: ``swath optimize`` brings it along."""


def ingest(
    sources: Iterable[TileSource],
    *,
    into: str | PathLike[str] | BucketPath,
    encoder: EncodesTiles,
    tiling: TilingOptions | None = None,
    options: IngestOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    committed: Callable[[], None] | None = None,
) -> IngestReport:
    """Index the scenes of some sources.

    Scenes whose fingerprint is in the ledger are skipped, scenes that changed replace what the index held of them, and
    an ingest that was cut off goes on where it was. A scene becomes visible when all its tiles are there. A scene that
    cannot be read is reported, and what the index held of it stays.

    Args:
        sources: Where scenes come from.
        into: Index directory, or a place in a bucket; made if it is missing or empty.
        encoder: Makes the vectors.
        tiling: How scenes are cut; default 224 px without overlap.
        options: Threads, batches and commits.
        progress: Called in this thread after every batch and scene.
        committed: Called in this thread after every commit of scenes; must not take long.

    Returns:
        Counts, failures with reasons, and speed.

    Raises:
        InputError: A source cannot be opened at all, or ``into`` is something else than an index.
        SpaceMismatchError: The index was filled by another encoder.
        StoreError: The index cannot be written, or another process is writing to it.
        KeyboardInterrupt: As it came, after the scenes that were whole have been committed.
    """
    options, tiling = options or IngestOptions(), tiling or TilingOptions()
    store = Store.create_or_open(into, space=encoder.space, dtype=options.dtype)
    staging, meter = Staging(store.staging, store.schema), Meter(progress)
    with span("ingest"), store.writing():
        listing = Listing(sources, ledger=store.ledger(), tiling=tiling, space=encoder.space)
        pipeline = Pipeline(
            encoder, write=partial(write_scenes, store, staging), tiling=tiling, options=options, staging=staging,
            schema=store.schema, meter=meter, committed=committed,
        )  # fmt: skip
        pipeline.run(listing)
        tidy(store, staging)
    return meter.report()


def write_scenes(store: Store, staging: Staging, scenes: Sequence[SceneRows]) -> None:
    """Commit scenes and delete their pieces; the writer's lock is held.

    Raises:
        StoreError: The index cannot be written.
    """
    store.commit(scenes)
    for scene in scenes:
        staging.forget(scene.ledger.scene_key)


def tidy(store: Store, staging: Staging) -> None:
    """Throw away what was abandoned, and compact a table that has become scattered."""
    staging.tidy()
    if store.fragments > SCATTERED and not store.has_search_snapshot:
        store.compact()


class Pipeline:
    """Makes rows of scenes: reads them in threads, encodes them in this one, and has whole scenes written.

    Args:
        encoder: Makes the vectors.
        write: Takes whole scenes, several at a time.
        tiling: How scenes are cut.
        options: Threads, batches and commits.
        staging: Where finished pieces of large scenes wait.
        schema: Of the tile table.
        meter: Counts.
        committed: Called after every writing of scenes.
    """

    def __init__(
        self,
        encoder: EncodesTiles,
        *,
        write: Write,
        tiling: TilingOptions,
        options: IngestOptions,
        staging: Staging,
        schema: pa.Schema,
        meter: Meter,
        committed: Callable[[], None] | None = None,
    ) -> None:
        self._encoder = encoder
        self._tiling = tiling
        self._options = options
        self._staging = staging
        self._schema = schema
        self._meter = meter
        self._trace = IngestTrace()
        self._commits = Commits(self._traced(write), options, meter, committed)
        self._batcher = Batcher(encoder, options.batch_size, meter)
        self._scenes: dict[str, Assembly] = {}
        self._failed: set[str] = set()
        self._readers: Readers

    def run(self, listing: Iterable[Listed | None]) -> None:
        """Index what is listed; see `Readers` for what None means.

        Raises:
            BaseException: Whatever ended it early, after the scenes that were whole have been written.
        """
        self._readers = Readers(
            listing,
            encoder=self._encoder,
            tiling=self._tiling,
            staging=self._staging,
            workers=self._options.workers,
            depth=QUEUED_BATCHES * self._options.batch_size,
            trace=self._trace,
        )
        try:
            self._loop()
        except BaseException as error:
            self._readers.stop()
            if not isinstance(error, StoreError):
                self._commits.flush()
            raise
        finally:
            self._trace.close()

    def _traced(self, write: Write) -> Write:
        def traced(scenes: Sequence[SceneRows]) -> None:
            with self._trace.committing(scenes):
                write(scenes)
            for scene in scenes:
                self._trace.done(scene.ledger.scene_key)

        return traced

    def _loop(self) -> None:
        for event in self._readers.events(timeout=IDLE_S):
            if event is None:
                self._encode()
            else:
                self._handle(event)
            self._commits.flush_if_due()
        self._encode()
        self._commits.flush()

    def _handle(self, event: Event) -> None:
        match event:
            case Ready():
                if self._batcher.add(event):
                    self._encode()
            case UnitRead():
                self._meter.dropped(event.dropped)
                self._advance(event.job.key, partial(Assembly.unit_read, event=event))
            case Opened():
                self._open(event)
            case Failed():
                self._fail(event)
            case Found():
                self._meter.found()
            case Skipped():
                self._meter.skipped()

    def _open(self, event: Opened) -> None:
        scene = Assembly(event, self._staging, self._schema)
        self._scenes[event.job.key] = scene
        self._meter.opened(scene)
        self._settle(scene)  # an earlier run may have finished every piece

    def _encode(self) -> None:
        if self._batcher.empty:
            return
        for ready, vector in self._batcher.encode(self._trace):
            self._advance(ready.job.key, partial(Assembly.encoded, ready=ready, vector=vector))
        self._meter.show()

    def _advance(self, key: str, step: Callable[[Assembly], None]) -> None:
        scene = self._scenes.get(key)
        if scene is not None:  # else it has failed meanwhile
            step(scene)
            self._settle(scene)

    def _settle(self, scene: Assembly) -> None:
        """Commit a scene when it is whole, give it up when it cannot become so."""
        reason = scene.failure()
        if reason is not None:
            self._readers.drop(scene.job)
            self._fail(Failed(href=scene.job.scene.href, reason=reason, job=scene.job))
        elif scene.whole:
            del self._scenes[scene.job.key]
            self._meter.assembled()
            self._commits.add(scene)

    def _fail(self, event: Failed) -> None:
        """Report a scene once, though several threads may have stumbled over it."""
        key = event.job.key if event.job else None
        if key is not None:
            if key in self._failed:
                return
            self._failed.add(key)
            self._staging.forget(key)
            self._trace.done(key, "SceneError")
        self._meter.failed(event, self._scenes.pop(key, None) if key else None)
