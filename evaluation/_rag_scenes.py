"""Large pictures and the parts of them that the words of a question find: what `rag-choice` retrieves from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core import InputError, Question, Sample, Tile, square_of, squares_of
from embeddings import EncodesBoth

from ._chance import chance_of_hit
from ._corpus import Corpus, Item
from ._data import spaced
from ._job import Job
from ._rag_controls import Asked, blank, partners, require_partners
from ._rag_pictures import Shown, encode_tiles, shown

TILE_PX = 448
"""Least side of a part where the options say nothing: two of the encoder's own tiles."""

Box = tuple[float, float, float, float]
"""Left, upper, right, lower in fractions of the picture."""
Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """A part of a picture that was retrieved."""

    shown: Shown
    """As a model sees it."""
    grey: Shown
    """The same in grey."""
    view: int
    """Number of the view it was cut from."""
    box: Box
    """Where in that view."""
    score: float
    """Cosine to the words."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What the words of one question find in its own pictures."""

    parts: tuple[Part, ...]
    """The k best, best first."""
    hit: bool | None
    """Whether one of them shows the region of the answer; None where nobody says where that is."""
    hit_by_others: bool | None
    """Whether one of the k would that the words of the partner question find there."""
    right: int
    """How many of all parts show it."""
    all: int
    """How many parts there are."""

    def hit_by_chance(self, drawn: int) -> float:
        """Return how often one of so many parts drawn at random shows the region."""
        return chance_of_hit(self.right, self.all, min(drawn, self.all)) if drawn else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Query:
    """A question with choices about the views of a sample."""

    sample: Sample
    """Which."""
    question: Question
    """With its choices and the letters that are right."""
    partner: int
    """Number of the question that lends its evidence to the shuffled control."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _View:
    """One view, read once."""

    whole: Shown
    grey: Shown
    found: dict[int, list[Part]]
    """Number of a question to the best parts of this view."""
    hits: dict[int, NDArray[np.float64]]
    """Number of a question to (3, parts): the scores by its words and by the partner's, and 1 where a part shows the
    region of the answer."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Cut:
    """A view while its pixels are there."""

    tile: Tile
    """With its pixels."""
    side: int
    """Of its parts, in pixels."""
    view: int
    """Its number in the sample."""
    vectors: Vectors
    """(parts, dim) row by row."""

    def at(self, place: int) -> tuple[int, int]:
        """Return row and column of a part."""
        return divmod(place, int(self.tile.mask.shape[1]) // self.side)

    def box(self, place: int) -> Box:
        """Return where a part lies."""
        (row, col), (height, width), side = self.at(place), self.tile.mask.shape, self.side
        return col * side / width, row * side / height, (col + 1) * side / width, (row + 1) * side / height


class Scenes:
    """The pictures of every question, read once, with the parts that its words find.

    Args:
        job: What is measured.
        encoder: Of pictures and words.
        side: Longer side of a sent picture in pixels.
    """

    def __init__(self, job: Job, encoder: EncodesBoth, side: int) -> None:
        self._job, self._encoder, self._side = job, encoder, side
        self.queries = list(_queries(job))
        texts = encoder.encode_text([query.question.text for query in self.queries])
        self._words: Vectors = np.asarray(texts, dtype=np.float32)
        self._asked: defaultdict[str, list[int]] = defaultdict(list)
        for number, query in enumerate(self.queries):
            self._asked[query.sample.sample_id].append(number)
        samples = [sample for sample in job.samples if sample.sample_id in self._asked]
        self.corpus: Corpus = job.read(self._roles, samples=samples, inspect=self._inspect, whole=True)
        self._views: defaultdict[str, list[_View]] = defaultdict(list)
        for item, seen in zip(self.corpus.items, self.corpus.facts, strict=True):
            self._views[item.sample.sample_id].append(cast("_View", seen))

    def wholes(self, number: int, *, grey: bool) -> list[Shown]:
        """Return the whole views of a question's sample."""
        return [view.grey if grey else view.whole for view in self._views[self.queries[number].sample.sample_id]]

    def found(self, number: int) -> Found:
        """Return what the words of a question find in its own pictures."""
        k, views = self._job.options.k, self._views[self.queries[number].sample.sample_id]
        parts = sorted((part for view in views for part in view.found[number]), key=lambda part: -part.score)[:k]
        if self.queries[number].question.region is None:
            return Found(parts=tuple(parts), hit=None, hit_by_others=None, right=0, all=0)
        *scored, right = np.concatenate([view.hits[number] for view in views], axis=1)
        own, others = (bool(right[np.argsort(-scores, kind="stable")[:k]].any()) for scores in scored)
        return Found(parts=tuple(parts), hit=own, hit_by_others=others, right=int(right.sum()), all=len(right))

    def _roles(self, sample: Sample) -> Sequence[str]:
        return [self._job.options.role] if self._job.options.role else [view.role for view in sample.views]

    def _inspect(self, item: Item, tile: Tile) -> object:
        side = _side(tile, self._job.options.tile_px or TILE_PX)
        vectors = np.concatenate([encode_tiles(self._encoder, [part]) for _, _, part in squares_of(tile, side)])
        view = next(place for place, one in enumerate(item.sample.views) if one.role == item.role)
        cut = _Cut(tile=tile, side=side, view=view, vectors=vectors)
        whole, numbers = shown(tile, self._side), self._asked[item.sample.sample_id]
        regions = {number: self.queries[number].question.region for number in numbers}
        return _View(
            whole=whole,
            grey=shown(blank(tile), self._side, of=whole.record),
            found={number: list(self._best(number, cut)) for number in numbers},
            hits={number: self._hits(number, region, cut) for number, region in regions.items() if region is not None},
        )

    def _best(self, number: int, cut: _Cut) -> Iterator[Part]:
        scores = cut.vectors @ self._words[number]
        for place in np.argsort(-scores, kind="stable")[: self._job.options.k].tolist():
            square = square_of(cut.tile, cut.side, *cut.at(place))
            own = shown(square, self._side)
            grey = shown(blank(square), self._side, of=own.record)
            yield Part(shown=own, grey=grey, view=cut.view, box=cut.box(place), score=float(scores[place]))

    def _hits(self, number: int, region: Box, cut: _Cut) -> NDArray[np.float64]:
        words = self._words[[number, self.queries[number].partner]]
        right = [cut.view == 0 and shows(cut.box(place), region) for place in range(len(cut.vectors))]
        return np.vstack([words @ cut.vectors.T, right]).astype(np.float64)


def _queries(job: Job) -> Iterator[Query]:
    asked = [
        (sample, question)
        for sample in job.samples
        for question in spaced([one for one in sample.questions if one.choices], job.options.questions)
    ]
    if not asked:
        raise InputError("rag-choice needs questions with choices, and no sample has any; see rag-vqa")
    lent = require_partners(
        partners([Asked(kind=len(question.choices), group=sample.group) for sample, question in asked])
    )
    for (sample, question), partner in zip(asked, lent, strict=True):
        yield Query(sample=sample, question=question, partner=partner)


def shows(box: Box, region: Box) -> bool:
    """Return whether a part shows a region: it covers half of the region, or lies by half within it."""
    width = min(box[2], region[2]) - max(box[0], region[0])
    height = min(box[3], region[3]) - max(box[1], region[1])
    shared = max(width, 0.0) * max(height, 0.0)
    return 2 * shared >= min(_area(box), _area(region))


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _side(tile: Tile, least: int) -> int:
    """Return the side that divides the shorter side into as many parts as are at least so large."""
    shorter = int(min(tile.mask.shape))
    return shorter // max(shorter // least, 1)
