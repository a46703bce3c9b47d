"""The driver: hands out scenes, takes back what became of them, and commits it."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from core import InputError, StoreError, SwathError, span
from indexer._events import Failed, Found, Skipped
from indexer._listing import Listed
from indexer._meter import Meter, Work
from indexer._plan import Job
from indexer._staging import Staging
from indexer.distributed._ahead import Ahead
from indexer.distributed._commit import Committer
from indexer.distributed._crew import Crew, Lost
from indexer.distributed._messages import Group, Report

HEAR_S = 0.5
"""Longest wait for a worker before the driver looks at its other duties."""

COMMIT_S = 1.0
"""Seconds for which groups are gathered into one transaction."""

AHEAD_BATCHES = 8
"""Batches' worth of tiles that a worker holds scenes for: 0.8 s of swath-mini on one core, where news takes 0.1 s."""

ALONE_AFTER = 2
"""Losses after which a scene is given to a worker that holds nothing else, to find out which scene it is that kills."""

LOSSES = 5
"""Losses after which a scene is reported as failed."""

FRUITLESS = 3
"""Losses for each worker, with not one scene done in between, after which the ingest is given up."""

START_S = 900.0
"""Longest wait for the first worker: a cluster that must first start a machine takes minutes."""

PAUSE_S = 0.05
"""Seconds between two looks at the sources while there is no scene yet."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A scene to be handed out."""

    job: Job
    """Which."""
    losses: int = 0
    """Workers that were lost with it."""


class Driver:
    """Runs one ingest; the writer's lock of the index is held.

    Args:
        crew: Who does the work.
        listing: What becomes of each scene that the sources name.
        committer: Makes it visible.
        staging: Where pieces of large scenes are deleted once the scene is committed.
        meter: Counts.
        workers: Most workers at a time.
        batch_size: Tiles that a worker encodes at once.
    """

    def __init__(
        self,
        crew: Crew,
        listing: Iterable[Listed],
        *,
        committer: Committer,
        staging: Staging,
        meter: Meter,
        workers: int,
        batch_size: int,
    ) -> None:
        self._crew = crew
        self._ahead = Ahead(listing)
        self._committer = committer
        self._staging = staging
        self._meter = meter
        self._most = workers
        self._batch_size = batch_size
        self._waiting: deque[Turn] = deque()
        self._hands: dict[int, _Hand] = {}
        self._groups: list[Group] = []
        self._since = 0.0
        self._works: dict[int, Work] = {}
        self._fruitless = 0
        self._started: float | None = None
        self.lost = 0

    def run(self) -> None:
        """Index everything.

        Raises:
            SwathError: A worker gave up for a reason that holds for all of them, or workers cannot be kept.
            BaseException: Whatever ended it early, after what was there has been committed.
        """
        try:
            while not self._done():
                self._list()
                self._hand_out()
                self._hear()
                self._commit_if_due()
        except BaseException as error:
            if not isinstance(error, StoreError):
                self._commit()
            raise
        finally:
            self._ahead.close()
            for number in list(self._hands):
                self._part(number)
        self._commit()

    def _done(self) -> bool:
        return self._ahead.exhausted and not self._waiting and not self._hands

    def _list(self) -> None:
        """Keep as many scenes ready as all workers could take."""
        for listed in self._ahead.listed(max(0, self._most * self._share() - len(self._waiting))):
            match listed:
                case Found():
                    self._meter.found()
                    self._accept(listed.job)
                case Skipped():
                    self._meter.skipped()
                case Failed():
                    self._meter.failed(listed, None)

    def _accept(self, job: Job) -> None:
        obstacle = self._crew.obstacle(job) if job.scene.read is not None else None
        if obstacle is None:
            self._waiting.append(Turn(job=job))
        else:
            self._meter.failed(Failed(href=job.scene.href, reason=obstacle, job=job), None)

    def _share(self) -> int:
        """Scenes a worker should hold: two while nothing is known about them, else some batches' worth of tiles."""
        work = self._sum()
        mean = work.total / work.opened if work.opened else math.inf
        return max(2, math.ceil(AHEAD_BATCHES * self._batch_size / max(1.0, mean)))

    def _hand_out(self) -> None:
        taking = [number for number, hand in self._hands.items() if not hand.finishing]
        for _ in range(min(self._most - len(taking), len(self._waiting))):
            number = self._crew.start()
            self._hands[number] = _Hand()
            taking.append(number)
        share = self._share()
        for number in taking:
            self._fill(number, share)
        if self._ahead.exhausted and not self._waiting:
            self._finish(taking)

    def _finish(self, workers: Sequence[int]) -> None:
        """Let workers end when they are through; those that have not even started are not waited for."""
        for number in workers:
            if self._hands[number].started:
                self._hands[number].finishing = True
                self._crew.finish(number)
            else:
                self._part(number)

    def _fill(self, number: int, share: int) -> None:
        """Give a worker what it has room for."""
        hand = self._hands[number]
        given: list[Job] = []
        while self._waiting and hand.takes(self._waiting[0], share):
            turn = self._waiting.popleft()
            hand.take(turn)
            given.append(turn.job)
        if given:
            self._crew.give(number, given)

    def _hear(self) -> None:
        if not self._hands:
            if not self._ahead.exhausted and not self._waiting:
                time.sleep(PAUSE_S)
            return
        self._started = self._started or time.monotonic()
        for number, heard in self._crew.hear(HEAR_S):
            if number not in self._hands:  # the last words of one that was dismissed
                continue
            if isinstance(heard, Lost):
                self._lose(number, heard.reason)
            else:
                self._heard(number, heard)
        if not self._works and time.monotonic() - self._started > START_S:
            raise SwathError(f"no Ray worker has started within {START_S:g} s; see: ray status")

    def _heard(self, number: int, report: Report) -> None:
        hand = self._hands[number]
        if report.work.settled > hand.settled:
            self._fruitless = 0
        hand.settled = report.work.settled
        hand.started = True
        self._works[number] = report.work
        for group in report.groups:
            self._gather(group, hand)
        for failure in report.failures:
            if failure.job is not None and failure.job.key in hand.air:
                del hand.air[failure.job.key]
                self._meter.failed(failure, None)
        self._meter.heard(self._sum())
        if report.broken is not None:
            raise (InputError if report.misused else SwathError)(report.broken)
        if report.ended:
            self._lose(number, "it ended early") if hand.air else self._part(number)

    def _gather(self, group: Group, hand: _Hand) -> None:
        self._since = self._since if self._groups else time.monotonic()
        self._groups.append(group)
        for scene in group.scenes:
            hand.air.pop(scene.ledger.scene_key, None)

    def _part(self, number: int) -> _Hand:
        self._crew.dismiss(number)
        return self._hands.pop(number)

    def _lose(self, number: int, reason: str) -> None:
        """Take back the scenes of a worker that is gone; what it had delivered stays."""
        self.lost += 1
        self._fruitless += 1
        for turn in reversed(self._part(number).air.values()):
            again = replace(turn, losses=turn.losses + 1)
            if again.losses < LOSSES:
                self._waiting.appendleft(again)
            else:
                text = f"{LOSSES} workers were lost with this scene in hand, the last: {reason}"
                self._meter.failed(Failed(href=turn.job.scene.href, reason=text, job=turn.job), None)
        if self._fruitless > FRUITLESS * self._most:
            raise SwathError(f"{self._fruitless} workers were lost without indexing a scene, the last: {reason}")

    def _sum(self) -> Work:
        return reduce(add, self._works.values(), Work())

    def _commit_if_due(self) -> None:
        if self._groups and time.monotonic() - self._since >= COMMIT_S:
            self._commit()

    def _commit(self) -> None:
        groups, self._groups = self._groups, []
        if not groups:
            return
        with span("commit", {"swath.groups": len(groups)}):
            written = self._committer.commit(groups)
        for scene in written:
            self._staging.forget(scene.ledger.scene_key)
            self._meter.indexed(scene)


class _Hand:
    """What one worker holds."""

    def __init__(self) -> None:
        self.air: dict[str, Turn] = {}
        self.given = 0
        self.settled = 0
        self.started = False
        self.finishing = False

    @property
    def _alone(self) -> bool:
        return any(turn.losses >= ALONE_AFTER for turn in self.air.values())

    def takes(self, turn: Turn, share: int) -> bool:
        """Whether it has room for a scene; before it has started, another may be quicker."""
        if not self.started:
            return False
        if turn.losses >= ALONE_AFTER:
            return not self.air
        return not self._alone and self.given - self.settled < share

    def take(self, turn: Turn) -> None:
        """Hold a scene."""
        self.air[turn.job.key] = turn
        self.given += 1
