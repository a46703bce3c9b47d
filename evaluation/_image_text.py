"""Protocol `image-text`: captions to pictures and back, recall at 1, 5 and 10, and their mean mR.

The variants differ in how captions are written and in what counts as right, so their figures do not compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core import InputError, UnknownNameError

from ._asking import Asked, ask, word_pair
from ._captions import caption_owners, owned_gains, owner_gains
from ._corpus import Corpus
from ._figures import Series, combined_figure
from ._job import Findings, Job
from ._ranking import Success

PROTOCOL = "image-text"
CUTOFFS = (1, 5, 10)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way the protocol is published."""

    write: Callable[[str], str]
    """What becomes of a caption."""
    joined: bool
    """Whether a caption of several pictures is one query, and all of them are right."""
    remark: str
    """What is asked and what is right."""


VARIANTS = {
    # Karpathy-style: every caption of the test split is a query of its own, right is the picture it was written for.
    "karpathy": Variant(
        write=str,
        joined=False,
        remark="every caption is a query and only the picture it was written for is right, also where others repeat it",
    ),
    # https://github.com/ChenDelong1999/RemoteCLIP remoteclip_retrieval.py: `text['raw'].capitalize()`
    "remoteclip": Variant(
        write=str.capitalize,
        joined=False,
        remark="as karpathy, captions capitalised",
    ),
    # https://github.com/wangzhecheng/SkyScript cross_modal_retrieval.ipynb: prefix, unique captions, sets of right ones
    "skyscript": Variant(
        write="a satellite image. {}".format,
        joined=True,
        remark="captions begin with 'a satellite image. '; each different caption is one query, and every picture that "
        "carries it is right",
    ),
    "duplicate-aware": Variant(
        write=str,
        joined=True,
        remark="each different caption is one query as it is written, and every picture that carries it is right",
    ),
}


def image_text(job: Job) -> Findings:
    """Measure captions against pictures.

    Raises:
        InputError: The encoder takes no text, or no sample has captions.
        UnknownNameError: There is no such variant.
    """
    encoder = job.require_text(PROTOCOL)
    name = job.options.variant or next(iter(VARIANTS))
    if name not in VARIANTS:
        raise UnknownNameError(f"variant of {PROTOCOL}", name, tuple(VARIANTS))
    variant = VARIANTS[name]
    if not any(sample.captions for sample in job.samples):
        raise InputError(f"{PROTOCOL} needs samples with captions, and none has any")
    corpus = job.read()
    captions, owners = _queries(corpus, variant)
    text = encoder.encode_text(captions)
    pair = word_pair(job.word_colours(), captions, corpus)
    asking = [row for row, item in enumerate(corpus.items) if item.sample.captions]
    measures = [Success @ k for k in CUTOFFS]
    forward = ask(
        (text, corpus.vectors),
        owner_gains(owners, len(corpus.items)),
        measures,
        groups=[corpus.groups[min(owned)] for owned in owners],
        baseline=pair,
    )
    back = ask(
        (corpus.vectors[asking], text),
        owned_gains(owners, asking),
        measures,
        groups=[corpus.groups[row] for row in asking],
        baseline=None if pair is None else (pair[1][asking], pair[0]),
    )
    results = _recalls(forward, "text-to-image", "a caption", variant.remark)
    results += _recalls(back, "image-to-text", "a picture", "right is any caption of its own; otherwise the same")
    mean = combined_figure("mR", results, _mean, f"mean of the six recalls, variant {name}: {variant.remark}")
    return Findings(
        corpus=corpus,
        results=(mean, *results),
        examples=tuple(forward.examples(captions, corpus.items, 8)),
        variant=name,
        notes=(f"{len(captions)} queries in words, {len(asking)} pictures with captions.",),
    )


def _queries(corpus: Corpus, variant: Variant) -> tuple[list[str], list[set[int]]]:
    written = [[variant.write(caption) for caption in item.sample.captions] for item in corpus.items]
    if variant.joined:
        return caption_owners(written)
    return (
        [caption for own in written for caption in own],
        [{row} for row, own in enumerate(written) for _ in own],
    )


def _recalls(asked: Asked, direction: str, query: str, remark: str) -> list[Series]:
    return [
        asked.series(
            Success @ k,
            f"{direction} recall@{k}",
            f"share of queries ({query} each) with a right one among the {k} best; {remark}",
        )
        for k in CUTOFFS
    ]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
