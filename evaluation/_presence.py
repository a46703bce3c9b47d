"""Protocol `presence`: does the name of an object put the pictures that have it before those that have it not?

The truth are yes/no questions of a visual question answering set, e.g. RSVQA: an object is a query, pictures answered
yes are right, no wrong, and pictures nobody was asked about are no candidates for it.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import InputError, Sample

from ._asking import Asked, ask, table, word_pair
from ._baseline import WordColours
from ._corpus import Corpus, Item
from ._figures import Series
from ._interval import Values, Weights, draw_weights, percentiles, units
from ._job import Findings, Job
from ._questions import KIND, Answers, balanced, read_answers
from ._ranking import AP, NO_CANDIDATE, Gains, Vectors, order_candidates
from ._report import Example

PROTOCOL = "presence"
LEAST = 2
"""Pictures that must have an object, and that must lack it, for it to be asked."""
SOURCES: Mapping[str, Mapping[str, str]] = {"rsvqa": {"lr": "RSVQA-LR", "hr": "RSVQA-HR"}}
"""Dataset to the first part of a sample id, up to a hyphen, to the source: different sensors are ranked apart."""
EXAMPLES = 4
"""Objects of a source shown in the picture."""
NAMED = 3
"""Questions that are shown where their wording is not understood."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Pictures of one sensor and the objects they are asked about."""

    name: str
    """Empty where the dataset has one source only."""
    samples: tuple[Sample, ...]
    """n pictures."""
    answers: Answers
    """About the q objects that are asked; q may be 0."""
    present: int
    """Objects that questions name."""


def presence(job: Job) -> Findings:
    """Measure objects as queries, source by source.

    Raises:
        InputError: The encoder takes no text, or no object is answered yes and no often enough.
    """
    encoder = job.require_text(PROTOCOL)
    sources = find_sources(job.samples, job.dataset_name)
    asked = [source for source in sources if source.answers.objects]
    if not asked:
        raise InputError(_nothing(sources))
    corpus = job.read(samples=[sample for source in asked for sample in source.samples])
    words = job.word_colours()
    measured = [measure(encoder.encode_text(source.answers.objects), corpus, source, words=words) for source in asked]
    return Findings(
        corpus=corpus,
        results=tuple(series for series, _ in measured),
        examples=tuple(example for _, examples in measured for example in examples),
        notes=tuple(_note(source) for source in sources),
    )


def find_sources(samples: Sequence[Sample], dataset: str) -> list[Source]:
    """Return the pictures with questions about presence, and the objects that can be asked, of each source."""
    names = SOURCES.get(dataset, {})
    held: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        if any(question.kind == KIND for question in sample.questions):
            held[names.get(sample.sample_id.partition("-")[0], "")].append(sample)
    sources = []
    for name, own in held.items():
        answers = read_answers(own)
        kept = answers.take(balanced(answers, LEAST))
        sources.append(Source(name=name, samples=tuple(own), answers=kept, present=len(answers.objects)))
    return sources


def measure(
    text: Vectors, corpus: Corpus, source: Source, *, words: WordColours | None
) -> tuple[Series, list[Example]]:
    """Return the average precisions of one source's objects, and examples.

    Args:
        text: (q, d) vectors of the objects.
        corpus: Whole pictures or tiles of all sources.
        source: Which of them, and the truth.
        words: Colours of words.
    """
    objects, truth = source.answers.objects, source.answers.truth
    scores = best_of_tiles(text @ corpus.vectors.T, corpus, source)
    pair = word_pair(words, objects, corpus)
    each = np.eye(len(source.samples), dtype=np.float32)
    colour = None if pair is None else (best_of_tiles(pair[0] @ pair[1].T, corpus, source), each)
    asked = ask((scores, each), table(truth), [AP], groups=objects, classes=objects, baseline=colour)
    series = asked.series(
        AP,
        f"presence mAP{', ' if source.name else ''}{source.name}",
        f"each object of a yes/no question in words, e.g. '{objects[0]}'; right are pictures answered "
        "yes, wrong those answered no, no candidates those not asked; average precision, mean over objects with at "
        f"least {LEAST} of both; chance is the expected average precision over all orders of an object's candidates; "
        "the interval draws objects and groups of pictures",
    )
    groups = [sample.group for sample in source.samples]
    interval = percentiles(drawn_means(scores, truth, groups).tolist())
    return dataclasses.replace(series, interval=interval), _examples(asked, corpus, source)


def best_of_tiles(scores: Vectors, corpus: Corpus, source: Source) -> Vectors:
    """Return the scores of a source's pictures (q, n), each the best of its tiles' (q, tiles)."""
    of = np.array(corpus.samples)
    best: Vectors = np.stack([scores[:, of == sample.sample_id].max(axis=1) for sample in source.samples], axis=1)
    return best


def drawn_means(scores: Vectors, truth: Gains, groups: Sequence[str]) -> Values:
    """Return the mean average precision of every draw of groups of pictures and, independently, of objects.

    In a draw an object counts where it has pictures with and without it; NaN stands for a draw without such an object.

    Args:
        scores: (q, n).
        truth: (q, n) gains.
        groups: (n,) what is drawn together.
    """
    named = units(groups)
    number = {name: index for index, name in enumerate(sorted(set(named)))}
    pictures = np.array(list(draw_weights(len(number), seed=0)))[:, [number[name] for name in named]]
    objects = np.array(list(draw_weights(len(scores), seed=1)))
    order = order_candidates(scores, truth)
    candidates = [row[: int((gains != NO_CANDIDATE).sum())] for row, gains in zip(order, truth, strict=True)]
    drawn = np.stack(
        [drawn_precisions(gains[row], pictures[:, row]) for row, gains in zip(candidates, truth, strict=True)], axis=1
    )
    counted = np.where(np.isnan(drawn), 0, objects)
    total = counted.sum(axis=1)
    means: Values = np.where(total > 0, (counted * np.nan_to_num(drawn)).sum(axis=1) / np.maximum(total, 1), np.nan)
    return means


def drawn_precisions(right: NDArray[np.int32], weights: Weights) -> Values:
    """Return the average precision of each draw of one ranking; NaN where all its candidates are right or all wrong.

    Args:
        right: (n,) 0 or 1, best first.
        weights: (draws, n) how often each candidate was drawn; the copies stand next to each other.
    """
    hits = weights * right
    found, seen = np.cumsum(hits, axis=1) - hits, np.cumsum(weights, axis=1) - weights
    total = np.zeros(len(weights))
    for copy in range(1, int(hits.max(initial=0)) + 1):
        total += np.where(hits >= copy, (found + copy) / (seen + copy), 0).sum(axis=1)
    count = hits.sum(axis=1)
    usable = (count > 0) & (count < weights.sum(axis=1))
    precisions: Values = np.where(usable, total / np.maximum(count, 1), np.nan)
    return precisions


def _examples(asked: Asked, corpus: Corpus, source: Source) -> list[Example]:
    """Return objects with their best pictures, whole, without those nobody was asked about."""
    roles = dict(zip(corpus.samples, (item.role for item in corpus.items), strict=True))
    whole = [Item(sample=sample, role=roles[sample.sample_id]) for sample in source.samples]
    objects = source.answers.objects
    counts = dict(zip(objects, (source.answers.truth != NO_CANDIDATE).sum(axis=1), strict=True))
    shown = asked.examples(objects, whole, EXAMPLES)
    return [
        dataclasses.replace(one, hits=one.hits[: counts[str(one.query)]], right=one.right[: counts[str(one.query)]])
        for one in shown
    ]


def _note(source: Source) -> str:
    answers, name = source.answers, f"{source.name}: " if source.name else ""
    groups = len({sample.group for sample in source.samples})
    counts = ", ".join(
        f"{one} {(row == 1).sum()}/{(row == 0).sum()}" for one, row in zip(answers.objects, answers.truth, strict=True)
    )
    parts = [
        f"{name}{len(source.samples)} pictures of {groups} groups, {answers.questions} questions about presence, "
        f"{len(answers.objects)} of {source.present} objects with at least {LEAST} yes and {LEAST} no"
        + (f" (yes/no): {counts}." if counts else "; none is asked.")
    ]
    parts.append(f"{answers.contradictory} pairs of picture and object were left out as contradictory.")
    if answers.unread:
        shown = "; ".join(answers.unread[:NAMED])
        parts.append(f"{len(answers.unread)} questions were left out as not understood, e.g. {shown}.")
    return " ".join(parts)


def _nothing(sources: Sequence[Source]) -> str:
    """Say why no object can be asked."""
    if not sources:
        return f"{PROTOCOL} needs samples with yes/no questions of kind '{KIND}', and none has any"
    found = "; ".join(
        f"{source.name or 'it'} has {len(source.samples)} pictures, {source.present} objects"
        + (f", {len(source.answers.unread)} questions not understood" if source.answers.unread else "")
        for source in sources
    )
    return (
        f"{PROTOCOL} needs an object that at least {LEAST} pictures have and {LEAST} lack, and no object is: {found}; "
        "--split all takes the pictures of every split"
    )
