"""Deterministic answer models whose replies can be checked by hand. Shipped, so that plug-ins can use them too."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from retriever.rag._model import Message, TextPart

_FENCE = re.compile(r"^<data>\n(.*?)^</data>$", re.MULTILINE | re.DOTALL)
_PIECE = 16
"""Characters of a piece of a stream."""
_LONGEST = 300
"""Characters of a repeated passage; longer claims are not let through."""


class ScriptedModel:
    """Says what it was given, one reply a request; the last one again when they run out.

    Args:
        replies: Texts, or errors to raise instead.
        name: What answers are labelled with.
        piece: Characters in a piece of the stream.

    Attributes:
        requests: The messages of every request, oldest first.
    """

    def __init__(self, replies: Sequence[str | Exception], *, name: str = "scripted", piece: int = _PIECE) -> None:
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
    """Turns each fact and each item of evidence it is shown into one claim that cites it; reads only the messages.

    Facts that can be checked on nothing are left out, because a claim has to cite something. The claims are right as
    far as records go, so citation precision and recall of an answer made with it measure everything but the model.
    """

    @property
    def name(self) -> str:
        """Always the same."""
        return "repeating"

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield the reply in pieces."""
        rows = [row for message in messages for row in shown_rows(message)]
        claims = [claim for row in rows if (claim := _repeated(row)) is not None]
        reply = json.dumps({"answerable": bool(claims), "claims": claims, "caveats": []})
        for start in range(0, len(reply), _PIECE):
            yield reply[start : start + _PIECE]


class BlindModel:
    """Says the same whatever it is shown: that the first item of evidence answers the question."""

    @property
    def name(self) -> str:
        """Always the same."""
        return "blind"

    async def stream(
        self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None
    ) -> AsyncIterator[str]:
        """Yield the reply."""
        claim = {"text": "The first tile answers the question.", "cites": [1], "confidence": 0.5}
        yield json.dumps({"answerable": True, "claims": [claim], "caveats": []})


def shown_rows(message: Message) -> list[dict[str, Any]]:
    """Return every JSON row of a message that stands in a fence."""
    texts = [part.text for part in message.parts if isinstance(part, TextPart)]
    return [json.loads(line) for text in texts for fence in _FENCE.findall(text) for line in fence.splitlines()]


def _repeated(row: Mapping[str, Any]) -> dict[str, Any] | None:
    if "fact" in row:
        return {"text": row["fact"], "cites": row["cites"], "confidence": 1.0} if row["cites"] else None
    if "number" not in row:
        return None
    said = row["text"] if "text" in row else f"{row['sensor']} saw this place on {row.get('date', 'an unknown date')}."
    return {"text": f"[{row['number']}] {said}"[:_LONGEST], "cites": [row["number"]], "confidence": 1.0}
