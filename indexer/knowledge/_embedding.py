"""Passages and questions as vectors: sentence vectors where the encoder gives them, else those of its text tower.

What is embedded of a passage is ``title: text``; questions are embedded as they stand, without prompts. Measured on 40
entries and 80 paraphrased questions (docs/design/knowledge.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import EncodesSentences, EncodesText, InputError, VectorSpace

_OTHER_TOKENS = 64
"""Tokens every other text tower reads: CLOSP's 64, CLIP's 77, RemoteCLIP's 77 (their published configurations)."""

_LETTERS = 3.5
"""Characters a token, the fewest of any of 40 English entries under the tokenizer of MiniLM; their mean is 4.5."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Embedding:
    """How texts become vectors for one index."""

    space: VectorSpace
    """The space of the vectors; recorded with them."""
    sentences: bool
    """Whether they are sentence vectors."""
    max_tokens: int
    """Tokens after which a text is cut, those that frame it included."""
    count: Callable[[Sequence[str]], Sequence[int]]
    """Counts tokens, those that frame a text included; an estimate where the encoder does not count."""
    encode: Callable[[Sequence[str]], NDArray[np.float32]]
    """Texts to (n, dim) unit vectors."""


def embedding_of(encoder: object) -> Embedding:
    """Return how an index's encoder embeds passages.

    Raises:
        InputError: It reads no text.
    """
    if isinstance(encoder, EncodesSentences) and (space := encoder.sentence_space) is not None:
        return Embedding(
            space=space,
            sentences=True,
            max_tokens=encoder.max_tokens,
            count=encoder.count_tokens,
            encode=encoder.encode_sentences,
        )
    if not isinstance(encoder, EncodesText):
        name = getattr(getattr(encoder, "space", None), "encoder", type(encoder).__name__)
        raise InputError(f"the index was filled by {name}, which reads no text; knowledge needs one that does")
    return Embedding(
        space=encoder.space, sentences=False, max_tokens=_OTHER_TOKENS, count=_estimated, encode=encoder.encode_text
    )


def _estimated(texts: Sequence[str]) -> tuple[int, ...]:
    return tuple(2 + math.ceil(len(text) / _LETTERS) for text in texts)
