"""How long a request is in tokens, estimated from above for any tokenizer, and what still fits."""

from __future__ import annotations

import math
import re

_PIECES = re.compile(r"[A-Za-z]+|[^\sA-Za-z]")

_LETTERS_PER_TOKEN = 3
"""English has 4 to 5 in the tokenizers of today; names have fewer."""

_PICTURE_TOKENS = 576
"""LLaVA-1.5 takes these for a picture of any size (24 x 24 patches): https://arxiv.org/abs/2310.03744."""
_PICTURE_PATCH = 28
"""Qwen2-VL takes a token for 28 x 28 pixels and two around them: https://arxiv.org/abs/2409.12191. Models that cut a
picture into tiles (LLaVA-NeXT, Idefics3) can take up to five times as much as is counted here."""


def text_tokens(text: str) -> int:
    """Return at least as many tokens as a tokenizer makes: one a digit or sign, one a byte beyond ASCII."""
    return sum(_piece(match[0]) for match in _PIECES.finditer(text))


def picture_tokens(width: int, height: int) -> int:
    """Return what a picture of that many pixels takes, the largest of what common models do."""
    patches = math.ceil(width / _PICTURE_PATCH) * math.ceil(height / _PICTURE_PATCH)
    return max(_PICTURE_TOKENS, patches + 2)


def _piece(piece: str) -> int:
    return math.ceil(len(piece) / _LETTERS_PER_TOKEN) if piece.isascii() else len(piece.encode())


class Budget:
    """Tokens that may still be spent.

    Args:
        tokens: All of them.
    """

    def __init__(self, tokens: int) -> None:
        self.total = tokens
        self.spent = 0

    def spend(self, tokens: int) -> None:
        """Spend tokens that have to be, fitting or not."""
        self.spent += tokens

    def take(self, tokens: int, *, up_to: float = 1.0) -> bool:
        """Spend tokens and return True where they leave at most the fraction ``up_to`` of all spent; else False."""
        fits = self.spent + tokens <= up_to * self.total
        self.spent += tokens if fits else 0
        return fits
