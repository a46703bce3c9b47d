"""How questions end and where their time goes, for ``/metrics``; counted for the process, like searches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from prometheus_client import Counter, Gauge, Histogram

from retriever.rag import Answer, Event, Step

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
"""Upper ends of the ranges that steps are counted in; a model may take its whole time limit."""

ANSWERS = Counter(
    "swath_answers",
    "Questions by how they ended: model, records, abstained, failed, left.",
    ("outcome",),
    registry=None,
)

STEPS = Histogram(
    "swath_answer_step_seconds", "Seconds of the steps of answers.", ("step",), buckets=SECONDS, registry=None
)
"""Labels are the names a `Step` can have."""

ANSWERING = Gauge("swath_answers_in_progress", "Questions being answered.", registry=None)
"""The server takes 32 at once."""


async def counted(events: AsyncIterator[Event]) -> AsyncGenerator[Event, None]:
    """Yield the events of one question and count them."""
    outcome = "left"
    ANSWERING.inc()
    try:
        async with aclosing(events) as coming:  # type: ignore[type-var]  # every async generator can be closed
            async for event in coming:
                if isinstance(event.value, Step):
                    STEPS.labels(event.value.name).observe(event.value.seconds)
                if isinstance(event.value, Answer):
                    outcome = "abstained" if event.value.abstained else event.value.written_by
                yield event
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except Exception:
        outcome = "failed"
        raise
    finally:
        ANSWERING.dec()
        ANSWERS.labels(outcome).inc()
