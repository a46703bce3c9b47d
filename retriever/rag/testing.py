"""Deterministic answer models whose replies can be checked by hand. Shipped, so that plug-ins can use them too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from retriever.rag._model import Message


class ScriptedModel:
    """Says what it was given, one reply a request; the last one again when they run out.

    Args:
        replies: Texts, or errors to raise instead.
        name: What answers are labelled with.
        piece: Characters in a piece of the stream.

    Attributes:
        requests: The messages of every request, oldest first.
    """

    def __init__(self, replies: Sequence[str | Exception], *, name: str = "scripted", piece: int = 16) -> None:
        self._replies = tuple(replies)
        self._name = name
        self._piece = piece
        self.requests: list[tuple[Message, ...]] = []

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield the next reply."""
        self.requests.append(tuple(messages))
        reply = self._replies[min(len(self.requests), len(self._replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        for start in range(0, len(reply), self._piece):
            yield reply[start : start + self._piece]


class RepeatingModel:
    """Turns each fact and each item of evidence it is shown into one claim that cites it; reads only the messages."""

    @property
    def name(self) -> str:
        """Always the same."""
        return "repeating"

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield the reply in pieces."""
        raise NotImplementedError
        yield
