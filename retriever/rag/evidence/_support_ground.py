"""What is usual in an archive: how its tiles score on everyday words, so that one phrase's scores can be judged.

A cosine says little by itself: what counts as high differs between encoders, archives and phrases. So a phrase is
compared with others on the tiles it found (does it explain them better than what else overhead pictures show?), and
its best tile here with the best one anywhere in the archive.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import VectorSpace
from indexer import vector_matrix
from retriever._facet_search import filters_only
from retriever.rag._archive import Archive, OfVersion
from retriever.rag.evidence._scoring import worded
from retriever.rag.evidence._support_terms import terms

SAMPLE = 5_000
"""Most tiles that stand for the archive, evenly taken: their vectors fill 8 MB."""

EXPLAINED = 3
"""Best tiles that a phrase must explain: with more, things that few tiles show do not pass. Chosen with the fit."""

FEWEST = 1
"""Least number of such tiles, however few pass the filters."""

SYNONYM = 0.7
"""Cosine from which two texts mean the same and do not compete; chosen with the fit, docs/design/answers-abstain.md."""

COMPANION = 0.5
"""Correlation over an archive's tiles from which two texts are about the same ground ("harbour" and "ships", "village"
and "houses"): that one of them fits better says nothing against the other. Chosen with the fit."""

SOFTNESS = 0.4
"""Scores this many standard deviations apart are told apart; likewise."""

NARROW = 0.5
"""Least quartile range, in log share, that words are told apart by; those measured are 3 and 4. An encoder to which all
words are alike has none."""

Floats = NDArray[np.floating[Any]]


class Ground:
    """An archive's tiles on everyday words.

    Args:
        words: (terms, dim) unit vectors.
        tiles: (n, dim) unit vectors of the sample.
        sensors: (n,) their sensors.
        total: Tiles in the archive; None where these are all.
    """

    def __init__(self, words: Floats, tiles: Floats, sensors: Sequence[str], *, total: int | None = None) -> None:
        self.words = words.astype(np.float32)
        self.total = len(tiles) if total is None else total
        self._tiles = tiles.astype(np.float32)
        self._sensors = np.asarray(sensors, dtype=np.object_)
        self._scores = self._tiles @ self.words.T

    def __len__(self) -> int:
        """Return the number of tiles in the sample."""
        return len(self._tiles)

    @cached_property
    def spread(self) -> float:
        """Standard deviation of the scores of one word over tiles, all words together."""
        return float((self._scores - self._scores.mean(axis=0)).std())

    def explains(self, phrase: Floats, tiles: Floats) -> float:
        """Return how well a phrase explains (k, dim) tiles beside all else they may show; 0 is best."""
        return _explained(phrase, tiles, self._others(phrase), self.spread)

    def _others(self, phrase: Floats) -> Floats:
        """Return the words that neither mean the phrase nor go with it."""
        together = self._standing.T @ _standard(self._tiles @ phrase) / len(self._tiles)
        return self.words[(self.words @ phrase < SYNONYM) & (together < COMPANION)]

    @cached_property
    def _standing(self) -> Floats:
        """(n, terms) how far each tile's score stands from the mean of its word, in standard deviations."""
        return _standard(self._scores)

    def rivals(self, phrase: Floats, tile: Floats, count: int = 2) -> tuple[str, ...]:
        """Return the words that explain a tile best, other than the phrase's own."""
        others = np.where(self.words @ phrase < SYNONYM, self.words @ tile, -np.inf)
        names = terms()
        return tuple(names[place] for place in np.argsort(-others)[:count])

    @cached_property
    def usual(self) -> tuple[float, float]:
        """Median and spread (quartile to quartile) of how well each word explains its own best tiles."""
        each = [
            self.explains(word, self._tiles[np.argsort(-scores)[:EXPLAINED]])
            for word, scores in zip(self.words, self._scores.T, strict=True)
        ]
        low, middle, high = np.quantile(each, [0.25, 0.5, 0.75])
        return float(middle), float(max(high - low, NARROW))

    def heights(self, phrase: Floats, tiles: Floats, sensors: Sequence[str]) -> Floats:
        """Return (k,) how many standard deviations tiles lie above what is usual for the phrase in their sensor."""
        scores, own, names = self._tiles @ phrase, tiles @ phrase, np.asarray(sensors, dtype=np.object_)
        heights = np.zeros(len(tiles))
        for name in set(sensors):
            known = scores[self._sensors == name]
            known = known if len(known) > 1 else scores
            heights[names == name] = (own[names == name] - known.mean()) / max(float(known.std()), 1e-6)
        return heights

    def highest(self, phrase: Floats, sensors: Sequence[str]) -> float:
        """Return the height of the best tile of these sensors in the sample; -inf where it has none of them."""
        own = np.isin(self._sensors, sorted(set(sensors)))
        return float(self.heights(phrase, self._tiles[own], self._sensors[own].tolist()).max(initial=-np.inf))


def _standard(scores: Floats) -> Floats:
    """Return (n, ...) scores by their distance from the mean, in standard deviations."""
    standing: Floats = (scores - scores.mean(axis=0)) / np.maximum(scores.std(axis=0), 1e-6)
    return standing


def _explained(phrase: Floats, tiles: Floats, others: Floats, spread: float) -> float:
    """Return the mean log share of a phrase among itself and words that mean something else."""
    ahead = (tiles @ others.T - (tiles @ phrase)[:, None]) / max(SOFTNESS * spread, 1e-6)
    return float(-np.log1p(np.exp(ahead).sum(axis=1)).mean())


_WORDS: dict[VectorSpace, Floats] = {}
"""By vector space: at most one for each encoder of a process."""


def ground_of(archive: Archive) -> Ground:
    """Return what is usual in an archive; the words are encoded once, and the tiles read once a version.

    Raises:
        QueryError: The encoder understands no words.
        StoreError: The index cannot be read.
    """
    return _grounds(archive)


def _read(archive: Archive) -> Ground:
    row_ids = np.concatenate([batch["_rowid"].to_numpy() for batch in archive.rows.scan(("sensor",))])
    chosen = row_ids[np.linspace(0, len(row_ids) - 1, min(len(row_ids), SAMPLE)).round().astype(np.int64)]
    table = archive.rows.take(chosen, ("vector", "sensor"))
    return Ground(_words(archive), vector_matrix(table["vector"]), table["sensor"].to_pylist(), total=len(row_ids))


_grounds = OfVersion(_read)


def _words(archive: Archive) -> Floats:
    space = archive.rows.space
    if space not in _WORDS:
        nothing = filters_only()
        asked = [archive.searcher.asked(worded(nothing, term, k=1), archive.rows).vector for term in terms()]
        _WORDS[space] = np.array(asked, dtype=np.float32)
    return _WORDS[space]
