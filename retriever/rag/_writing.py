"""Evidence in, checked claims out, by a model: one request, one repair, and then no more."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from core import AnswerSettings
from retriever.rag._model import AnswerModel
from retriever.rag._reply import Reply
from retriever.rag._types import Claim, EvidenceSet, QueryPlan, Step, Turn


async def write_with_model(  # noqa: PLR0917  # the order of the walk: question, plan, evidence, then who writes
    question: str,
    plan: QueryPlan,
    evidence: EvidenceSet,
    turns: Sequence[Turn],
    model: AnswerModel,
    settings: AnswerSettings,
) -> AsyncIterator[Step | Claim | Reply]:
    """Yield what happens, each claim as soon as it is complete and checked, and at the end exactly one `Reply`.

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
    raise NotImplementedError
    yield
