"""Messages as the OpenAI-compatible protocol writes them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from retriever.rag._model import ImagePart, Message, TextPart


def said(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as the protocol writes them; without pictures as plain text, which every server reads."""
    written: list[dict[str, Any]] = []
    for message in messages:
        texts = [part.text for part in message.parts if isinstance(part, TextPart)]
        whole = "\n".join(texts) if len(texts) == len(message.parts) else [_part(part) for part in message.parts]
        written.append({"role": message.role, "content": whole})
    return written


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    url = f"data:{part.media_type};base64,{b64encode(part.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}
