"""Follow-up questions: what they keep of the plan before, and what they change."""

from __future__ import annotations

from collections.abc import Sequence

from retriever.rag._plan import plan_question
from retriever.rag._plan_world import World
from retriever.rag._types import QueryPlan, Turn


def plan_follow_up(question: str, turns: Sequence[Turn], world: World) -> QueryPlan:
    """Return the plan of a question that follows others, oldest first.

    Raises:
        QueryError: It is empty or has more than 2,000 characters.
    """
    return plan_question(question, world)
