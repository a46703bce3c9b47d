"""One request to an answer model, counted, timed and traced, whichever model it is."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Literal

from core import span
from retriever.rag._metrics import MODEL_OPEN, MODEL_REQUESTS, MODEL_SECONDS
from retriever.rag._model import AnswerModel, Message

Purpose = Literal["plan", "answer"]
"""What the model is asked for."""


async def reply_of(
    model: AnswerModel, messages: Sequence[Message], schema: Mapping[str, Any] | None, *, purpose: Purpose
) -> AsyncGenerator[str, None]:
    """Yield a model's reply in pieces; closing the iterator stops the model.

    The span follows https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ and holds nothing that is said.

    Raises:
        ModelError: See `AnswerModel.stream`.
    """
    started, outcome = time.perf_counter(), "left"
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": model.name, "swath.purpose": purpose}
    MODEL_OPEN.inc()
    try:
        with span(f"chat {model.name}", told, kind="client"):
            async with aclosing(model.stream(messages, schema=schema)) as pieces:  # type: ignore[type-var]  # a generator
                async for piece in pieces:
                    yield piece
        outcome = "replied"
    except Exception:
        outcome = "failed"
        raise
    finally:
        MODEL_OPEN.dec()
        MODEL_REQUESTS.labels(purpose, outcome).inc()
        MODEL_SECONDS.labels(purpose).observe(time.perf_counter() - started)
