"""Those who do the work, as the driver sees them: numbered workers that are started, given scenes, heard, and lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from indexer._plan import Job
from indexer.distributed._cluster import import_ray
from indexer.distributed._messages import Plan, Report
from indexer.distributed._options import RayOptions
from indexer.distributed._worker import Worker

if TYPE_CHECKING:
    from ray import ObjectRef

WAIT_S = 0.5
"""Seconds that a worker waits for news before it answers all the same."""


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A worker that will not answer any more."""

    reason: str
    """One line."""


class Crew(Protocol):
    """Workers in processes of their own."""

    def start(self) -> int:
        """Start a worker and return its number."""

    def give(self, worker: int, jobs: Sequence[Job]) -> None:
        """Give a worker scenes."""

    def finish(self, worker: int) -> None:
        """Tell a worker that no more scenes will come."""

    def hear(self, timeout: float) -> Iterator[tuple[int, Report | Lost]]:
        """Yield what workers say, after waiting for at most ``timeout`` seconds for the first."""

    def dismiss(self, worker: int) -> None:
        """Forget a worker that has ended or was lost."""

    def obstacle(self, job: Job) -> str | None:
        """Return why a job cannot be sent to another process, if it cannot."""


class RayCrew:
    """Workers that are Ray actors, each with one call under way that returns when there is news.

    Actors and not Ray Data: a scene is 1 to 3,000 tiles, is finished or failed as a whole, and must be given again
    when its worker dies, so what matters is who holds which scene, and a dataset's blocks do not say that.

    Args:
        plan: What they do.
        options: What each may use.
    """

    def __init__(self, plan: Plan, options: RayOptions) -> None:
        ray = import_ray()
        self._ray = ray
        self._plan = ray.put(plan)
        # Two calls at a time: one that waits for news, and one that brings scenes. A lost worker is the driver's
        # business: an actor that Ray restarted would know nothing of its scenes.
        self._actor = ray.remote(
            num_cpus=options.cpus, num_gpus=options.gpus, max_restarts=0, max_task_retries=0, max_concurrency=2
        )(Worker)
        self._workers: dict[int, Any] = {}
        self._calls: dict[ObjectRef[Report], int] = {}
        self._started = 0

    def start(self) -> int:
        """See `Crew`."""
        self._started += 1
        self._workers[self._started] = self._actor.remote(self._plan)
        self._ask(self._started)
        return self._started

    def _ask(self, worker: int) -> None:
        self._calls[self._workers[worker].take.remote(WAIT_S)] = worker

    def give(self, worker: int, jobs: Sequence[Job]) -> None:
        """See `Crew`."""
        self._workers[worker].give.remote(list(jobs))

    def finish(self, worker: int) -> None:
        """See `Crew`."""
        self._workers[worker].finish.remote()

    def hear(self, timeout: float) -> Iterator[tuple[int, Report | Lost]]:
        """See `Crew`."""
        if not self._calls:
            return
        ready, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=timeout)
        for call in ready:
            worker = self._calls.pop(call, None)
            if worker is None:  # dismissed a moment ago
                continue
            heard = self._answer(call)
            if isinstance(heard, Report) and not heard.ended:
                self._ask(worker)
            yield worker, heard

    def _answer(self, call: ObjectRef[Report]) -> Report | Lost:
        try:
            report: Report = self._ray.get(call)
        except self._ray.exceptions.RayError as error:
            return Lost(reason=str(error).strip().splitlines()[0])
        return report

    def dismiss(self, worker: int) -> None:
        """See `Crew`."""
        self._calls = {call: asked for call, asked in self._calls.items() if asked != worker}
        self._ray.kill(self._workers.pop(worker))

    def obstacle(self, job: Job) -> str | None:
        """See `Crew`."""
        try:
            self._ray.cloudpickle.dumps(job)
        except Exception as error:
            return f"its pixels cannot be handed to another process ({error}); index it without --ray"
        return None
