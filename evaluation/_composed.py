"""Protocol `composed`: a picture and a changed attribute find pictures of the same class that have the attribute.

As PatternCom (https://github.com/billpsomas/rscir): average precision over the full ranking, beside the picture alone
and the words alone. Labels that read `attribute=value` are attributes, the first other label is the class.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import InputError, Sample
from embeddings import class_words

from ._asking import Asked, ask, table, word_pair
from ._data import spaced
from ._figures import Series
from ._job import Findings, Job
from ._ranking import AP, NO_CANDIDATE, Gains, Vectors

PROTOCOL = "composed"
SIGN = "="
SHOWN = 8
"""Examples in the picture."""
WEIGHT = 0.5
"""Share of the words in the sum of the two standardised similarities."""


@dataclass(frozen=True, kw_only=True)
class Described:
    """A sample's class and attributes."""

    kind: str
    """Class in words."""
    attributes: dict[str, str]
    """Attribute to value."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """A picture, and the value an attribute is to have instead."""

    row: int
    """Position of the picture."""
    attribute: str
    """Name of the attribute."""
    value: str
    """Wanted value."""


def composed(job: Job) -> Findings:
    """Measure picture and words together, the picture alone, and the words alone.

    Raises:
        InputError: The encoder takes no text, or no class has two values of an attribute.
    """
    encoder = job.require_text(PROTOCOL)
    find_queries([describe(sample) for sample in job.samples])
    corpus = job.read()
    described = [describe(item.sample) for item in corpus.items]
    queries = find_queries(described)
    gains = query_gains(queries, described)
    values = [query.value for query in queries]
    texts = sorted(set(values))
    rows, words = [query.row for query in queries], [texts.index(value) for value in values]
    by_picture = corpus.vectors @ corpus.vectors.T
    by_words = encoder.encode_text(texts) @ corpus.vectors.T
    both = combine(by_picture[rows], by_words[words], gains)
    pair = word_pair(job.word_colours(), values, corpus)
    groups = [corpus.groups[row] for row in rows]
    colour = corpus.colours[rows] @ corpus.colours.T
    if pair is not None:
        colour = combine(colour, pair[0] @ pair[1].T, gains)
    asked = {
        "picture and words": _ask(both, gains, groups, colour),
        "picture alone": _ask(by_picture[rows], gains, groups, corpus.colours[rows] @ corpus.colours.T),
        "words alone": _ask(by_words[words], gains, groups, None if pair is None else pair[0] @ pair[1].T),
    }
    return Findings(
        corpus=corpus,
        results=tuple(_series(name, answers) for name, answers in asked.items()),
        examples=tuple(
            dataclasses.replace(example, words=f"but {value}")
            for example, value in zip(
                asked["picture and words"].examples([corpus.items[row] for row in rows], corpus.items, SHOWN),
                spaced(values, SHOWN),
                strict=True,
            )
        ),
        notes=(
            f"Picture and words: each query's similarities are brought to mean 0 and deviation 1 over the gallery and "
            f"summed, the words at {WEIGHT:.0%}.",
        ),
    )


def describe(sample: Sample) -> Described:
    """Split labels into class and attributes.

    Raises:
        InputError: There is no class.
    """
    classes = [label for label in sample.labels if SIGN not in label]
    if not classes:
        raise InputError(
            f"{PROTOCOL} needs labels such as 'tennis court', 'color=red'; {sample.sample_id} has "
            f"{', '.join(sample.labels) or 'none'}"
        )
    pairs = [label.split(SIGN, 1) for label in sample.labels if SIGN in label]
    return Described(kind=class_words(classes[0]), attributes={name.strip(): value.strip() for name, value in pairs})


def find_queries(described: Sequence[Described]) -> list[Query]:
    """Return every picture with every other value its attributes take within its class.

    Raises:
        InputError: There is none.
    """
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in described:
        for name, value in one.attributes.items():
            values[one.kind, name].add(value)
    queries = [
        Query(row=row, attribute=name, value=wanted)
        for row, one in enumerate(described)
        for name, value in one.attributes.items()
        for wanted in sorted(values[one.kind, name] - {value})
    ]
    if not queries:
        raise InputError(f"{PROTOCOL} needs classes with two values of an attribute, written 'color=red', 'color=blue'")
    return queries


def query_gains(queries: Sequence[Query], described: Sequence[Described]) -> Gains:
    """Return (q, n): 1 for the same class and the wanted value; the query's own picture is no candidate."""
    gains = np.zeros((len(queries), len(described)), dtype=np.int32)
    for number, query in enumerate(queries):
        kind = described[query.row].kind
        right = [one.kind == kind and one.attributes.get(query.attribute) == query.value for one in described]
        gains[number, right] = 1
        gains[number, query.row] = NO_CANDIDATE
    return gains


def combine(pictures: Vectors, words: Vectors, gains: Gains) -> Vectors:
    """Return the weighted sum of similarities (q, n), each standardised over its query's candidates."""
    total: Vectors = ((1 - WEIGHT) * _standard(pictures, gains) + WEIGHT * _standard(words, gains)).astype(np.float32)
    return total


def _standard(scores: Vectors, gains: Gains) -> NDArray[np.float64]:
    kept = np.where(gains == NO_CANDIDATE, np.nan, scores.astype(np.float64))
    spread = np.nanstd(kept, axis=1, keepdims=True)
    standard: NDArray[np.float64] = (scores - np.nanmean(kept, axis=1, keepdims=True)) / np.maximum(spread, 1e-12)
    return standard


def _ask(scores: Vectors, gains: Gains, groups: Sequence[str], colour: Vectors | None) -> Asked:
    """Measure similarities that are there already: against the unit vectors of the candidates."""
    each = np.eye(scores.shape[1], dtype=np.float32)
    return ask((scores, each), table(gains), [AP], groups=groups, baseline=None if colour is None else (colour, each))


def _series(name: str, asked: Asked) -> Series:
    meaning = (
        "each picture with each other value of an attribute that its class takes; right are pictures of the same class "
        f"with that value; average precision over the full ranking by {name}"
    )
    return asked.series(AP, f"mAP, {name}", meaning)
