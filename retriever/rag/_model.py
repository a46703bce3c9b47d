"""What an answer model is to us: messages of text and pictures in, text out as it comes. The rest is our side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from core import AnswerSettings, Registry, SwathError

MediaType = Literal["image/png", "image/jpeg", "image/webp"]
"""What pictures are sent as."""


class ModelError(SwathError):
    """The model gave no usable answer: unreachable, refused, too slow, or wrong. The message never holds a key."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TextPart:
    """Words of a message."""

    text: str
    """Trusted words, and foreign ones inside a fence."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ImagePart:
    """A picture of a message."""

    media_type: MediaType
    """Of ``data``."""
    data: bytes
    """The encoded picture."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Message:
    """One message to a model."""

    role: Literal["system", "user", "assistant"]
    """Who says it."""
    parts: tuple[TextPart | ImagePart, ...]
    """In order; only ``user`` messages hold pictures."""


@runtime_checkable
class AnswerModel(Protocol):
    """Writes text about messages and pictures."""

    @property
    def name(self) -> str:
        """What answers are labelled with, e.g. ``qwen2.5-vl-7b``; no address, no key."""
        ...

    def stream(self, messages: Sequence[Message], *, schema: Mapping[str, Any] | None = None) -> AsyncIterator[str]:
        """Yield the reply in pieces, as they come; closing the iterator stops the model.

        Args:
            messages: What is said, oldest first.
            schema: JSON schema the reply should follow; a wish, which servers may ignore.

        Raises:
            ModelError: It gave no reply, or broke off.
        """
        ...


_MODELS = Registry("answer model", {"openai": "retriever.rag.writing._openai:open_model"}, group="swath.answer_models")
"""Each a function of the settings (`core.AnswerSettings`) that returns an AnswerModel."""


def answer_models() -> Registry:
    """Return the registry of answer models."""
    return _MODELS


def open_answer_model(settings: AnswerSettings) -> AnswerModel | None:
    """Return the model that settings name; None where they name none, and answers are written from records.

    Raises:
        UnknownNameError: There is no such kind of model.
    """
    if not settings.url:
        return None
    model: AnswerModel = _MODELS.resolve(settings.provider)(settings)
    return model
