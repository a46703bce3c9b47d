"""Whether an answer is the one the flat index gives, or as near to it as was promised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from retriever import Matches


class Found(Protocol):
    """An answer: a ``Matches`` or a ``Ranking``."""

    @property
    def tile_ids(self) -> tuple[str, ...]: ...
    @property
    def row_ids(self) -> NDArray[np.uint64]: ...
    @property
    def scores(self) -> NDArray[np.float32]: ...
    @property
    def matched(self) -> int: ...


def check_exact(found: Found, expected: Matches, k: int, asked: object) -> None:
    """The same rows in the same order with the same scores, to the last bit.

    Args:
        found: The answer.
        expected: Every row that passes, as the flat index ranks them.
        k: How many were asked for.
        asked: What was asked, for the message.
    """
    check_sound(found, expected, k, asked)
    assert found.tile_ids == expected.tile_ids[:k], asked
    assert found.scores.tobytes() == expected.scores[:k].tobytes(), asked


def check_sound(found: Found, expected: Matches, k: int, asked: object) -> None:
    """As many rows as there can be, all of them passing, none twice, with their own scores, in order, all counted."""
    assert found.matched == expected.matched, asked
    assert len(found.tile_ids) == len(found.row_ids) == len(found.scores) == min(k, expected.matched), asked
    assert len(set(found.tile_ids)) == len(found.tile_ids), asked
    pairs = zip(expected.row_ids.tolist(), expected.scores.tolist(), strict=True)
    known = dict(zip(expected.tile_ids, pairs, strict=True))
    assert all(name in known for name in found.tile_ids), asked
    answers = list(zip(found.row_ids.tolist(), found.scores.tolist(), strict=True))
    assert answers == [known[name] for name in found.tile_ids], asked
    order = [(-score, name) for (_, score), name in zip(answers, found.tile_ids, strict=True)]
    assert order == sorted(order), asked


def recall(found: Found, expected: Matches, k: int) -> float:
    """Return the share of the k best that was found; a row as good as the last of them counts as one of them."""
    best = expected.scores[: min(k, expected.matched)]
    return 1.0 if not len(best) else float((found.scores >= best[-1]).sum()) / len(best)


def mean_recall(shares: Sequence[float]) -> float:
    """Return the mean of shares that must be there."""
    assert shares, "no approximate answer was measured"
    return float(np.mean(shares))
