"""The training configuration: frozen dataclasses that name every key a TOML file may hold.

An unknown key, a missing file or a value out of range ends in one `ConfigError` that says what was read and what is
known; nothing is ignored.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import ConfigError

from ._tables import (
    AugmentConfig,
    CardConfig,
    ExportConfig,
    LocationConfig,
    LossConfig,
    OptimiserConfig,
    PoolConfig,
    TextConfig,
    WordsConfig,
)
from ._toml import read_toml


def default_config() -> Path:
    """Return the configuration that made swath-mini."""
    return Path(__file__).parent / "configs" / "swath-mini.toml"


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides what a training run computes."""

    name: str
    """Name of the encoder that results."""
    pools: tuple[PoolConfig, ...]
    """Sources of samples."""
    seed: int = 0
    """Seed of the weights, the order of items and every augmentation."""
    threads: int = 2
    """Processor threads to use; results of different numbers differ in the last digits."""
    encoder: str = "swath-mini"
    """What is trained: `swath-mini`, or an open_clip model as `open_clip:MODEL@WEIGHTS`."""
    start: str = "imagenet"
    """Where the towers start: `imagenet` (published weights), `fresh`, the shipped `swath-mini`, the folder of an
    encoder that `swath train` wrote, or a run's `final.safetensors`."""
    size: int = 128
    """Side in pixels that the exported towers see."""
    text: TextConfig = field(default_factory=TextConfig)
    """Text tower."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Loss terms."""
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Augmentations."""
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    """Optimiser and schedule."""
    words: WordsConfig = field(default_factory=WordsConfig)
    """Second stage."""
    location: LocationConfig = field(default_factory=LocationConfig)
    """Places."""
    export: ExportConfig = field(default_factory=ExportConfig)
    """Storage."""
    card: CardConfig = field(default_factory=CardConfig)
    """Terms and provenance."""

    def __post_init__(self) -> None:
        """Check what no type can say."""
        _at_least("threads", self.threads, 1)
        _at_least("pools", len(self.pools), 1)
        _at_least("size", self.size, 16)
        _at_least("optimiser.size", self.optimiser.size, 16)
        _at_least("optimiser.steps", self.optimiser.steps, 1)
        _at_least("optimiser.evaluate_every", self.optimiser.evaluate_every, 1)
        _at_least("optimiser.save_every", self.optimiser.save_every, 1)
        _at_least("optimiser.chunk", self.optimiser.chunk, 0)
        _at_least("location.degrees", self.location.degrees, 1)
        _at_least("location.width", self.location.width, 1)
        _at_least("export.items", self.export.items, 8)
        _at_least("loss.queue", self.loss.queue, 0)
        _at_least("words.steps", self.words.steps, 0)
        _at_least("words.views", self.words.views, 1)
        _at_least("words.batch", self.words.batch, 2)
        _at_least("words.hidden", self.words.hidden, 0)
        _at_least("words.anchors", self.words.anchors, 1)
        if not 0 <= self.words.dropout < 1:
            raise ConfigError(f"words.dropout must be from 0 to under 1, got {self.words.dropout}")
        _at_least("text.max_tokens", self.text.max_tokens, 2)
        for pool in self.pools:
            _check_pool(pool)
        names = [pool.name for pool in self.pools]
        if len(set(names)) != len(names):
            raise ConfigError(f"pools need names of their own, got {', '.join(names)}")
        for template in self.text.templates:
            if template.count("{}") != 1:
                raise ConfigError(f"text.templates: each must hold '{{}}' once, got {template!r}")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return dataclasses.asdict(self)


def load_config(path: Path) -> TrainingConfig:
    """Read a training configuration from a TOML file.

    Args:
        path: The TOML file.

    Returns:
        The checked configuration.

    Raises:
        ConfigError: If the file is missing, is no TOML, or holds an unknown key or a wrong value.
    """
    if not path.is_file():
        raise ConfigError(f"no training configuration at {path}; the shipped one is {default_config()}")
    config: TrainingConfig = read_toml(path, TrainingConfig)
    return dataclasses.replace(config, pools=tuple(_beside(pool, path.parent) for pool in config.pools))


def _beside(pool: PoolConfig, folder: Path) -> PoolConfig:
    """Point a relative root to the folder beside the configuration file where there is one."""
    beside = folder / pool.root
    return dataclasses.replace(pool, root=str(beside.resolve())) if beside.is_dir() else pool


def _check_pool(pool: PoolConfig) -> None:
    where = f"pools.{pool.name}"
    _at_least(f"{where}.side", pool.side, 16)
    _at_least(f"{where}.batch", pool.batch, 1)
    if pool.tile_px is not None:
        _at_least(f"{where}.tile_px", pool.tile_px, 16)
    if not pool.optical and not pool.radar:
        raise ConfigError(f"{where} names no view: set optical, radar or both, for example optical = ['image']")
    if pool.optical and pool.radar and len(pool.optical) != len(pool.radar):
        raise ConfigError(f"{where}: optical and radar stand in pairs, got {len(pool.optical)} and {len(pool.radar)}")
    if pool.pair and not (pool.optical and pool.radar):
        raise ConfigError(f"{where}.pair needs optical and radar views")
    if not 0 <= pool.held_out < 1:
        raise ConfigError(f"{where}.held_out must be from 0 to under 1, got {pool.held_out}")


def _at_least(where: str, value: int, least: int) -> None:
    if value < least:
        raise ConfigError(f"{where} must be at least {least}, got {value}")
