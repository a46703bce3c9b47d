"""From a question to a plan by rules on our own vocabulary; nothing is guessed, and what was read is said."""

from __future__ import annotations

from core import QueryError
from retriever.rag._plan_world import World
from retriever.rag._types import QueryPlan

MAX_QUESTION = 2_000
"""Most characters of a question."""


def plan_question(question: str, world: World) -> QueryPlan:
    """Return how a question is put to an index.

    Raises:
        QueryError: It is empty or has more than 2,000 characters.
    """
    text = read_question(question)
    named = world.places.places_in(text)
    return QueryPlan(question=question, sought=(text.rstrip("?!. "),) if not named else ())


def read_question(question: str) -> str:
    """Return a question as one line of plain characters, as long as it was.

    Raises:
        QueryError: It is empty or has more than 2,000 characters.
    """
    if len(question) > MAX_QUESTION:
        raise QueryError(
            f"the question has {len(question):,} characters; at most {MAX_QUESTION:,} are read: shorten it"
        )
    text = "".join(char if char.isprintable() else " " for char in question)
    if not text.strip():
        raise QueryError('the question is empty; ask for example "Which harbours were flooded in March 2019?"')
    return text
