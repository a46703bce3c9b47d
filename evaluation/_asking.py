"""Ask every query of the vectors and of the colour baseline alike, under the same truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._baseline import WordColours
from ._corpus import Corpus, Item
from ._data import spaced
from ._figures import Series
from ._ranking import NO_CANDIDATE, Gains, GainsOf, Ranking, Vectors, rank_candidates
from ._report import Example

EXAMPLES = 4
"""Queries of one kind shown in the picture."""

Pair = tuple[Vectors, Vectors]
"""Queries (q, d) and gallery (n, d)."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Answers to a set of queries."""

    ranking: Ranking
    """Of the vectors."""
    colour: Ranking | None
    """Of the colours; None where colour cannot answer."""
    groups: tuple[str, ...]
    """(q,) what an interval draws together."""
    classes: tuple[str, ...] | None
    """(q,) class of each query."""

    def series(self, measure: Any, name: str, meaning: str) -> Series:
        """Return the values of one measure under a name."""
        return Series(
            name=name,
            meaning=meaning,
            values=self.ranking.values[measure],
            chance=self.ranking.chance[measure],
            groups=self.groups,
            baseline=None if self.colour is None else self.colour.values[measure],
            classes=self.classes,
        )

    def examples(self, queries: Sequence[Item | str], gallery: Sequence[Item], count: int = EXAMPLES) -> list[Example]:
        """Return queries evenly spaced over all, with their best answers."""
        return [
            Example(
                query=queries[row],
                hits=tuple(gallery[position] for position in self.ranking.best[row]),
                right=tuple(bool(right) for right in self.ranking.right[row]),
            )
            for row in spaced(range(len(queries)), count)
        ]


def ask(
    pair: Pair,
    gains_of: GainsOf,
    measures: Sequence[Any],
    *,
    groups: Sequence[str],
    classes: Sequence[str] | None = None,
    baseline: Pair | None = None,
) -> Asked:
    """Rank and measure.

    Args:
        pair: Queries and gallery of the encoder.
        gains_of: Truth.
        measures: Measures of ir-measures.
        groups: (q,) what an interval draws together.
        classes: (q,) class of each query.
        baseline: The same queries and gallery in colours.
    """
    return Asked(
        ranking=rank_candidates(*pair, gains_of, measures),
        colour=None if baseline is None else rank_candidates(*baseline, gains_of, measures),
        groups=tuple(groups),
        classes=None if classes is None else tuple(classes),
    )


def word_pair(words: WordColours | None, texts: Sequence[str], corpus: Corpus) -> Pair | None:
    """Return texts and pictures as colours, or None where no training split says what words look like."""
    return None if words is None else (words.encode_text(texts), words.gallery(corpus.colours))


def same(queries: NDArray[Any], gallery: NDArray[Any], *, own: bool = False) -> GainsOf:
    """Return the truth that a candidate is right when its label equals the query's.

    Args:
        queries: (q,) labels.
        gallery: (n,) labels.
        own: Whether query i is candidate i, which then is no candidate.
    """

    def gains_of(part: slice) -> Gains:
        gains = (queries[part, None] == gallery[None, :]).astype(np.int32)
        return without_own(gains, part) if own else gains

    return gains_of


def table(truth: NDArray[np.integer]) -> GainsOf:
    """Return gains that stand in a (q, n) table."""
    return lambda part: truth[part].astype(np.int32)


def without_own(gains: Gains, part: slice) -> Gains:
    """Bar each query's own picture, query i being candidate i."""
    rows = np.arange(len(gains))
    gains[rows, rows + part.start] = NO_CANDIDATE
    return gains
