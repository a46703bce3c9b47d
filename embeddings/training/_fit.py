"""The second stage: with the towers frozen, the text projection learns to rank for short queries.

The first stage sees captions and class names. Users also type other single words. Every term that enough captions of a
pool use becomes a query whose right answers are the items with that term in their captions; captions and class names
stay in the loss so that they lose nothing. Only the text map moves, so tiles keep their vectors; with
`words.hidden` it gains a hidden layer.

What fits captions better forgets what they never say: with five AID classes left out of everything, their precision@10
by name fell from 0.38 to 0.16 in this stage. `words.anchor` holds the words that no caption uses near where the first
stage put them (0.30, and better figures for the classes that were seen).
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from .._words import caption_terms
from ._augment import Augment
from ._config import TrainingConfig
from ._losses import caption_loss, identical_captions, label_loss
from ._network import Network
from ._pools import Pool
from ._text import PoolRows, SentenceTable, unused_words
from ._text_map import TextMap

CHUNK = 128
ANCHORS_A_STEP = 512
LOG_SCALE = 3.0
"""Logarithm of the inverse temperature, that is 20: fixed, as the first stage's end at 15 to 25."""


@dataclass(frozen=True, kw_only=True)
class TermTable:
    """Terms as queries."""

    terms: tuple[str, ...]
    """The terms, sorted."""
    vectors: Tensor
    """Sentence embeddings, (terms, 384)."""
    shares: Tensor
    """Share of each item's captions that use each term, (terms, items)."""


@dataclass(frozen=True, kw_only=True)
class FittedPool:
    """What the fit needs of one pool and one sensor."""

    pool: Pool
    """Its items."""
    rows: PoolRows
    """Its sentences."""
    terms: TermTable
    """Its words."""
    features: Tensor
    """Unit vectors of random views, (views, n, 384)."""


def term_table(pool: Pool, terms: Sequence[str], encode: Callable[[Sequence[str]], Tensor]) -> TermTable:
    """Return the table of `terms` over a pool, with `encode` for sentences to vectors."""
    row = {term: index for index, term in enumerate(terms)}
    shares = torch.zeros(len(terms), len(pool))
    for column, captions in enumerate(pool.captions):
        for caption in captions:
            for term in caption_terms(caption) & row.keys():
                shares[row[term], column] += 1.0 / len(captions)
    return TermTable(terms=tuple(terms), vectors=encode(terms), shares=shares)


def frequent_terms(pool: Pool, fewest: int) -> list[str]:
    """Return the terms that the captions of at least `fewest` items use, sorted."""
    used = (frozenset().union(*map(caption_terms, captions)) for captions in pool.captions)
    count = Counter(term for terms in used for term in terms)
    return sorted(term for term, number in count.items() if number >= fewest)


class TextFit:
    """Fits the projection of trained towers."""

    def __init__(
        self,
        config: TrainingConfig,
        towers: Network,
        pools: Sequence[Pool],
        table: SentenceTable,
        encode: Callable[[Sequence[str]], Tensor],
    ) -> None:
        """Set up, with `encode` for sentences to vectors; encodes every training item a few times."""
        self.encode = encode
        self.config = config
        self.towers = towers.eval().requires_grad_(False)
        self.vectors = table.vectors
        self.generator = torch.Generator().manual_seed(config.seed)
        rows = table.rows[: len(pools)]
        self.anchors = self._anchors(pools)
        self.fitted = [part for pool, listed in zip(pools, rows, strict=True) for part in self._prepare(pool, listed)]

    def run(self) -> None:
        """Take the configured steps; the projection of the towers is changed in place."""
        words = self.config.words
        text, before = self.towers.text, copy.deepcopy(self.towers.text)
        if words.hidden:
            text.widen(words.hidden, words.dropout)
        text.requires_grad_(True).train()
        optimiser = torch.optim.Adam(text.parameters(), lr=words.learning_rate)
        for step in range(words.steps):
            optimiser.param_groups[0]["lr"] = words.learning_rate * (1 - step / words.steps)
            loss = torch.stack([self._loss(part) for part in self.fitted]).sum() + self._anchor_term(before)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        text.requires_grad_(False).eval()

    def _loss(self, part: FittedPool) -> Tensor:
        config = part.pool.config
        views, n = part.features.shape[:2]
        chosen = torch.randperm(n, generator=self.generator)[: self.config.words.batch]
        features = part.features[self._pick(views, len(chosen)), chosen]
        loss = self.towers.text.weight.sum() * 0.0
        if config.caption and part.rows.captions.shape[1]:
            loss = loss + self._caption_term(features, part.rows.captions[chosen])
        if config.label:
            loss = loss + config.label * self._label_term(features, part, chosen)
        if part.terms.terms:
            shares = part.terms.shares[:, chosen]
            loss = loss + self.config.words.weight * term_loss(self._project(part.terms.vectors), features, shares)
        return loss

    def _anchor_term(self, before: TextMap) -> Tensor:
        """Return how far words that no caption uses have moved, as one minus the cosine."""
        if not len(self.anchors):
            return self.towers.text.weight.sum() * 0.0
        chosen = self.anchors[self._pick(len(self.anchors), ANCHORS_A_STEP)]
        kept = functional.normalize(before(chosen), dim=1)
        return self.config.words.anchor * (1 - (self._project(chosen) * kept).sum(dim=1)).mean()

    def _anchors(self, pools: Sequence[Pool]) -> Tensor:
        """Return sentence vectors of words that no caption uses, (n, 384); none where nothing asks for them."""
        words = self.config.words
        unused = unused_words(pools) if words.anchor else []
        chosen = torch.randperm(len(unused), generator=self.generator)[: words.anchors].tolist()
        return self.encode([unused[index] for index in chosen]) if chosen else torch.zeros(0, self.towers.dim)

    def _caption_term(self, features: Tensor, listed: Tensor) -> Tensor:
        rows = listed.gather(1, self._pick(listed.shape[1], len(listed))[:, None])[:, 0]
        known = rows >= 0
        captions = self._project(self.vectors[rows[known]])
        same = identical_captions(rows[known])
        return caption_loss(features[known], captions, same, torch.tensor(LOG_SCALE))

    def _label_term(self, features: Tensor, part: FittedPool, chosen: Tensor) -> Tensor:
        template = int(self._pick(len(part.rows.names), 1))
        names = self._project(self.vectors[part.rows.names[template]])
        smoothing = self.config.loss.label_smoothing
        priors = part.pool.priors if part.pool.config.balanced else None
        return label_loss(features, names, part.pool.shares[chosen], torch.tensor(LOG_SCALE), smoothing, priors=priors)

    def _project(self, sentences: Tensor) -> Tensor:
        return functional.normalize(self.towers.text(sentences), dim=1)

    def _pick(self, choices: int, count: int) -> Tensor:
        return torch.randint(choices, (count,), generator=self.generator)

    def _prepare(self, pool: Pool, rows: PoolRows) -> list[FittedPool]:
        if not pool.config.caption and not pool.config.label:
            return []
        frequent = frequent_terms(pool, self.config.words.pictures) if pool.config.caption else []
        terms = term_table(pool, frequent, self.encode)
        return [FittedPool(pool=pool, rows=rows, terms=terms, features=part) for part in self._encode(pool)]

    def _encode(self, pool: Pool) -> list[Tensor]:
        """Return unit vectors of random views, (views, n, 384), for each sensor of the pool."""
        augment = Augment(self.config.augment, self.config.size)
        views: list[list[Tensor]] = []
        with torch.inference_mode():
            for _ in range(self.config.words.views):
                parts = [self._encode_chunk(pool, start, augment) for start in range(0, len(pool), CHUNK)]
                views.append([torch.cat(sensor) for sensor in zip(*parts, strict=True)])
        return [torch.stack(sensor).clone() for sensor in zip(*views, strict=True)]

    def _encode_chunk(self, pool: Pool, start: int, augment: Augment) -> list[Tensor]:
        part = slice(start, start + CHUNK)
        light, echo = (None if stored is None else stored[part] for stored in (pool.optical, pool.radar))
        optical, radar = augment(light, echo, pool.config.scale, self.generator)
        out = [] if optical is None else [self.towers.encode_optical(optical)]
        return out if radar is None else [*out, self.towers.encode_radar(radar)]


def term_loss(terms: Tensor, items: Tensor, shares: Tensor) -> Tensor:
    """Return how far each term's ranking of the items is from the items whose captions use it.

    Args:
        terms: Unit vectors, (t, d).
        items: Unit vectors, (n, d).
        shares: Share of captions that use each term, (t, n); terms no item uses are left out.
    """
    used = shares.sum(dim=1) > 0
    target = shares[used] / shares[used].sum(dim=1, keepdim=True)
    log_share = (torch.tensor(LOG_SCALE).exp() * terms[used] @ items.T).log_softmax(dim=1)
    return -(target * log_share).sum(dim=1).mean()
