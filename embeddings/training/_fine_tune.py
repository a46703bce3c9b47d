"""From a dataset of one's own to a training configuration that starts from a trained encoder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from core import ConfigError, InputError, Sample

from ..datasets import open_dataset
from ._config import TrainingConfig, load_config
from ._tables import PoolConfig

VALIDATION = ("val", "valid", "validation", "test")
"""Splits to measure on, best first, of a dataset that has a split `train`."""


def fine_tune_file() -> Path:
    """Return the configuration that a further training starts from."""
    return Path(__file__).parent / "configs" / "fine-tune.toml"


def fine_tune_config(start: str, dataset: str, root: Path, *, config: Path | None = None) -> TrainingConfig:
    """Return the configuration of a further training on one dataset.

    Args:
        start: `swath-mini`, `onnx:FOLDER` or FOLDER of an encoder that `swath train` wrote, or its
            `final.safetensors`.
        dataset: Name of the dataset adapter, for example `captions` or `pictures`.
        root: Its folder.
        config: TOML file whose first pool is pointed to the dataset; None means `fine_tune_file()`.

    Returns:
        The checked configuration; splits and views are those of the dataset.

    Raises:
        ConfigError: The dataset has views that this cannot pair.
        InputError: The folder holds no such dataset, or nothing to learn from.
        UnknownNameError: There is no such adapter.
    """
    base = load_config(config or fine_tune_file())
    split, held = _parts(open_dataset(dataset, root).splits)
    place = str(root.resolve())
    own = dataclasses.replace(base.pools[0], dataset=dataset, root=place, split=split, val_split=held)
    first = next(iter(open_dataset(dataset, root).samples(own.split)), None)
    if first is None:
        raise InputError(f"{dataset} under {root} has no sample to learn from")
    pool = _with_views(own, first)
    return dataclasses.replace(base, start=start.removeprefix("onnx:"), pools=(pool, *base.pools[1:]))


def _parts(splits: tuple[str, ...]) -> tuple[str | None, str | None]:
    if "train" not in splits:
        return None, None
    return "train", next((name for name in VALIDATION if name in splits), None)


def _with_views(pool: PoolConfig, sample: Sample) -> PoolConfig:
    """Take every view of the dataset, in pairs where it has optical and SAR views."""
    radar = tuple(view.role for view in sample.views if view.read().sensor.kind == "sar")
    optical = tuple(view.role for view in sample.views if view.role not in radar)
    if radar and optical and len(radar) != len(optical):
        raise ConfigError(
            f"{pool.dataset} has the optical views {', '.join(optical)} and the SAR views {', '.join(radar)}, which do "
            "not pair; name those to learn from as optical and radar of a pool in a configuration file"
        )
    return dataclasses.replace(pool, optical=optical, radar=radar, pair=1.0 if radar and optical else 0.0)
