"""The walk from an index and what is known about tiles to a calibration kept with the index."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Literal, get_args

from core import EncodesText, EncodesTiles, InputError, StoreError
from embeddings.datasets import open_dataset
from indexer import Place
from retriever._calibration_fit import (
    FitReport,
    LabelledTiles,
    background_calibration,
    fit_calibration,
    sensor_centres,
)
from retriever._calibration_io import keep_calibration
from retriever._calibration_truth import Progress, tiles_of_dataset, tiles_of_file, tiles_of_index, vectors_by_sensor
from retriever._reliability import reliability_picture
from retriever._vector_index import Rows

FitMethod = Literal["auto", "platt", "centred"]


@dataclass(frozen=True, kw_only=True)
class CalibrationPlan:
    """What to calibrate on, and how."""

    truth: str | PathLike[str] = "labels"
    """``labels``, ``background``, or a JSON-lines file."""
    data: str | None = None
    """``NAME:PATH`` of a dataset, in place of ``truth``."""
    split: str | None = None
    """Split of the dataset."""
    method: str = "auto"
    """``auto``, ``platt`` or ``centred``."""


def calibrate_index(
    path: Place,
    rows: Rows,
    encoder: Callable[[], EncodesTiles],
    plan: CalibrationPlan,
    progress: Progress | None = None,
) -> FitReport:
    """Fit a calibration and keep it with the index.

    Args:
        path: Index directory.
        rows: Its newest version.
        encoder: Opens the index's encoder.
        plan: What to fit on.
        progress: Called while a dataset is encoded.

    Raises:
        InputError: There is nothing to fit on, or the plan contradicts itself.
        StoreError: The index cannot be written.
    """
    method = _method(plan.method)
    centres = sensor_centres(vectors_by_sensor(rows))
    if not centres:
        raise InputError(f"the index {path} holds no tiles; there is nothing to calibrate")
    if plan.data is None and plan.truth == "background":
        source = f"{len(centres)} sensors of the index, without labels"
        found = background_calibration(centres, space=rows.space, source=source)
        report = FitReport(calibration=found, reliability=(), threshold=None)
    else:
        tiles, where = _labelled(rows, encoder(), plan, progress)
        known = {**sensor_centres([(tiles.sensors, tiles.vectors)]), **centres}
        source = f"{len(tiles.sensors):,} tiles and {len(tiles.queries)} labels of {where}"
        report = fit_calibration(tiles, space=rows.space, centres=known, method=method, source=source)
    keep_calibration(path, report.calibration)
    return report


def write_fit_report(report: FitReport, folder: Path) -> None:
    """Write calibration.json and, where there are labels, reliability.png into a folder, made if missing.

    Raises:
        StoreError: They cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(report), indent=1, default=str)
        (folder / "calibration.json").write_text(text + "\n", encoding="utf-8")
        if report.reliability:
            reliability_picture(report.reliability).save(folder / "reliability.png")
    except OSError as error:
        raise StoreError(f"cannot write to {folder}: {error.strerror or error}") from error


def _labelled(
    rows: Rows, encoder: EncodesTiles, plan: CalibrationPlan, progress: Progress | None
) -> tuple[LabelledTiles, str]:
    if not isinstance(encoder, EncodesText):
        raise InputError(f"{encoder.space} does not understand words, so there is nothing to calibrate")
    if plan.data is not None:
        name, separator, root = plan.data.partition(":")
        if plan.truth != "labels" or not separator or not root:
            raise InputError(f"data must be NAME:PATH and takes the place of --from, got {plan.data!r}")
        dataset = open_dataset(name, Path(root))
        return tiles_of_dataset(dataset, encoder, split=plan.split, progress=progress), f"dataset {dataset.name}"
    if plan.split is not None:
        raise InputError("split is about a dataset; give --data NAME:PATH as well")
    if plan.truth == "labels":
        return tiles_of_index(rows, encoder), "the index"
    return tiles_of_file(rows, Path(plan.truth), encoder), Path(plan.truth).name


def _method(name: str) -> FitMethod:
    for known in get_args(FitMethod):
        if name == known:
            return known  # type: ignore[no-any-return]  # get_args loses the literal type
    raise InputError(f"unknown method {name!r}; known: {', '.join(get_args(FitMethod))}")
