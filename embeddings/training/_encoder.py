"""What the training loop needs of an encoder, and the two that have it.

An encoder for training is a network over planes beside a frozen sentence encoder: the loop embeds every sentence once,
moves the network, and asks for an export at the end. Another encoder is one class here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from torch import Tensor

from core import ConfigError

from ._config import TrainingConfig
from ._network import Network
from ._text import embed
from ._towers import Towers
from ._warm_start import start_towers


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run hands to the export."""

    folder: Path
    """Folder of the run, with its final weights."""
    figures: Mapping[str, float]
    """Figures of these weights on the held-out items."""
    pools: Mapping[str, str]
    """sha256 over the samples of each pool, by name."""
    items: Mapping[str, Tensor] = field(default_factory=dict)
    """Real items by modality, `optical` (n, 12, size, size) and `radar` (n, 2, size, size) uint8, to calibrate on."""
    others: Mapping[str, Tensor] = field(default_factory=dict)
    """Further ones, to measure the loss of accuracy on; held-out ones where there are any."""


class TrainableEncoder(Protocol):
    """One kind of encoder, ready to be trained."""

    @property
    def text_key(self) -> str:
        """What the sentence vectors depend on, beside the sentences."""
        ...

    def build(self) -> Network:
        """Return the network with its first weights.

        Raises:
            ConfigError: The configuration asks for what this encoder has not.
        """
        ...

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Return frozen unit vectors (n, dim) of sentences, before the trained projection."""
        ...

    def export(self, outcome: Outcome) -> Path:
        """Write what `open_encoder` opens and return its folder or file."""
        ...


class SwathMini:
    """The two towers of swath-mini beside all-MiniLM-L6-v2."""

    def __init__(self, config: TrainingConfig) -> None:
        """Set up for a configuration."""
        self._config = config

    @property
    def text_key(self) -> str:
        """See TrainableEncoder."""
        return f"{self._config.text.tower}\n{self._config.text.max_tokens}"

    def build(self) -> Network:
        """See TrainableEncoder."""
        location = self._config.location
        towers = Towers()
        start_towers(towers, self._config.start)
        if location.weight:
            towers.add_location(location.width, location.degrees)
        return towers

    def embed(self, texts: Sequence[str]) -> Tensor:
        """See TrainableEncoder."""
        return embed(texts, self._config.text.max_tokens)

    def export(self, outcome: Outcome) -> Path:
        """See TrainableEncoder."""
        from ._export import export

        return export(
            self._config, outcome.folder, outcome.figures, outcome.pools, items=outcome.items, others=outcome.others
        )


def trainable(config: TrainingConfig) -> TrainableEncoder:
    """Return the encoder that a configuration trains.

    Raises:
        ConfigError: It cannot be trained.
    """
    if config.encoder == "swath-mini":
        return SwathMini(config)
    if config.encoder.startswith("open_clip:"):
        from ._open_clip_training import OpenClip

        return OpenClip(config)
    raise ConfigError(f"encoder {config.encoder!r} cannot be trained; swath-mini and open_clip:MODEL@WEIGHTS can")
