"""Protocol `closp-ndcg`: label sentences as queries, nDCG@1000 by sensor and over both.

The paper's exact gain is not public. Reported are the graded gain (labels that query and picture share) and the binary
one (the picture has every label of the query); discount log2(rank + 1), ideal over the whole corpus.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, InputError, Sample

from ._asking import Asked, ask, table, word_pair
from ._baseline import WordColours
from ._classes import classes_of, label_matrix, label_sets
from ._corpus import Corpus, of_role, roles_like
from ._figures import Series
from ._job import Findings, Job
from ._ranking import nDCG

PROTOCOL = "closp-ndcg"
DEPTH = 1000
MIXED = "mixed"


@dataclass(frozen=True, kw_only=True)
class Queries:
    """Sets of labels that are asked for."""

    name: str
    """`label sets` or `single labels`."""
    sets: tuple[frozenset[str], ...]
    """Distinct sets."""

    @property
    def texts(self) -> list[str]:
        """As CLOSP was trained: names joined by ". ", lower-cased."""
        return [". ".join(sorted(labels)) for labels in self.sets]


def closp_ndcg(job: Job) -> Findings:
    """Measure label sentences against each sensor's pictures, and against all.

    Raises:
        InputError: The encoder takes no text, samples have no labels, or have none of the views.
    """
    encoder = job.require_text(PROTOCOL)
    sets = label_sets(job.samples, PROTOCOL)
    kinds = (
        Queries(name="label sets", sets=tuple(sorted({labels for labels in sets if labels}, key=sorted))),
        Queries(name="single labels", sets=tuple(frozenset({name}) for name in classes_of(sets))),
    )
    corpus = job.read(lambda sample: _roles(sample, job.options.roles))
    galleries = {name: of_role(corpus, name) for name in job.options.roles} | {MIXED: corpus}
    words = job.word_colours()
    results = [
        series
        for kind in kinds
        for name, gallery in galleries.items()
        if gallery.items
        for series in _measure(encoder, kind, name, gallery, words)
    ]
    asked, texts = _ask(encoder, kinds[1], corpus, words, graded=False)
    return Findings(
        corpus=corpus,
        results=tuple(results),
        examples=tuple(asked.examples(texts, corpus.items, 8)),
        notes=(
            "The exact gain of the CLOSP paper is not public: both gains are given. A query is asked where the corpus "
            "holds at least one picture that is right for it.",
        ),
    )


def _measure(
    encoder: EncodesText, kind: Queries, name: str, gallery: Corpus, words: WordColours | None
) -> list[Series]:
    gains = {"graded": "the number of labels shared with the query", "binary": "1 where all of its labels are there"}
    results = []
    for gain, how in gains.items():
        if gain == "graded" and all(len(labels) == 1 for labels in kind.sets):
            continue  # of single labels both gains are the same
        asked, _ = _ask(encoder, kind, gallery, words, graded=gain == "graded")
        meaning = (
            f"{kind.name} of the corpus as queries (names joined by '. ', lower-cased); gain is {how}, over "
            "log2(rank + 1), the ideal over the whole corpus"
        )
        results.append(asked.series(nDCG @ DEPTH, f"{name} nDCG@{DEPTH}, {gain}, {kind.name}", meaning))
    return results


def _ask(
    encoder: EncodesText, kind: Queries, gallery: Corpus, words: WordColours | None, *, graded: bool
) -> tuple[Asked, list[str]]:
    """Ask what has a right answer."""
    gains = label_gains(kind.sets, label_sets([item.sample for item in gallery.items], PROTOCOL), graded=graded)
    rows = np.flatnonzero(gains.any(axis=1))
    if not len(rows):
        raise InputError(f"{PROTOCOL} found no picture for any of the {kind.name}")
    texts = [kind.texts[row] for row in rows]
    asked = ask(
        (encoder.encode_text(texts), gallery.vectors),
        table(gains[rows]),
        [nDCG @ DEPTH],
        groups=texts,
        baseline=word_pair(words, texts, gallery),
    )
    return asked, texts


def label_gains(
    queries: Sequence[frozenset[str]], pictures: Sequence[frozenset[str]], *, graded: bool
) -> NDArray[np.int32]:
    """Return (q, n): the number of labels shared, or 1 where all of the query's are there."""
    names = classes_of([*queries, *pictures])
    asked, there = label_matrix(queries, names), label_matrix(pictures, names)
    shared: NDArray[np.int32] = asked @ there.T
    return shared if graded else (shared == asked.sum(axis=1)[:, None]).astype(np.int32)


def _roles(sample: Sample, wanted: Sequence[str]) -> list[str]:
    """Return the views of both sensors, or all of a sample that has neither, which then count as mixed only."""
    return [role for name in wanted for role in roles_like(sample, name)] or [view.role for view in sample.views]
