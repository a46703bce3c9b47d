"""Questions to an archive: answered at once, or step by step."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from anyio.to_thread import run_sync

from core import AnswerSettings, log_fields, span
from retriever.rag._archive import Archive
from retriever.rag._ask_request import AskRequest
from retriever.rag._model import AnswerModel
from retriever.rag._types import Answer, Claim, Event, EventName, EvidenceSet, QueryPlan, Step, Turn
from retriever.rag._walk import LOG, Walk

_NAMES: dict[type, EventName] = {Step: "step", QueryPlan: "plan", EvidenceSet: "evidence", Claim: "claim"}


class Asker:
    """Answers questions from one archive.

    Args:
        archive: What is asked, or what opens its newest version for every question.
        model: Writes answers; None writes them from records.
        settings: How much the model is given.
    """

    def __init__(
        self,
        archive: Archive | Callable[[], Archive],
        model: AnswerModel | None = None,
        settings: AnswerSettings | None = None,
    ) -> None:
        self._archive = archive
        self._model = model
        self._settings = settings or AnswerSettings()

    @property
    def model(self) -> str | None:
        """Name of the model; None where there is none."""
        return None if self._model is None else self._model.name

    async def answer(self, request: AskRequest) -> Answer:
        """Return the answer.

        Raises:
            QueryError: The question or its filters are wrong.
            StoreError: The index cannot be read.
        """
        return [event.value async for event in self.events(request) if isinstance(event.value, Answer)][-1]

    async def answer_once(self, request: AskRequest) -> Answer:
        """Return the answer and close the model's connections; see ``answer``."""
        try:
            return await self.answer(request)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the model's connections, where it has any."""
        if (close := getattr(self._model, "aclose", None)) is not None:
            await close()

    async def plan(self, request: AskRequest) -> QueryPlan:
        """Return how a question is read, without searching.

        Raises:
            QueryError: The question is empty or too long.
            StoreError: The index cannot be read.
        """
        return await (await self._walk(request)).planned()

    async def events(self, request: AskRequest) -> AsyncGenerator[Event, None]:
        """Yield what happens on the way to the answer, which comes last. Closing the iterator ends the work.

        Raises:
            QueryError: The question or its filters are wrong.
            StoreError: The index cannot be read.
        """
        started = time.perf_counter()
        with span("answer") as step:
            walk = await self._walk(request)
            async with aclosing(walk.steps()) as steps:
                async for value in steps:
                    if isinstance(value, Step):
                        walk.trace.append(value)
                    yield Event(name=_NAMES[type(value)], value=value)
            answer = walk.concluded()
            told = _told(answer)
            step.set({f"swath.{name}": value for name, value in told.items()})
            LOG.info("answered", extra=log_fields(seconds=round(time.perf_counter() - started, 3), **told))
        yield Event(name="answer", value=answer)

    async def _walk(self, request: AskRequest) -> Walk:
        archive = self._archive if isinstance(self._archive, Archive) else await run_sync(self._archive)
        model = self._model if request.use_model else None
        return Walk(request=request, archive=archive, model=model, settings=self._settings)


def _told(answer: Answer) -> dict[str, str | int]:
    """What logs and traces tell of an answer: nothing that was asked or claimed."""
    told: dict[str, str | int] = {"outcome": "abstained" if answer.abstained else answer.written_by}
    told |= {"claims": len(answer.claims), "tiles": len(answer.evidence.tiles), "matched": answer.evidence.matched}
    return told if answer.model is None else told | {"model": answer.model}


def turn_of(answer: Answer) -> Turn:
    """Return what a follow-up question needs to know of an answer."""
    return Turn(
        question=answer.question,
        plan=answer.plan,
        tile_ids=tuple(tile.record.tile_id for tile in answer.evidence.tiles),
        passage_ids=tuple(each.passage.passage_id for each in answer.evidence.passages),
        claims=answer.claims,
    )
