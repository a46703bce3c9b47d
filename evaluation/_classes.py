"""Classes of samples: one each, or several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core import InputError, Sample
from embeddings import class_words

from ._corpus import Corpus


def single_classes(samples: Sequence[Sample], protocol: str) -> NDArray[np.str_]:
    """Return the class of each sample in words, (n,).

    Raises:
        InputError: A sample has none or several, or there are fewer than two classes.
    """
    for sample in samples:
        if len(sample.labels) != 1:
            got = f"has {len(sample.labels)} classes"
            raise InputError(f"{protocol} needs samples of one class each; {sample.sample_id} {got}" + _instead(sample))
    names = np.array([class_words(sample.labels[0]) for sample in samples])
    if len(np.unique(names)) < 2:
        raise InputError(f"{protocol} needs at least 2 classes, got {len(np.unique(names))}")
    return names


def label_sets(samples: Sequence[Sample], protocol: str) -> tuple[frozenset[str], ...]:
    """Return the classes of each sample in words.

    Raises:
        InputError: No sample has any.
    """
    sets = tuple(frozenset(class_words(label) for label in sample.labels) for sample in samples)
    if not any(sets):
        raise InputError(f"{protocol} needs samples with labels, and none has any")
    return sets


def label_matrix(sets: Sequence[frozenset[str]], names: Sequence[str]) -> NDArray[np.int32]:
    """Return (n, classes): 1 where a sample has the class."""
    number = {name: index for index, name in enumerate(names)}
    matrix = np.zeros((len(sets), len(names)), dtype=np.int32)
    for row, labels in enumerate(sets):
        matrix[row, [number[label] for label in labels if label in number]] = 1
    return matrix


def classes_of(sets: Sequence[frozenset[str]]) -> tuple[str, ...]:
    """Return every class, sorted."""
    return tuple(sorted({label for labels in sets for label in labels}))


def require_k(k: int, corpus: Corpus) -> None:
    """Check that a ranking is deeper than what is looked at.

    Raises:
        InputError: There are no more than k pictures.
    """
    if k >= len(corpus.items):
        raise InputError(f"k must be under the {len(corpus.items)} pictures, got {k}")


def _instead(sample: Sample) -> str:
    return "; multi-label-map and closp-ndcg take several" if sample.labels else ""
