"""What a model is shown: instructions, computed facts, evidence as fenced data, pictures, all within a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core import AnswerSettings
from retriever.rag._model import Message
from retriever.rag._types import EvidenceSet, QueryPlan, Turn


@dataclass(frozen=True, kw_only=True, eq=False)
class Brief:
    """One request to a model."""

    messages: tuple[Message, ...]
    """Instructions, then the evidence with the question."""
    numbers: frozenset[int]
    """Evidence that is in it; a reply may cite nothing else."""
    dropped: tuple[str, ...]
    """What was left out for want of room, a sentence each."""
    pictures: int
    """How many are in it."""
    tokens: int
    """Estimated length, pictures included; never too small for the models it was compared with."""


def brief(
    question: str, plan: QueryPlan, evidence: EvidenceSet, turns: Sequence[Turn], settings: AnswerSettings
) -> Brief:
    """Return the request for a question.

    Args:
        question: As typed.
        plan: How it was read.
        evidence: What the answer may rest on.
        turns: Earlier questions of the dialogue, oldest first.
        settings: The budget.
    """
    raise NotImplementedError
