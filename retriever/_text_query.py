"""Words into one direction: synonyms, then prompts, then the mean of their unit vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import EncodesText
from embeddings import Prompts, encode_prompted, prompt_style
from retriever._expansion import Expand, expand


@dataclass(frozen=True, kw_only=True, eq=False)
class TextQuery:
    """A text as it is searched."""

    vector: NDArray[np.float64]
    """(dim,) mean of the terms' unit vectors; its length is not 1."""
    why: Mapping[str, Any]
    """What was encoded, as JSON values: ``terms``, ``prompts`` and ``classes``."""
    remarks: tuple[str, ...]
    """What the user should know."""


def text_query(encoder: EncodesText, text: str, *, prompts: Prompts = "auto", mode: Expand = "auto") -> TextQuery:
    """Return the direction in which a text points.

    Args:
        encoder: Encodes it; its name chooses prompts and vocabulary.
        text: As typed.
        prompts: How each term is worded.
        mode: Whether synonyms are added.

    Raises:
        QueryError: The text is a class code that no scheme has.
    """
    found = expand(text, mode, vocabulary=prompt_style(encoder.space.encoder).vocabulary)
    encoded = encode_prompted(encoder, found.terms, prompts=prompts)
    why: dict[str, Any] = {
        "terms": list(found.terms),
        "prompts": [prompt for wording in encoded.prompts for prompt in wording],
    }
    if found.classes:
        why["classes"] = list(found.classes)
    vector: NDArray[np.float64] = encoded.vectors.astype(np.float64).mean(axis=0)
    return TextQuery(vector=vector, why=why, remarks=() if found.remark is None else (found.remark,))
