"""Evidence in, checked claims out, by a model: one request, at most one repair, and then no more."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import anyio
from anyio.to_thread import run_sync

from core import AnswerSettings, past_span
from retriever.rag._asked import reply_of
from retriever.rag._model import AnswerModel, Message, ModelError, TextPart
from retriever.rag._types import Claim, DroppedClaim, EvidenceSet, QueryPlan, Step, Turn
from retriever.rag.writing._claims import ClaimChecker
from retriever.rag.writing._deadline import until
from retriever.rag.writing._foreign import plain
from retriever.rag.writing._messages import Brief, brief
from retriever.rag.writing._reply import Reply, ReplyReader, reply_schema

_REASONS = 3
"""Reasons that a repair names."""


async def write_with_model(  # noqa: PLR0917  # the order of the walk: question, plan, evidence, then who writes
    question: str,
    plan: QueryPlan,
    evidence: EvidenceSet,
    turns: Sequence[Turn],
    model: AnswerModel,
    settings: AnswerSettings,
) -> AsyncGenerator[Step | Claim | Reply, None]:
    """Yield what happens, each claim as soon as it is complete and checked, and at the end exactly one `Reply`.

    A reply that breaks off keeps the claims that had passed, with a caveat. One without a claim that passes, where the
    model says there is an answer, is asked for once more with the reason; if nothing passes then either, a valid reply
    ends without claims, and an invalid one in an error.

    Args:
        question: As typed.
        plan: How it was read.
        evidence: What the answer may rest on.
        turns: Earlier questions of the dialogue, oldest first.
        model: Who writes.
        settings: The budget; ``timeout_s`` covers everything, the repair round included.

    Raises:
        ModelError: No usable reply, even after the repair round; no claim has been yielded then.
    """
    deadline = anyio.current_time() + settings.timeout_s
    request = await run_sync(brief, question, plan, evidence, turns, settings)
    if not request.numbers:
        raise ModelError(
            f"no evidence fits into the request; enlarge SWATH_ANSWER_CONTEXT_TOKENS={settings.context_tokens}"
        )
    checker = ClaimChecker(
        question, plan, evidence, numbers=request.numbers, secrets=(settings.key.get_secret_value(),)
    )
    written = _Written(request=request, model=model, checker=checker, deadline=deadline, settings=settings)
    async with aclosing(written.rounds()) as rounds:
        async for said in rounds:
            yield said
    reply = written.reply()
    past_span("check", written.checking_s, {"swath.claims": len(reply.claims), "swath.dropped": len(reply.dropped)})
    kept = f"{_counted(len(reply.claims), 'claim')} kept, {len(reply.dropped)} dropped."
    yield Step(name="validate", text=kept, seconds=written.checking_s, detail=dict(reply.usage))
    yield reply


@dataclass(kw_only=True, eq=False)
class _Written:
    """One request to a model and what came of it."""

    request: Brief
    model: AnswerModel
    checker: ClaimChecker
    deadline: float
    settings: AnswerSettings
    reader: ReplyReader = field(init=False)
    broken: str | None = None
    """Why the last reply broke off."""
    dropped: list[DroppedClaim] = field(default_factory=list)
    requests: int = 0
    characters: int = 0
    checking_s: float = 0.0

    async def rounds(self) -> AsyncGenerator[Step | Claim, None]:
        """Yield the claims of the first reply, or of the second where the first has none.

        Raises:
            ModelError: Neither can be used.
        """
        messages = self.request.messages
        for name in _ROUNDS:
            started = time.perf_counter()
            async with aclosing(self._round(messages)) as claims:
                async for claim in claims:
                    yield claim
            problem = self._problem()
            yield self._told(name, problem, time.perf_counter() - started)
            if problem is None or self._hopeless():
                break
            messages = self.request.messages if self.broken else _once_more(self.request.messages, problem)
        if problem and (self.broken or self.reader.problem or not self.reader.complete):
            raise ModelError(problem)

    async def _round(self, messages: Sequence[Message]) -> AsyncGenerator[Claim, None]:
        """Yield the claims of one reply; what breaks it off is noted."""
        self.reader, self.broken = ReplyReader(self.checker.claim), None
        self.requests += 1
        pieces = reply_of(self.model, messages, reply_schema(self.request.numbers), purpose="answer")
        try:
            async with aclosing(until(self.deadline, pieces)) as stream:
                async for piece in stream:
                    for claim in self._checked(partial(self.reader.feed, piece)):
                        yield claim
                    if self.reader.full:
                        break
        except TimeoutError:
            self.broken = f"no complete reply came within {self.settings.timeout_s:g} s (SWATH_ANSWER_TIMEOUT_S)"
        except ModelError as error:
            self.broken = str(error)
        for claim in self._checked(self.reader.end):
            yield claim
        self.characters += self.reader.characters
        self.dropped += self.reader.dropped

    def _checked(self, read: Callable[[], list[Claim]]) -> list[Claim]:
        started = time.perf_counter()
        claims = read()
        self.checking_s += time.perf_counter() - started
        return claims

    def _problem(self) -> str | None:
        """Return why a reply cannot be used, in words of ours alone; None where it can."""
        reader = self.reader
        if reader.claims or (reader.answerable is False and reader.problem is None):
            return None
        if self.broken:
            return self.broken
        if reader.problem:
            return f"the reply {reader.problem}"
        if not reader.complete:
            return "the reply ends before its first claim does"
        reasons = [f"a claim {each.reason}" for each in reader.dropped[:_REASONS]]
        return f"no claim of the reply can be kept: {'; '.join(reasons) or 'it claims nothing'}"

    def _hopeless(self) -> bool:
        """Whether a second request makes no sense: the model's side has tried again by itself, or time is up."""
        silent = self.broken is not None and not self.reader.characters
        return silent or anyio.current_time() >= self.deadline

    def _told(self, name: Literal["model", "repair"], problem: str | None, seconds: float) -> Step:
        shown = f"{_counted(len(self.request.numbers), 'item')} and {_counted(self.request.pictures, 'picture')}"
        said = f"{plain(self.model.name, 80)} was given {shown} and made {_counted(len(self.reader.claims), 'claim')}"
        detail = {
            "characters": self.reader.characters,
            "dropped": len(self.reader.dropped),
            "request_tokens": self.request.tokens,
        }
        return Step(name=name, text=f"{said}{f': {problem}' if problem else ''}.", seconds=seconds, detail=detail)

    def reply(self) -> Reply:
        """Return what is left after every check."""
        reader = self.reader
        theirs = [caveat for each in reader.caveats if (caveat := self.checker.caveat(each))]
        return Reply(
            answerable=bool(reader.answerable),
            claims=tuple(reader.claims),
            caveats=(*theirs, *self._cut(), *self.request.dropped),
            dropped=tuple(dict.fromkeys(self.dropped)),
            usage={
                "requests": self.requests,
                "pictures": self.request.pictures,
                "request_tokens": self.request.tokens,
                "reply_characters": self.characters,
            },
        )

    def _cut(self) -> list[str]:
        """Say why a reply was not read to its end."""
        if self.broken:
            return [f"The reply of the model broke off; what had come until then was checked and kept: {self.broken}."]
        if self.reader.complete or not self.reader.claims:
            return []
        if self.reader.full:
            return [f"The reply of the model was cut after {_counted(len(self.reader.claims), 'claim')}."]
        return ["The reply of the model ends early; what had come until then was checked and kept."]


_ROUNDS: tuple[Literal["model", "repair"], ...] = ("model", "repair")


def _once_more(messages: Sequence[Message], problem: str) -> tuple[Message, ...]:
    """Return a request with one more line; the reply that failed is not in it, because it may hold anything."""
    line = f"Your last reply was not used: {problem}. Reply again, with the JSON object and valid citations alone."
    *before, asked = messages
    return (*before, replace(asked, parts=(*asked.parts, TextPart(text=line))))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
