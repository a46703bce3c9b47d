"""Pictures with questions, read once: those asked about, and all that may lend what is known of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np
from numpy.typing import NDArray

from core import InputError, Sample, Tile

from ._corpus import Corpus, Item
from ._data import spaced
from ._job import Job
from ._presence import SOURCES
from ._rag_controls import blank
from ._rag_pictures import Shown, encode_tiles, shown


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A picture that may be asked about, or lend what is known of it."""

    sample: Sample
    """Where it comes from."""
    source: str
    """Sensor or part of the dataset; empty where there is only one."""
    shown: Shown
    """As a model sees it."""
    grey: Shown
    """The same in grey."""
    vector: NDArray[np.float32]
    """(dim,) unit vector."""
    grey_vector: NDArray[np.float32]
    """(dim,) of the grey picture."""


class Album:
    """The pictures of a dataset, read once: those asked about, and all that may lend what is known of them.

    Args:
        job: What is measured.
        side: Longer side of a picture in pixels.
    """

    def __init__(self, job: Job, side: int) -> None:
        asked = {sample.sample_id for sample in job.samples if _free(sample)}
        if not asked:
            raise InputError("rag-vqa needs questions without choices, and no sample has any; see rag-choice")
        lending = [sample for sample in job.every_sample() if _free(sample) and sample.sample_id not in asked]
        samples = [*(one for one in job.samples if _free(one)), *spaced(lending, job.options.memory)]
        corpus = job.read(samples=samples, inspect=partial(self._inspect, job, side), whole=True)
        self.asked = corpus.take(range(len(asked)))
        self.pictures = [_picture(job, corpus, row) for row in range(len(corpus.items))]
        if len({one.sample.group for one in self.pictures}) < 2:
            raise InputError("rag-vqa retrieves from other groups, and all pictures are of one; try --split all")
        self._vectors = np.stack([one.vector for one in self.pictures])

    @staticmethod
    def _inspect(job: Job, side: int, item: Item, tile: Tile) -> object:
        grey = blank(tile)
        own = shown(tile, side)
        return own, shown(grey, side, of=own.record), encode_tiles(job.encoder, [grey])[0]

    def nearest(self, vector: NDArray[np.float32], without: frozenset[str]) -> Iterator[tuple[int, float]]:
        """Yield the pictures of other groups with their cosine, most alike first."""
        scores = self._vectors @ vector
        for number in np.argsort(-scores, kind="stable").tolist():
            if self.pictures[number].sample.group not in without:
                yield number, float(scores[number])


def _picture(job: Job, corpus: Corpus, row: int) -> Picture:
    seen = cast("tuple[Shown, Shown, NDArray[np.float32]]", corpus.facts[row])  # what _inspect returned
    own, grey, vector = seen
    sample = corpus.items[row].sample
    names = SOURCES.get(job.dataset_name, {})
    return Picture(
        sample=sample,
        source=names.get(sample.sample_id.partition("-")[0], ""),
        shown=own,
        grey=grey,
        vector=corpus.vectors[row],
        grey_vector=vector,
    )


def _free(sample: Sample) -> bool:
    return any(not question.choices for question in sample.questions)
