"""From the name of a protocol to its report."""

from __future__ import annotations

from pathlib import Path

from core import Dataset, EncodesTiles, Registry
from embeddings import open_encoder

from ._data import choose_samples, choose_split, is_synthetic, open_data
from ._figures import Series, mean_figure
from ._job import Findings, Job
from ._options import Options
from ._report import Figure, Report

BUILT_IN = {
    "class-retrieval": "evaluation._class_retrieval:class_retrieval",
    "image-text": "evaluation._image_text:image_text",
    "zero-shot": "evaluation._zero_shot:zero_shot",
    "cross-sensor": "evaluation._cross_sensor:cross_sensor",
    "closp-ndcg": "evaluation._closp:closp_ndcg",
    "class-map": "evaluation._map:class_map",
    "multi-label-map": "evaluation._map:multi_label_map",
    "composed": "evaluation._composed:composed",
    "spectral-families": "evaluation._spectral:spectral_families",
    "presence": "evaluation._presence:presence",
    "rag-vqa": "evaluation._rag_vqa:rag_vqa",
    "rag-choice": "evaluation._rag_choice:rag_choice",
    "rag-cite": "evaluation._rag_cite:rag_cite",
}
PROTOCOLS = Registry("protocol", BUILT_IN, group="swath.protocols")


def protocol_names() -> tuple[str, ...]:
    """Every protocol that `evaluate` takes."""
    return PROTOCOLS.names()


def evaluate(
    protocol: str, encoder: EncodesTiles | str, data: Dataset | Path | str, options: Options | None = None
) -> Report:
    """Measure an encoder on a dataset by a named protocol.

    Args:
        protocol: One of `protocol_names()`.
        encoder: An encoder, or its name.
        data: A dataset, `NAME:PATH`, or a folder with captions.jsonl or with one folder a class.
        options: Settings; None takes the defaults.

    Raises:
        UnknownNameError: There is no such protocol, encoder or dataset.
        InputError: The data do not fit the protocol, the folder its layout, or the encoder takes no text.
        SceneError: A picture cannot be read.
        SensorError: The encoder cannot take the bands.
    """
    options = options or Options()
    run = PROTOCOLS.resolve(protocol)
    dataset = data if isinstance(data, Dataset) else open_data(data)
    opened = open_encoder(encoder) if isinstance(encoder, str) else encoder
    split = choose_split(dataset, options.split)
    job = Job(opened, dataset, split, choose_samples(dataset, split, options), options)
    findings: Findings = run(job)
    return Report(
        protocol=protocol,
        variant=findings.variant,
        encoder=str(opened.space),
        dataset=dataset.name,
        split=split,
        source="synthetic" if is_synthetic(dataset) else "real",
        samples=len(job.samples),
        pictures=len(findings.corpus.items),
        groups=len(set(findings.corpus.groups)),
        classes=len({label for sample in job.samples for label in sample.labels}),
        figures=tuple(figure for result in findings.results for figure in _figures(result, job.held_out)),
        by_class=_by_class(findings),
        leakage=job.leakage(findings.corpus),
        settings=options.changed(),
        notes=findings.notes,
        examples=findings.examples,
        model=findings.model,
        latency=findings.latency,
        baseline=findings.baseline,
    )


def _by_class(findings: Findings) -> dict[str, dict[str, float]]:
    series = [result for result in findings.results if isinstance(result, Series) and result.classes]
    return {result.name: result.by_class() for result in series}


def _figures(result: Series | Figure, held_out: frozenset[str]) -> list[Figure]:
    """Return the figure of a result, and of its held-out classes where there are some."""
    if isinstance(result, Figure):
        return [result]
    apart = result.of_classes(held_out)
    return [mean_figure(result), *([mean_figure(apart)] if apart is not None else [])]
