"""Workers in threads of this process, which can be lost at will; a lost one works on unheard."""

from collections.abc import Callable, Iterator, Sequence

from indexer._plan import Job
from indexer.distributed import Lost, Plan, Report, Worker

Fate = Callable[[int, set[str], int], bool]
"""Of a worker's number, the scene ids it was ever given and how often it was heard: whether it is lost now."""


class ThreadCrew:
    def __init__(self, plan: Plan, fate: Fate = lambda *_: False) -> None:
        self.plan = plan
        self.fate = fate
        self.alive: dict[int, Worker] = {}
        self.given: dict[int, set[str]] = {}
        self.most_at_once = 0
        self.heard: dict[int, int] = {}
        self.zombies: list[Worker] = []

    def start(self) -> int:
        number = len(self.given) + 1
        self.alive[number] = Worker(self.plan)
        self.given[number] = set()
        self.heard[number] = 0
        self.most_at_once = max(self.most_at_once, len(self.alive))
        return number

    def give(self, worker: int, jobs: Sequence[Job]) -> None:
        self.given[worker] |= {job.scene.scene_id for job in jobs}
        self.alive[worker].give(jobs)

    def finish(self, worker: int) -> None:
        self.alive[worker].finish()

    def hear(self, timeout: float) -> Iterator[tuple[int, Report | Lost]]:
        for number, worker in list(self.alive.items()):
            self.heard[number] += 1
            if self.fate(number, self.given[number], self.heard[number]):
                self.zombies.append(worker)
                yield number, Lost(reason="killed by the test")
            else:
                yield number, worker.take(min(timeout, 0.02))

    def dismiss(self, worker: int) -> None:
        self.alive.pop(worker).finish()

    def obstacle(self, job: Job) -> str | None:
        return "cannot be sent" if job.scene.scene_id.startswith("stuck") else None
