"""An encoder of words without weights: a text is the bag of its words, so that scores can be checked by hand."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core import VectorSpace

DIM = 512
"""So many that the few words of a test do not share a place."""


class BagOfWords:
    """Gives sentence vectors; two texts without a word in common are nearly orthogonal."""

    def __init__(self, revision: str = "1", max_tokens: int = 20) -> None:
        self.space = VectorSpace(encoder="bag-of-words", revision=revision, dim=8)
        self.sentence_space: VectorSpace | None = VectorSpace(encoder="bag-of-words/s", revision=revision, dim=DIM)
        self.max_tokens = max_tokens
        self.encoded: list[str] = []

    def count_tokens(self, texts: Sequence[str]) -> tuple[int, ...]:
        return tuple(2 + len(words(text)) for text in texts)

    def encode_sentences(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.encoded += texts
        return np.array([bag(text, DIM) for text in texts], dtype=np.float32).reshape(len(texts), DIM)

    def encode_text(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([bag(text, 8) for text in texts], dtype=np.float32).reshape(len(texts), 8)


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def bag(text: str, dim: int) -> NDArray[np.float32]:
    vector = np.full(dim, 1e-6)
    for word in words(text):
        vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % dim] += 1
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit
