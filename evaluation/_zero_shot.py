"""Protocol `zero-shot`: every picture classified by the nearest class name, bare and in published prompts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core import EncodesText, UnknownNameError

from ._asking import Asked, ask, same, word_pair
from ._classes import single_classes
from ._figures import Series
from ._job import Findings, Job
from ._ranking import P, Success

PROTOCOL = "zero-shot"
TOP = 5

PROMPTS: dict[str, tuple[str, ...]] = {
    "bare name": ("{}",),
    # https://github.com/wangzhecheng/SkyScript prompt_templates.py, the same for AID, EuroSAT, NWPU, Million-AID, ...
    "skyscript prompts": ("a satellite photo of {}.", "a satellite image of {}"),
    # https://github.com/openai/CLIP/blob/main/data/prompts.md, section EuroSAT
    "clip-eurosat prompts": (
        "a centered satellite photo of {}.",
        "a centered satellite photo of a {}.",
        "a centered satellite photo of the {}.",
    ),
    # https://github.com/openai/CLIP/blob/main/data/prompts.md, section RESISC45
    "clip-resisc45 prompts": tuple(
        f"{kind} of {article}{{}}."
        for article in ("", "a ", "the ")
        for kind in (
            "satellite imagery",
            "aerial imagery",
            "satellite photo",
            "aerial photo",
            "satellite view",
            "aerial view",
        )
    ),
}


def zero_shot(job: Job) -> Findings:
    """Measure top-1 accuracy with each set of prompts.

    Raises:
        InputError: The encoder takes no text, or samples are not of one class each.
        UnknownNameError: The variant is no set of prompts.
    """
    encoder = job.require_text(PROTOCOL)
    single_classes(job.samples, PROTOCOL)
    chosen = _chosen(job.options.variant)
    corpus = job.read()
    labels = single_classes([item.sample for item in corpus.items], PROTOCOL)
    names = np.unique(labels)
    pair = word_pair(job.word_colours(), names.tolist(), corpus)
    results: list[Series] = []
    for prompt, templates in chosen.items():
        asked = ask(
            (corpus.vectors, prompted(encoder, names.tolist(), templates)),
            same(labels, names),
            [P @ 1, Success @ min(TOP, len(names))],
            groups=corpus.groups,
            classes=labels.tolist(),
            baseline=None if pair is None else (pair[1], pair[0]),
        )
        results += _accuracies(asked, prompt, templates, len(names))
    bare = encoder.encode_text(names.tolist())
    by_name = ask((bare, corpus.vectors), same(names, labels), [P @ 1], groups=names.tolist())
    return Findings(
        corpus=corpus,
        results=tuple(results),
        examples=tuple(by_name.examples(names.tolist(), corpus.items, 8)),
        variant=job.options.variant,
        notes=("Class names are lower-cased words of the label; the picture shows the best pictures of bare names.",),
    )


def prompted(encoder: EncodesText, names: list[str], templates: tuple[str, ...]) -> NDArray[np.float32]:
    """Return (classes, d) unit vectors: the mean over templates of a name's unit vectors."""
    mean = np.mean([encoder.encode_text([template.format(name) for name in names]) for template in templates], axis=0)
    unit: NDArray[np.float32] = (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _chosen(variant: str | None) -> dict[str, tuple[str, ...]]:
    if variant is None:
        return PROMPTS
    if variant not in PROMPTS:
        raise UnknownNameError(f"variant of {PROTOCOL}", variant, tuple(PROMPTS))
    return {variant: PROMPTS[variant]}


def _accuracies(asked: Asked, prompt: str, templates: tuple[str, ...], classes: int) -> list[Series]:
    how = f"nearest of {classes} class names, written as {' / '.join(templates[:3])}"
    how += f" and {len(templates) - 3} more, their vectors averaged" if len(templates) > 3 else ""
    top = min(TOP, classes)
    return [
        asked.series(P @ 1, f"zero-shot accuracy, {prompt}", f"each picture classified by the {how}"),
        asked.series(Success @ top, f"zero-shot top-{top}, {prompt}", "the same, right when among the nearest names"),
    ]
