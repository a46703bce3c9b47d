"""Questions with their evidence put to an answer model, along the path of every answer: `write_with_model`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from core import AnswerSettings
from retriever.rag import (
    AnswerModel,
    Claim,
    DroppedClaim,
    EvidenceSet,
    ModelError,
    QueryPlan,
    Reply,
    Step,
    write_with_model,
)

from ._corpus import Progress
from ._rag_controls import Control


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One question as one control puts it."""

    control: Control
    """Which."""
    plan: QueryPlan
    """The question and how it is read."""
    evidence: EvidenceSet
    """All that the model gets."""
    seconds: dict[str, float] = field(default_factory=dict)
    """What the evidence took, step by step."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """What came of a case."""

    claims: tuple[Claim, ...]
    """Those that passed every check; empty where the model abstained or failed."""
    dropped: tuple[DroppedClaim, ...] = ()
    """Those that did not."""
    failure: str | None = None
    """Why there is no usable reply; None where there is one, be it that there is no answer."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Of each step."""

    @property
    def text(self) -> str | None:
        """What was said in one line: the claims let through, else those dropped; None where there are neither."""
        return " ".join(claim.text for claim in (self.claims or self.dropped)) or None


Make = Callable[[], Case]
"""Makes a case when its turn has come, so that few pictures are held at a time."""


def answer_all(
    cases: Sequence[Make], model: AnswerModel, settings: AnswerSettings, progress: Progress | None = None
) -> list[tuple[Control, Said]]:
    """Return what a model says to every case, in their order; at most `settings.concurrent` are asked at a time.

    It runs in a thread of its own, because a notebook has a running event loop.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _answer_all(cases, model, settings, progress)).result()


async def _answer_all(
    cases: Sequence[Make], model: AnswerModel, settings: AnswerSettings, progress: Progress | None
) -> list[tuple[Control, Said]]:
    said: dict[int, tuple[Control, Said]] = {}
    waiting = iter(enumerate(cases))

    async def work() -> None:
        for number, make in waiting:
            case = await asyncio.to_thread(make)
            said[number] = case.control, await answer(case, model, settings)
            if progress is not None:
                progress(len(said), len(cases))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(settings.concurrent, max(len(cases), 1))):
            group.create_task(work())
    return [said[number] for number in range(len(cases))]


async def answer(case: Case, model: AnswerModel, settings: AnswerSettings) -> Said:
    """Return what a model says to one case; a failure is an outcome, not an error."""
    seconds, reply, failure = dict(case.seconds), Reply(answerable=False, claims=()), None
    started = time.perf_counter()
    try:
        written = write_with_model(case.plan.question, case.plan, case.evidence, (), model, settings)
        async for part in written:
            if isinstance(part, Step):
                seconds[part.name] = seconds.get(part.name, 0.0) + part.seconds
            elif isinstance(part, Reply):
                reply = part
    except ModelError as error:
        failure = str(error)
    seconds["answer"] = time.perf_counter() - started
    return Said(claims=reply.claims, dropped=reply.dropped, failure=failure, seconds=seconds)
