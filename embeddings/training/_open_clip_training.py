"""open_clip models as encoders to train further: the picture tower moves, the text tower is frozen but for a map.

The export is the model's own state dict, so the result opens as `open_clip:MODEL@FILE` like any other weights; the
trained map of sentence vectors is folded into the model's text projection.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from core import ConfigError

from .._open_clip import check_model, import_open_clip
from .._planes import COLOURS, RANGES
from .._torch_weights import as_safetensors, load_into
from .._weights import sha256_of
from ._checkpoint import FINAL
from ._config import TrainingConfig
from ._encoder import Outcome
from ._network import Network

WEIGHTS = "open_clip_model.safetensors"
"""Name under which open_clip publishes weights, https://github.com/mlfoundations/open_clip (push_to_hf_hub.py)."""
BATCH = 64


class ClipNetwork(Network):
    """The picture tower over red, green and blue, and a map of sentence vectors without offset."""

    def __init__(self, visual: nn.Module, dim: int, mean: Sequence[float], std: Sequence[float]) -> None:
        """Set up around a model's picture tower."""
        super().__init__(visual, None, dim, offset=False)  # open_clip's text projection has none to fold it into
        self._mean = torch.tensor(mean).view(1, 3, 1, 1)
        self._std = torch.tensor(std).view(1, 3, 1, 1)

    def normal_optical(self, planes: Tensor) -> Tensor:
        """Return normalised red, green and blue (n, 3, h, w); other ranges are not seen."""
        x = planes.float()
        colours = x[:, list(COLOURS)] if x.shape[1] == len(RANGES) else x
        return (colours / 255.0 - self._mean.to(x.device)) / self._std.to(x.device)


class OpenClip:
    """`open_clip:MODEL@WEIGHTS` as an encoder to train further."""

    def __init__(self, config: TrainingConfig) -> None:
        """Open the model.

        Raises:
            ConfigError: The model is not known, its weights are not there, or the configuration does not fit it.
        """
        name, at, file = config.encoder.partition(":")[2].partition("@")
        if not (name and at and Path(file).is_file()):
            raise ConfigError(f"encoder must be open_clip:MODEL@FILE with an existing file, got {config.encoder!r}")
        open_clip = import_open_clip()
        check_model(open_clip, name)
        self._weights = as_safetensors(Path(file))
        self._name = name
        self._model: Any = open_clip.create_model(name, pretrained=None, load_weights=False)
        load_into(self._model, self._weights, name)
        self._tokenizer = open_clip.get_tokenizer(name)
        self._seen = open_clip.get_model_preprocess_cfg(self._model)
        self._dim = int(open_clip.get_model_config(name)["embed_dim"])
        _check(config, self._model, self._seen)

    @property
    def text_key(self) -> str:
        """See TrainableEncoder."""
        return f"{self._name} {sha256_of(self._weights)}"

    def build(self) -> Network:
        """See TrainableEncoder."""
        return ClipNetwork(self._model.visual, self._dim, self._seen["mean"], self._seen["std"])

    def embed(self, texts: Sequence[str]) -> Tensor:
        """See TrainableEncoder."""
        parts = [torch.zeros(0, self._dim)]
        with torch.inference_mode():
            for start in range(0, len(texts), BATCH):
                tokens = self._tokenizer(list(texts[start : start + BATCH]))
                device = self._model.text_projection.device
                parts.append(functional.normalize(self._model.encode_text(tokens.to(device)), dim=1).cpu())
        return torch.cat(parts).clone()

    def export(self, outcome: Outcome) -> Path:
        """Write the model's state dict with the trained parts and return the file."""
        final = load_file(outcome.folder / FINAL)
        state = load_file(self._weights)
        state |= {f"visual.{key[8:]}": value for key, value in final.items() if key.startswith("optical.")}
        state["text_projection"] = state["text_projection"].float() @ final["text.weight"].T
        folder = outcome.folder / "encoder"
        folder.mkdir(exist_ok=True)
        save_file({key: value.contiguous() for key, value in state.items()}, folder / WEIGHTS)
        return folder / WEIGHTS


def _check(config: TrainingConfig, model: Any, seen: Any) -> None:
    size = seen["size"][0] if isinstance(seen["size"], tuple | list) else seen["size"]
    if config.size != size or config.optimiser.size != size:
        sizes = f"{config.size} and {config.optimiser.size}"
        raise ConfigError(f"{config.encoder} sees {size} px: set size and optimiser.size to it, got {sizes}")
    if any(pool.radar for pool in config.pools):
        raise ConfigError(f"{config.encoder} sees colours only: pools with radar views need encoder = 'swath-mini'")
    if config.location.weight or config.export.weights != "fp16":
        raise ConfigError(f"{config.encoder} takes no location.weight and no export.weights = 'int8'")
    if config.words.hidden:
        raise ConfigError(f"{config.encoder} takes no words.hidden: only a linear map folds into its text projection")
    if not isinstance(getattr(model, "text_projection", None), nn.Parameter):
        raise ConfigError(f"{config.encoder}: only CLIP models with a text projection can be trained further")
