"""A worker: the pipeline of `swath index`, fed by the driver, writing fragments in place of committing."""

from __future__ import annotations

import os
import platform
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from threading import Condition, Thread
from typing import TYPE_CHECKING

from core import EncodesTiles, InputError, SpaceMismatchError, SwathError
from indexer._events import Failed, Found
from indexer._ledger import SceneRows
from indexer._meter import Meter
from indexer._pipeline import Pipeline
from indexer._place import BucketPath
from indexer._plan import Job
from indexer._staging import Staging
from indexer.distributed._fragments import FragmentWriter
from indexer.distributed._messages import Group, Plan, Report
from indexer.store import Store

if TYPE_CHECKING:
    from indexer._assembly import Assembly

IDLE_S = 0.2
"""Seconds after which a worker without scenes looks whether it is to stop."""

PAUSE_S = 0.05
"""Least seconds between two answers, so that a thousand small scenes do not make a thousand messages."""


class Worker:
    """Indexes the scenes it is given until it is told that there are no more. Methods may be called from any thread.

    Args:
        plan: What to do.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._changed = Condition()
        self._groups: list[Group] = []
        self._failures: list[Failed] = []
        self._told = 0
        self._ended = False
        self._broken: BaseException | None = None
        self._meter = _Telling(self)
        Thread(target=self._run, name="swath-worker", daemon=True).start()

    def give(self, jobs: Sequence[Job]) -> None:
        """Take scenes to index."""
        for job in jobs:
            self._jobs.put(job)

    def finish(self) -> None:
        """Say that no more scenes will come."""
        self._jobs.put(None)

    def take(self, timeout: float) -> Report:
        """Return what is new, waiting for it for at most ``timeout`` seconds."""
        time.sleep(PAUSE_S)
        with self._changed:
            self._changed.wait_for(self._has_news, timeout)
            groups, self._groups = tuple(self._groups), []
            failures, self._failures = tuple(self._failures), []
            work = replace(self._meter.work)
            self._told = work.settled
            return Report(
                work=work,
                groups=groups,
                failures=failures,
                ended=self._ended,
                broken=None if self._broken is None else _reason(self._broken),
                misused=isinstance(self._broken, InputError),
            )

    def _has_news(self) -> bool:
        return bool(self._groups or self._failures or self._ended or self._meter.work.settled != self._told)

    def ship(self, group: Group) -> None:
        """Keep a group until it is taken."""
        with self._changed:
            self._groups.append(group)
            self._changed.notify_all()

    def refuse(self, failure: Failed) -> None:
        """Keep a failure until it is taken."""
        with self._changed:
            self._failures.append(failure)
            self._changed.notify_all()

    def stir(self) -> None:
        """Say that a scene is whole."""
        with self._changed:
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            os.environ.update(self._plan.environment)
            self._index()
        except BaseException as error:
            self._broken = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _index(self) -> None:
        plan, store = self._plan, self._store()
        staging = Staging(store.staging, store.schema)
        write = FragmentWriter(store, self.ship).write
        if isinstance(store.path, BucketPath):
            staging.tidy()
            write = partial(_write_and_forget, write, staging)
        pipeline = Pipeline(
            self._encoder(),
            write=write,
            tiling=plan.tiling,
            options=plan.options,
            staging=staging,
            schema=store.schema,
            meter=self._meter,
        )
        pipeline.run(self._listing())

    def _store(self) -> Store:
        path = self._plan.index
        if not Store.exists(path):
            raise InputError(
                f"{platform.node()} finds no index at {path}; give --into a folder that every machine of the cluster "
                "sees under the same path"
            )
        return Store.open(path, space=self._plan.space)

    def _encoder(self) -> EncodesTiles:
        encoder = self._plan.open_encoder()
        if encoder.space != self._plan.space:
            raise SpaceMismatchError(
                f"the encoder on {platform.node()} is {encoder.space}, but the ingest was started with "
                f"{self._plan.space}; install the same one on every machine of the cluster"
            )
        return encoder

    def _listing(self) -> Iterator[Found | None]:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except queue.Empty:
                yield None
                continue
            if job is None:
                return
            yield Found(job=job)


def _write_and_forget(
    write: Callable[[Sequence[SceneRows]], None], staging: Staging, scenes: Sequence[SceneRows]
) -> None:
    """Write scenes and delete their pieces: of an index in a bucket they lie here, out of the driver's reach."""
    write(scenes)
    for scene in scenes:
        staging.forget(scene.ledger.scene_key)


class _Telling(Meter):
    """Counts, and passes on what the driver must know of single scenes."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(progress=None)
        self._worker = worker

    def assembled(self) -> None:
        super().assembled()
        self._worker.stir()

    def failed(self, event: Failed, scene: Assembly | None) -> None:
        super().failed(event, scene)
        self._worker.refuse(event)


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, SwathError) else f"{type(error).__name__}: {text}"
