"""Protocols `class-map` and `multi-label-map`: pictures find pictures of their classes, over the full ranking."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core import EncodesText

from ._asking import Asked, ask, same, table, word_pair
from ._classes import classes_of, label_matrix, label_sets, require_k, single_classes
from ._corpus import Corpus
from ._figures import Series
from ._job import Findings, Job
from ._ranking import AP, NO_CANDIDATE, Gains, P

SINGLE, MULTI = "class-map", "multi-label-map"


def class_map(job: Job) -> Findings:
    """Measure mean average precision and precision@k of pictures as queries, one class each.

    Raises:
        InputError: Samples are not of one class each, or there are no more than k.
    """
    single_classes(job.samples, SINGLE)
    corpus = job.read()
    require_k(job.options.k, corpus)
    labels = single_classes([item.sample for item in corpus.items], SINGLE)
    classes, counts = np.unique(labels, return_counts=True)
    lonely = classes[counts < 2]
    rows = np.flatnonzero(~np.isin(labels, lonely))

    def gains_of(part: slice) -> Gains:
        return _bar(same(labels[rows], labels)(part), rows[part])

    asked = ask(
        (corpus.vectors[rows], corpus.vectors),
        gains_of,
        [AP, P @ job.options.k],
        groups=[corpus.groups[row] for row in rows],
        classes=labels[rows].tolist(),
        baseline=(corpus.colours[rows], corpus.colours),
    )
    note = f"Classes of a single picture ask nothing: {', '.join(lonely)}." if len(lonely) else ""
    return Findings(
        corpus=corpus,
        results=tuple(_picture_series(asked, job.options.k, "its class")),
        examples=tuple(asked.examples([corpus.items[row] for row in rows], corpus.items, 8)),
        notes=(note,) if note else (),
    )


def multi_label_map(job: Job) -> Findings:
    """Measure pictures, and labels where the encoder takes text, as queries of samples with several labels.

    Raises:
        InputError: Samples have no labels, or there are no more than k.
    """
    label_sets(job.samples, MULTI)
    corpus = job.read()
    require_k(job.options.k, corpus)
    sets = label_sets([item.sample for item in corpus.items], MULTI)
    names = classes_of(sets)
    matrix = label_matrix(sets, names)
    shared = matrix @ matrix.T
    np.fill_diagonal(shared, 0)
    rows = np.flatnonzero(shared.any(axis=1))

    def gains_of(part: slice) -> Gains:
        return _bar((matrix[rows[part]] @ matrix.T > 0).astype(np.int32), rows[part])

    asked = ask(
        (corpus.vectors[rows], corpus.vectors),
        gains_of,
        [AP, P @ job.options.k],
        groups=[corpus.groups[row] for row in rows],
        baseline=(corpus.colours[rows], corpus.colours),
    )
    results = _picture_series(asked, job.options.k, "at least one of its labels")
    if isinstance(job.encoder, EncodesText):
        results += _label_series(job, job.encoder, corpus, names, matrix)
    shown = asked.examples([corpus.items[row] for row in rows], corpus.items, 8)
    return Findings(corpus=corpus, results=tuple(results), examples=tuple(shown))


def _picture_series(asked: Asked, k: int, what: str) -> list[Series]:
    return [
        asked.series(
            AP,
            "image mAP",
            f"each picture as a query, itself left out; average precision over the full ranking, right are pictures of "
            f"{what}",
        ),
        asked.series(P @ k, f"image precision@{k}", f"the same; share of right ones among the {k} best"),
    ]


def _label_series(
    job: Job, encoder: EncodesText, corpus: Corpus, names: tuple[str, ...], matrix: Gains
) -> list[Series]:
    k = job.options.k
    asked = ask(
        (encoder.encode_text(names), corpus.vectors),
        table(matrix.T),
        [AP, P @ k],
        groups=names,
        classes=names,
        baseline=word_pair(job.word_colours(), names, corpus),
    )
    meaning = "each bare label as a query; average precision over the full ranking, right are pictures that have it"
    return [
        asked.series(AP, "label mAP", meaning),
        asked.series(P @ k, f"label precision@{k}", f"the same; share of right ones among the {k} best"),
    ]


def _bar(gains: Gains, own: NDArray[np.int64]) -> Gains:
    gains[np.arange(len(gains)), own] = NO_CANDIDATE
    return gains
