"""Who reads what next: scenes waiting to be opened, and pieces of opened scenes waiting to be read."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition

from indexer._plan import Job, Unit

WAITING_SCENES = 1000
"""Most scenes listed ahead of the readers; a listed scene takes some kilobytes."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a reader is to do."""

    job: Job
    """The scene."""
    unit: Unit | None
    """The piece to read; None to open the scene and cut it."""


class Board:
    """Hands out tasks to threads. Opened scenes are finished before new ones are opened."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._waiting: deque[Job] = deque()
        self._open: dict[str, tuple[Job, deque[Unit]]] = {}
        self._opening = 0
        self._complete = False
        self._stopped = False

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopped

    def add(self, job: Job) -> None:
        """List a scene; waits while very many are listed already."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._waiting) < WAITING_SCENES or self._stopped)
            self._waiting.append(job)
            self._changed.notify_all()

    def complete(self) -> None:
        """Say that no more scenes will be listed."""
        with self._changed:
            self._complete = True
            self._changed.notify_all()

    def opened(self, job: Job, units: Sequence[Unit]) -> None:
        """List the pieces of a scene that was handed out to be opened; none where opening failed."""
        with self._changed:
            self._opening -= 1
            if units:
                self._open[job.key] = (job, deque(units))
            self._changed.notify_all()

    def drop(self, job: Job) -> None:
        """Forget the pieces of a scene that failed."""
        with self._changed:
            self._open.pop(job.key, None)
            self._changed.notify_all()

    def stop(self) -> None:
        """Hand out nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def take(self) -> Task | None:
        """Return the next task, waiting for one; None when all is done or stopped."""
        with self._changed:
            while not self._stopped:
                task = self._next()
                if task is not None:
                    self._changed.notify_all()
                    return task
                if self._complete and not self._opening:
                    return None
                self._changed.wait()
            return None

    def _next(self) -> Task | None:
        if self._open:
            key, (job, units) = next(iter(self._open.items()))
            unit = units.popleft()
            if not units:
                del self._open[key]
            return Task(job=job, unit=unit)
        if self._waiting:
            self._opening += 1
            return Task(job=self._waiting.popleft(), unit=None)
        return None
