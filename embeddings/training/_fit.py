"""The second stage: with the picture network frozen, the text projection learns to rank for short queries.

The first stage sees captions and class names. Users also type other single words. Every term that enough captions use
becomes a query whose right answers are the pictures with that term in their captions; captions and class names stay in
the loss so that they lose nothing. Only the 384x384 projection moves, so pictures keep their vectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .._words import caption_terms
from ._augment import Augment
from ._config import TrainingConfig
from ._data import CaptionedPictures
from ._losses import caption_loss, identical_captions, label_loss
from ._metrics import precision_at_mask
from ._model import TwoTowers
from ._text import SentenceTable, embed

CHUNK = 128
LOG_SCALE = 3.0
"""Logarithm of the inverse temperature, that is 20: fixed, as the first stage's end at 15 to 25."""
RELEVANT = 0.4
"""Share of a picture's captions that must use a term for the picture to count as right when measuring."""
FEWEST = 10
"""Fewest right pictures of a term that is measured."""


@dataclass(frozen=True, kw_only=True)
class TermTable:
    """Terms as queries."""

    terms: tuple[str, ...]
    """The terms, sorted."""
    vectors: Tensor
    """Sentence embeddings, (terms, 384)."""
    shares: Tensor
    """Share of each picture's captions that use each term, (terms, pictures)."""


def term_table(pictures: CaptionedPictures, terms: Sequence[str], max_tokens: int) -> TermTable:
    """Return the table of `terms` over a split."""
    row = {term: index for index, term in enumerate(terms)}
    shares = torch.zeros(len(terms), len(pictures))
    for column, captions in enumerate(pictures.captions):
        for caption in captions:
            for term in caption_terms(caption) & row.keys():
                shares[row[term], column] += 1.0 / len(captions)
    return TermTable(terms=tuple(terms), vectors=embed(terms, max_tokens), shares=shares)


def frequent_terms(pictures: CaptionedPictures, fewest: int) -> list[str]:
    """Return the terms that the captions of at least `fewest` pictures use, sorted."""
    count = Counter(term for captions in pictures.captions for term in frozenset().union(*map(caption_terms, captions)))
    return sorted(term for term, number in count.items() if number >= fewest)


class TextFit:
    """Fits the projection of trained towers."""

    def __init__(
        self, config: TrainingConfig, towers: TwoTowers, train: CaptionedPictures, table: SentenceTable
    ) -> None:
        """Set up; encodes every training picture a few times."""
        self.config = config
        self.towers = towers.eval().requires_grad_(False)
        self.table = table
        self.terms = term_table(train, frequent_terms(train, config.words.pictures), config.text.max_tokens)
        self.labels = torch.from_numpy(train.labels)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.features = self._encode(torch.from_numpy(train.pictures))

    def run(self) -> None:
        """Take the configured steps; the projection of the towers is changed in place."""
        words = self.config.words
        self.towers.text.requires_grad_(True)
        optimiser = torch.optim.Adam(self.towers.text.parameters(), lr=words.learning_rate)
        for step in range(words.steps if self.terms.terms else 0):
            optimiser.param_groups[0]["lr"] = words.learning_rate * (1 - step / words.steps)
            loss = self._loss()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        self.towers.text.requires_grad_(False)

    def _loss(self) -> Tensor:
        scale = torch.tensor(LOG_SCALE)
        views, n = self.features.shape[:2]
        chosen = torch.randperm(n, generator=self.generator)[: self.config.words.batch]
        features = self.features[self._pick(views, len(chosen)), chosen]
        rows = self.table.captions[chosen, self._pick(self.table.captions.shape[1], len(chosen))]
        captions = self._project(self.table.vectors[rows])
        template = int(self._pick(len(self.table.names), 1))
        names = self._project(self.table.vectors[self.table.names[template]])
        by_caption = caption_loss(features, captions, identical_captions(rows), scale)
        by_name = label_loss(features, names, self.labels[chosen], scale, self.config.loss.label_smoothing)
        by_term = term_loss(self._project(self.terms.vectors), features, self.terms.shares[:, chosen], scale)
        return by_caption + by_name + self.config.words.weight * by_term

    def _project(self, sentences: Tensor) -> Tensor:
        return functional.normalize(self.towers.text(sentences), dim=1)

    def _pick(self, choices: int, count: int) -> Tensor:
        return torch.randint(choices, (count,), generator=self.generator)

    def _encode(self, pictures: Tensor) -> Tensor:
        """Return unit vectors of random views, (views, n, 384)."""
        augment = Augment(self.config.augment, self.config.image.size)
        mean, std = (torch.tensor(part).view(1, 3, 1, 1) for part in (self.config.image.mean, self.config.image.std))
        out = []
        with torch.inference_mode():
            for _ in range(self.config.words.views):
                parts = [augment(part, self.generator) for part in torch.split(pictures, CHUNK)]
                out.append(torch.cat([self.towers.encode_pictures((part - mean) / std) for part in parts]))
        return torch.stack(out).clone()


def term_loss(terms: Tensor, pictures: Tensor, shares: Tensor, scale: Tensor) -> Tensor:
    """Return how far each term's ranking of the pictures is from the pictures whose captions use it.

    Args:
        terms: Unit vectors, (t, d).
        pictures: Unit vectors, (n, d).
        shares: Share of captions that use each term, (t, n); terms no picture uses are left out.
        scale: Logarithm of the inverse temperature.
    """
    used = shares.sum(dim=1) > 0
    target = shares[used] / shares[used].sum(dim=1, keepdim=True)
    log_share = (scale.exp() * terms[used] @ pictures.T).log_softmax(dim=1)
    return -(target * log_share).sum(dim=1).mean()


def term_precision(towers: TwoTowers, pictures: Tensor, val: CaptionedPictures, max_tokens: int) -> dict[str, float]:
    """Return precision@10 of the validation captions' own terms, and what chance reaches.

    Class names are left out, as they are measured by themselves.

    Args:
        towers: Trained towers.
        pictures: Unit vectors of the validation pictures, (n, d).
        val: Validation pictures.
        max_tokens: Tokens after which a text is cut.
    """
    terms = [term for term in frequent_terms(val, FEWEST) if term not in val.names]
    if not terms:
        return {}
    table = term_table(val, terms, max_tokens)
    right = table.shares >= RELEVANT
    kept = right.sum(dim=1) >= FEWEST
    if not bool(kept.any()):
        return {}
    with torch.inference_mode():
        scores = towers.encode_sentences(table.vectors[kept]) @ pictures.T
    return {"term_p10": precision_at_mask(scores, right[kept]), "term_chance": float(right[kept].float().mean())}
