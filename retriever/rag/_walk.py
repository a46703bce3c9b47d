"""The straight line of an answer: question, plan, evidence, model or records, answer. Each step is told as it is taken.

Two ways end without claims: the evidence cannot carry an answer (then no model is asked), or the model says that it
does not show what was asked. A model that fails, or says nothing that can be checked, is replaced by the answer from
records, and the caveats say so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from threading import Event

from anyio.to_thread import run_sync

from core import AnswerSettings, log_fields, past_span, span
from retriever.rag._archive import Archive, world_of
from retriever.rag._ask_request import AskRequest
from retriever.rag._model import AnswerModel, ModelError
from retriever.rag._types import Answer, Claim, EvidenceSet, QueryPlan, Step
from retriever.rag.evidence._gather import Note, gather
from retriever.rag.planning._dialogue import plan_follow_up
from retriever.rag.planning._plan import plan_question
from retriever.rag.planning._plan_model import plan_with_model
from retriever.rag.records._from_records import write_from_records
from retriever.rag.writing._reply import Reply
from retriever.rag.writing._writing import write_with_model

LOG = logging.getLogger("swath.ask")
"""How questions ended; nothing of what was asked."""
LOG.addHandler(logging.NullHandler())

Told = Step | QueryPlan | EvidenceSet | Claim
"""What a walk tells on its way."""


@dataclass(kw_only=True, eq=False)
class Walk:
    """One question on its way."""

    request: AskRequest
    archive: Archive
    model: AnswerModel | None
    settings: AnswerSettings
    trace: list[Step] = field(default_factory=list)
    plan: QueryPlan | None = None
    evidence: EvidenceSet = field(default_factory=EvidenceSet)
    claims: list[Claim] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    reply: Reply | None = None

    async def steps(self) -> AsyncGenerator[Told, None]:
        """Yield each step, the plan, the evidence and the claims, as they come."""
        started = time.perf_counter()
        with span("plan"):
            self.plan = plan = await self.planned()
        yield Step(name="plan", text=_in_words(plan), seconds=time.perf_counter() - started)
        yield plan
        async with aclosing(self._gathered(plan)) as gathered:
            async for told in gathered:
                yield told
        if self.evidence.insufficient is None:
            async with aclosing(self._written(plan)) as written:
                async for said in written:
                    if isinstance(said, Claim):
                        self.claims.append(said)
                    yield said

    async def planned(self) -> QueryPlan:
        """Return the plan that was given, or make one."""
        request = self.request
        if request.plan is not None:
            return request.plan
        world = await run_sync(world_of, self.archive, datetime.now(UTC).date())
        if request.turns:
            return plan_follow_up(request.question, request.turns, world)
        if self.model is not None and self.settings.plan:
            return await plan_with_model(request.question, world, self.model)
        return plan_question(request.question, world)

    async def _gathered(self, plan: QueryPlan) -> AsyncGenerator[Step | EvidenceSet, None]:
        """Yield steps, then the evidence; where its scores carry no answer, after a second and wider search."""
        archive: Archive | None = self.archive
        while archive is not None:
            async with aclosing(_noted(partial(self._gather, plan, archive))) as noted:
                async for told in noted:
                    if isinstance(told, EvidenceSet):
                        self.evidence = told
                    else:
                        yield told
            archive = None if self.evidence.insufficient is None else await self._wider(plan, archive)
            if archive is not None:
                yield Step(name="widen", text="The scores carry no answer; searched again with exemplars.", seconds=0)
        yield self.evidence

    async def _wider(self, plan: QueryPlan, archive: Archive) -> Archive | None:
        return None if archive.wider is None or not self.evidence.tiles else await run_sync(archive.wider, plan)

    def _gather(self, plan: QueryPlan, archive: Archive, note: Note) -> EvidenceSet:
        shown = 0 if self.model is None else self.settings.images
        with span("retrieve"):
            return self._found(plan, archive, note, shown)

    def _found(self, plan: QueryPlan, archive: Archive, note: Note, shown: int) -> EvidenceSet:
        request = self.request
        return gather(
            plan,
            archive,
            filters=request.filters,
            tiles=request.tiles,
            pictures=shown if request.pictures is None else request.pictures,
            picture_px=self.settings.image_px,
            kept=request.turns[-1] if request.turns else None,
            note=note,
        )

    async def _written(self, plan: QueryPlan) -> AsyncGenerator[Step | Claim, None]:
        if self.model is not None:
            async with aclosing(self._by_model(plan, self.model)) as model:
                async for said in model:
                    yield said
        if self.reply is None:
            started = time.perf_counter()
            written = write_from_records(plan, self.evidence)
            self.caveats += written.caveats
            seconds = time.perf_counter() - started
            past_span("write", seconds)
            yield Step(name="write", text="Written from records.", seconds=seconds)
            for claim in written.claims:
                yield claim

    async def _by_model(self, plan: QueryPlan, model: AnswerModel) -> AsyncGenerator[Step | Claim, None]:
        """Yield what the model says; where it fails, the records answer in its place."""
        asked = (self.request.question, plan, self.evidence, self.request.turns, model, self.settings)
        try:
            async with aclosing(write_with_model(*asked)) as reply:
                async for said in reply:
                    if isinstance(said, Reply):
                        self.reply = said
                    else:
                        yield said
        except ModelError as error:
            LOG.info("model failed", extra=log_fields(model=model.name, reason=str(error)))
            self.caveats.append(f"{model.name} gave no usable answer, so this is written from records: {error}")

    def concluded(self) -> Answer:
        """Return the answer as it stands."""
        plan, reply = self.plan, self.reply
        if plan is None:
            raise RuntimeError("concluded before it was planned")
        abstained = self._abstained()
        return Answer(
            question=self.request.question,
            plan=plan,
            claims=() if abstained else tuple(self.claims),
            evidence=self.evidence,
            abstained=abstained,
            caveats=tuple(dict.fromkeys(self._caveats(plan))),
            dropped=reply.dropped if reply else (),
            written_by="records" if reply is None else "model",
            model=None if self.model is None else self.model.name,
            trace=tuple(self.trace),
        )

    def _caveats(self, plan: QueryPlan) -> Iterator[str]:
        """What limits the answer, whoever wrote it, or the search that led to none."""
        yield from plan.notes
        yield from self.reply.caveats if self.reply else ()
        yield from self.caveats
        yield from self.evidence.dropped

    def _abstained(self) -> str | None:
        if self.evidence.insufficient is not None:
            return self.evidence.insufficient
        if self.reply is not None and not self.reply.answerable:
            return f"{self.model.name if self.model else 'The model'} finds no answer in the evidence."
        return None if self.claims else "Nothing could be claimed that the evidence carries."


class _LeftError(Exception):
    """Nobody waits for the evidence any more."""


async def _noted(work: Callable[[Note], EvidenceSet]) -> AsyncGenerator[Step | EvidenceSet, None]:
    """Yield the steps of work in a thread as they are noted, then its result.

    Once nobody waits for it, the work ends at its next step. Its task is not cancelled: that would give up the thread's
    place among those there may be, and clients that ask and leave could have any number of threads at work.
    """
    loop, steps, left = asyncio.get_running_loop(), asyncio.Queue[Step | None](), Event()

    def go_on() -> None:
        if left.is_set():
            raise _LeftError

    def note(step: Step) -> None:
        go_on()
        loop.call_soon_threadsafe(steps.put_nowait, step)

    def begun() -> EvidenceSet:
        go_on()  # there may have been a wait for a thread
        return work(note)

    def ended(task: asyncio.Task[EvidenceSet]) -> None:
        steps.put_nowait(None)
        _ = task.cancelled() or task.exception()  # looked at, so that nothing is logged where nobody waits

    task = asyncio.create_task(run_sync(begun))
    task.add_done_callback(ended)
    try:
        while (step := await steps.get()) is not None:
            yield step
        yield await task
    finally:
        left.set()


def _in_words(plan: QueryPlan) -> str:
    """Return a plan in one line."""
    parts = [
        f"{plan.shape}: {', '.join(plan.sought) or 'every tile'}",
        f"without {', '.join(plan.without)}" if plan.without else "",
        f"at {plan.place.name}" if plan.place else "",
        f"in {len(plan.periods)} period{'s' * (len(plan.periods) > 1)}" if plan.periods else "",
        f"by {', '.join(plan.sensors)}" if plan.sensors else "",
        f"at most {plan.max_cloud:g} % cloud" if plan.max_cloud is not None else "",
        "among the tiles of the answer before" if plan.among_earlier else "",
    ]
    return f"Read as {'; '.join(filter(None, parts))}."
