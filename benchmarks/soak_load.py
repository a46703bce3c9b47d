"""Requests at a fixed rate, whatever the answers take: each is sent when its time has come (an open loop)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from benchmarks.serve import connected
from benchmarks.soak_searches import Question

MOST_OPEN = 64
"""Requests under way at once; what comes then waits, which counts as time of the answer."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One request and what became of it."""

    kind: str
    """See ``Question``."""
    due: float
    """When it was to be sent, seconds from the start."""
    late: float
    """Seconds from then until it was sent."""
    ms: float
    """From when it was to be sent until the answer was there."""
    problem: str | None
    """What was wrong."""


async def load(url: str, ask: Callable[[], Question], *, rate: float, seconds: float, start: float) -> list[Answered]:
    """Send requests.

    Args:
        url: Of the server.
        ask: Draws a request.
        rate: Requests a second.
        seconds: How long.
        start: When it begins, of ``time.monotonic``.
    """
    async with connected(url, MOST_OPEN) as client, asyncio.TaskGroup() as group:
        tasks = []
        for number in range(int(rate * seconds)):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(group.create_task(_one(client, ask(), due, start)))
    return [task.result() for task in tasks]


async def _one(client: httpx.AsyncClient, question: Question, due: float, start: float) -> Answered:
    sent = time.monotonic()
    problem = await _asked(client, question, sent)
    return Answered(
        kind=question.kind, due=due - start, late=sent - due, ms=(problem[1] - due) * 1000, problem=problem[0]
    )


async def _asked(client: httpx.AsyncClient, question: Question, sent: float) -> tuple[str | None, float]:
    """What was wrong, and when the answer was there."""
    try:
        answer = await client.request(
            question.method, question.path, json=question.json, files=question.files,
            headers={"Accept": "application/json"} if question.path == "/v1/ask" else None,
        )  # fmt: skip
    except httpx.HTTPError as error:
        return f"{question.kind}: {type(error).__name__}", time.monotonic()
    there = time.monotonic()
    if answer.status_code != 200:
        return f"{question.kind}: {answer.status_code} {answer.text[:200]}", there
    try:
        wrong = question.judge(answer, sent)
    except (KeyError, TypeError, ValueError) as error:
        wrong = f"cannot be judged: {type(error).__name__}: {error}"
    return (None if wrong is None else f"{question.kind}: {wrong}"), there
