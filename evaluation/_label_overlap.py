"""How far the labels of what is found overlap those of what was asked, within and across two sensors."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from core import InputError

from ._classes import classes_of, label_matrix, label_sets
from ._corpus import Corpus, of_role
from ._figures import Series, combined_figure
from ._job import Job
from ._ranking import NO_CANDIDATE, Gains, Values, Vectors, chunks, order_candidates
from ._report import Figure


def overlap_figures(job: Job, one: Corpus, other: Corpus, names: Sequence[str]) -> list[Series | Figure]:
    """Return precision, recall and F1 of label sets in the four directions; nothing where labels do not differ.

    Queries are the pictures of `query_split`, else of the same split, which then never find their own place.
    """
    sides = {name: _labelled(corpus) for name, corpus in zip(names, (one, other), strict=True)}
    differing = {item.sample.labels for corpus in sides.values() for item in corpus.items}
    if len(differing) < 2:
        return []
    queries = _query_sides(job, names) if job.options.query_split else sides
    figures: list[Series | Figure] = []
    for asking, found in product(names, names):
        figures += _direction(queries[asking], sides[found], f"{asking} to {found}", job.options.k)
    return figures


def overlap(
    queries: NDArray[np.int32], gallery: NDArray[np.int32], order: NDArray[np.int64], k: int
) -> tuple[Values, Values]:
    """Return precision |q and r| / |r| and recall |q and r| / |q| of each query, mean over its k best.

    Args:
        queries: (q, classes) 0 or 1, at least one class each.
        gallery: (n, classes) likewise.
        order: (q, n) candidates, best first.
        k: Candidates looked at.
    """
    best = order[:, :k]
    shared = np.take_along_axis(queries @ gallery.T, best, axis=1).astype(np.float64)
    return (shared / gallery.sum(axis=1)[best]).mean(axis=1), (shared / queries.sum(axis=1)[:, None]).mean(axis=1)


def harmonic(means: Sequence[float]) -> float:
    """Return F1 of a mean precision and a mean recall."""
    return 2 * means[0] * means[1] / (means[0] + means[1]) if means[0] + means[1] else 0.0


def _direction(queries: Corpus, gallery: Corpus, name: str, k: int) -> list[Series | Figure]:
    if k >= len(gallery.items):
        raise InputError(f"k must be under the {len(gallery.items)} labelled pictures, got {k}")
    sets = [label_sets([item.sample for item in corpus.items], "cross-sensor") for corpus in (queries, gallery)]
    names = classes_of([*sets[0], *sets[1]])
    labels = [label_matrix(side, names) for side in sets]
    candidates = _candidates(queries, gallery)
    found = [_overlaps(pair, labels, candidates, k) for pair in _pairs(queries, gallery)]
    chance = _chance(labels, candidates)
    what = {"precision": "of a hit's labels that the query has", "recall": "of the query's labels that a hit has"}
    parts = [
        Series(
            name=f"{name} label {kind}@{k}",
            meaning=f"share {meaning}, mean over the {k} best; the own place is left out",
            values=found[0][row],
            chance=chance[row],
            groups=queries.groups,
            baseline=found[1][row],
        )
        for row, (kind, meaning) in enumerate(what.items())
    ]
    return [*parts, combined_figure(f"{name} label F1@{k}", parts, harmonic, "harmonic mean of the two means")]


def _pairs(queries: Corpus, gallery: Corpus) -> list[tuple[Vectors, Vectors]]:
    return [(queries.vectors, gallery.vectors), (queries.colours, gallery.colours)]


def _overlaps(
    pair: tuple[Vectors, Vectors], labels: Sequence[NDArray[np.int32]], candidates: Gains, k: int
) -> tuple[Values, Values]:
    parts = [
        overlap(labels[0][part], labels[1], order_candidates(pair[0][part] @ pair[1].T, candidates[part]), k)
        for part in chunks(len(pair[0]))
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _chance(labels: Sequence[NDArray[np.int32]], candidates: Gains) -> tuple[Values, Values]:
    """Return the mean over all candidates, which is what a random one gives."""
    shared = (labels[0] @ labels[1].T).astype(np.float64) * (candidates != NO_CANDIDATE)
    count = (candidates != NO_CANDIDATE).sum(axis=1)
    precision = (shared / labels[1].sum(axis=1)[None, :]).sum(axis=1) / count
    return precision, (shared / labels[0].sum(axis=1)[:, None]).sum(axis=1) / count


def _candidates(queries: Corpus, gallery: Corpus) -> Gains:
    """Return (q, n): -1 where a candidate is a picture of the query's own place."""
    mine, theirs = np.array(queries.samples), np.array(gallery.samples)
    return np.where(mine[:, None] == theirs[None, :], NO_CANDIDATE, 0).astype(np.int32)


def _labelled(corpus: Corpus) -> Corpus:
    return corpus.take([row for row, item in enumerate(corpus.items) if item.sample.labels])


def _query_sides(job: Job, names: Sequence[str]) -> dict[str, Corpus]:
    samples = job.samples_of(str(job.options.query_split))
    corpus = _labelled(job.read(job.roles_of, samples=samples))
    return {name: of_role(corpus, name) for name in names}
