"""The training configuration: frozen dataclasses that name every key a TOML file may hold.

An unknown key, a missing file or a value out of range ends in one `ConfigError` that says what was read and what is
known; nothing is ignored.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from core import ConfigError

from ._toml import read_toml


def default_config() -> Path:
    """Return the configuration that made swath-mini."""
    return Path(__file__).parent / "configs" / "swath-mini.toml"


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which pictures and captions to learn from."""

    adapter: str = "aid_rsicd"
    """Name of the dataset adapter."""
    root: Path | None = None
    """Folder of the dataset; None means the adapter's folder under SWATH_DATA."""
    side: int = 150
    """Side in pixels at which pictures are held in memory."""


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """Shape of the picture network and the statistics of its input."""

    size: int = 128
    """Side in pixels that the network sees."""
    widths: tuple[int, ...] = (48, 96, 192, 384)
    """Channels of each stage."""
    depths: tuple[int, ...] = (1, 1, 2, 2)
    """Residual blocks of each stage."""
    mean: tuple[float, ...] = (0.40, 0.42, 0.37)
    """Mean of red, green and blue on the 0..1 scale."""
    std: tuple[float, ...] = (0.20, 0.19, 0.19)
    """Standard deviation of red, green and blue on the 0..1 scale."""


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """The frozen text tower and the sentences made of class names."""

    tower: Literal["all-minilm-l6-v2"] = "all-minilm-l6-v2"
    """Name of the frozen sentence encoder."""
    max_tokens: int = 128
    """Tokens after which a text is cut."""
    templates: tuple[str, ...] = ("{}",)
    """Sentences for a class name; a template listed twice is drawn twice as often."""


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights and temperatures of the three loss terms."""

    caption: float = 1.0
    """Weight of the symmetric picture-caption InfoNCE."""
    label: float = 0.7
    """Weight of the cross-entropy over class names."""
    image: float = 0.5
    """Weight of the supervised picture-picture contrast."""
    label_smoothing: float = 0.1
    """Share of the target spread over all classes."""
    image_temperature: float = 0.1
    """Temperature of the picture-picture contrast."""


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far a view may stray from the stored picture."""

    scale: tuple[float, float] = (0.4, 1.2)
    """Smallest and largest side of a view over the side of the picture."""
    aspect: float = 0.15
    """Standard deviation of the log of the side ratio."""
    rotation: float = 20.0
    """Largest rotation in degrees, on top of the eight symmetries of the square."""
    gain: float = 0.10
    """Standard deviation of the log gain of each channel."""
    brightness: float = 0.25
    """Standard deviation of the log gain of all channels."""
    contrast: float = 0.25
    """Standard deviation of the log contrast."""
    gamma: float = 0.25
    """Standard deviation of the log exponent."""
    offset: float = 0.06
    """Standard deviation of the haze added, on the 0..1 scale."""
    saturation: tuple[float, float] = (0.3, 1.5)
    """Range of the colour saturation factor."""
    grayscale: float = 0.1
    """Share of pictures without colour."""
    channel_shuffle: float = 0.03
    """Share of pictures with their channels in another order."""
    blur: float = 0.3
    """Share of pictures resampled through a coarser grid."""
    blur_side: tuple[int, int] = (32, 96)
    """Smallest and largest side of that coarser grid in pixels."""
    noise: float = 0.03
    """Largest standard deviation of the noise, on the 0..1 scale."""
    cutout: float = 0.3
    """Share of pictures with a rectangle blanked out."""
    cutout_side: float = 0.4
    """Largest side of that rectangle over the side of the view."""


@dataclass(frozen=True, kw_only=True)
class OptimiserConfig:
    """Length and step sizes of the training."""

    epochs: int = 50
    """Passes over the training pictures."""
    batch: int = 128
    """Pictures a step."""
    learning_rate: float = 2e-3
    """Peak learning rate; the schedule is a linear warm-up and a cosine to zero."""
    weight_decay: float = 0.05
    """AdamW weight decay."""
    warmup: float = 0.08
    """Share of all steps spent warming up."""
    ema: float = 0.998
    """Decay a step of the averaged weights, which are the ones evaluated and exported."""
    precision: Literal["bf16", "fp32"] = "bf16"
    """Arithmetic of the picture network while training."""


@dataclass(frozen=True, kw_only=True)
class WordsConfig:
    """The second stage, in which the text projection learns single words of the captions."""

    pictures: int = 60
    """Fewest training pictures whose captions must use a word for it to become a query."""
    views: int = 2
    """Random views of each picture to fit on."""
    steps: int = 200
    """Steps; 0 leaves the projection as the first stage made it."""
    batch: int = 1024
    """Pictures a step."""
    learning_rate: float = 3e-3
    """Learning rate of the first step; it falls linearly to zero."""
    weight: float = 1.0
    """Weight of the words beside captions and class names."""


@dataclass(frozen=True, kw_only=True)
class CardConfig:
    """What the manifest says about the weights; it decides nothing that is computed."""

    licence: str = "not stated"
    """Terms of the weights in one line."""
    data_terms: str = "not stated"
    """Terms of the training data in one line."""
    sensors: tuple[str, ...] = ()
    """Sensors whose pictures were learned from."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Everything that decides what a training run computes."""

    name: str
    """Name of the encoder that results."""
    seed: int = 0
    """Seed of the weights, the order of pictures and every augmentation."""
    threads: int = 2
    """Processor threads to use."""
    data: DataConfig = field(default_factory=DataConfig)
    """Pictures and captions."""
    image: ImageConfig = field(default_factory=ImageConfig)
    """Picture network."""
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
    card: CardConfig = field(default_factory=CardConfig)
    """Terms and provenance."""

    def __post_init__(self) -> None:
        """Check what no type can say."""
        _at_least("threads", self.threads, 1)
        _at_least("data.side", self.data.side, 16)
        _at_least("image.size", self.image.size, 16)
        _at_least("optimiser.epochs", self.optimiser.epochs, 1)
        _at_least("optimiser.batch", self.optimiser.batch, 2)
        _at_least("words.steps", self.words.steps, 0)
        _at_least("words.views", self.words.views, 1)
        _at_least("words.batch", self.words.batch, 2)
        _at_least("text.max_tokens", self.text.max_tokens, 2)
        _same_length("image.widths", self.image.widths, "image.depths", self.image.depths)
        _three("image.mean", self.image.mean)
        _three("image.std", self.image.std)
        for template in self.text.templates:
            if template.count("{}") != 1:
                raise ConfigError(f"text.templates: each must hold '{{}}' once, got {template!r}")

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        plain = dataclasses.asdict(self)
        plain["data"]["root"] = None if self.data.root is None else str(self.data.root)
        return plain


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
    return config


def _at_least(where: str, value: int, least: int) -> None:
    if value < least:
        raise ConfigError(f"{where} must be at least {least}, got {value}")


def _three(where: str, value: tuple[float, ...]) -> None:
    if len(value) != 3:
        raise ConfigError(f"{where} must hold 3 values, got {len(value)}")


def _same_length(one: str, first: tuple[int, ...], other: str, second: tuple[int, ...]) -> None:
    if len(first) != len(second) or not first:
        raise ConfigError(f"{one} and {other} must have the same length, got {len(first)} and {len(second)}")
