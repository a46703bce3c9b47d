"""CLOSP's networks under the keys of its published files: one vision tower a sensor, MiniLM, and linear projections.

Read: https://github.com/DarthReca/closp (models/closp.py) and the hub's config.json of each variant. Differences of the
variants that one would not guess: the ResNets and the ViT-S for Sentinel-2 keep timm's 1000-class head and project its
output; the other towers have none.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from timm import create_model
from torch import Tensor, nn
from torch.nn import functional

from ._location import LocationEncoder
from ._torch_weights import check_state, read_tensors
from .training._sentence import SentenceTower, key_table

DIM = 384
S1_CHANNELS, S2_CHANNELS = 2, 13
HEADS = {"resnet50": (1000, 1000), "vit_small_patch16_224": (0, 1000), "vit_large_patch16_224": (0, 0)}
"""Outputs of the head of the Sentinel-1 and the Sentinel-2 tower, 0 for none: `s1_head_dim` and `s2_head_dim` of
https://huggingface.co/DarthReca/CLOSP-RN/blob/main/config.json and its sisters; ViT-L as models/closp.py builds it."""
WIDTHS = {"resnet50": 2048, "vit_small_patch16_224": 384, "vit_large_patch16_224": 1024}
"""Outputs of a tower without a head (timm's `num_features`)."""
LOCATION_DIM = 256
"""`location_embedding_dim` of https://huggingface.co/DarthReca/GeoCLOSP-RN/blob/main/config.json."""
WIDTH_KEY = "location_encoder.nnet.layers.0.weight"
UNUSED = ("text_model.pooler.", "text_model.embeddings.position_ids")
"""Parts of the published file that no vector depends on: BERT's pooler, and the numbers 0 to 511 in older files."""


class ClospNetwork(nn.Module):
    """Pictures and sentences to vectors of one space, not normalised.

    Args:
        model: timm name of both vision towers.
        side: Pixels that pictures are resized to; 0 keeps their size.
        location_width: Units of a hidden layer of the location encoder; None for no location encoder.
    """

    def __init__(self, model: str, *, side: int = 0, location_width: int | None = None) -> None:
        super().__init__()
        s1_head, s2_head = HEADS[model]
        self._side = side
        self.s1_encoder = create_model(model, in_chans=S1_CHANNELS, num_classes=s1_head)
        self.s2_encoder = create_model(model, in_chans=S2_CHANNELS, num_classes=s2_head)
        self.s1_projection = nn.Linear(s1_head or WIDTHS[model], DIM)
        self.s2_projection = nn.Linear(s2_head or WIDTHS[model], DIM)
        self.text_model = SentenceTower()
        if location_width is not None:
            self.location_encoder = LocationEncoder(width=location_width, outputs=LOCATION_DIM)
            self.location_projection = nn.Linear(LOCATION_DIM, DIM)

    def encode_pictures(self, pictures: Tensor) -> Tensor:
        """Return (n, 384) of (n, 2 or 13, h, w): the number of channels tells the sensor, as in the published code."""
        if self._side and pictures.shape[-2:] != (self._side, self._side):
            # kornia's Resize as the published transform leaves it: corners aligned, no antialiasing.
            size = (self._side, self._side)
            pictures = functional.interpolate(pictures, size, mode="bilinear", align_corners=True, antialias=False)
        radar = pictures.shape[1] == S1_CHANNELS
        tower, projection = (self.s1_encoder, self.s1_projection) if radar else (self.s2_encoder, self.s2_projection)
        vectors: Tensor = projection(tower(pictures))
        return vectors

    def encode_tokens(self, tokens: Tensor) -> Tensor:
        """Return (n, 384), the first token's state, of (n, 2, t): token ids and mask."""
        return self.text_model.states(tokens[:, 0], tokens[:, 1])[:, 0]

    def encode_places(self, lonlat: Tensor) -> Tensor:
        """Return (n, 384) of (n, 2) lon, lat in degrees."""
        vectors: Tensor = self.location_projection(self.location_encoder(lonlat))
        return vectors


def load_network(file: Path, name: str, model: str, *, side: int, located: bool) -> ClospNetwork:
    """Return the network with the weights of a safetensors file.

    Built without memory and then given the file's own, mapped tensors: the 2.5 GB of ViT-L stay pages of the file.

    Args:
        file: Weights under the published keys, in a training framework's wrapping or not.
        name: Name of the encoder for messages.
        model: timm name of both vision towers.
        side: Pixels that pictures are resized to; 0 keeps their size.
        located: Whether the file holds a location encoder.

    Raises:
        ConfigError: If keys or shapes do not fit; the message names them.
    """
    state = _unwrapped(read_tensors(file, name))
    with torch.device("meta"):
        network = ClospNetwork(model, side=side, location_width=_width(state) if located else None)
    own = network.state_dict()
    published = {_published(key): key for key in own}
    wanted = {theirs: own[ours] for theirs, ours in published.items()}
    check_state(wanted, state, f"{file} does not fit {name}", ignored=UNUSED)
    network.load_state_dict({ours: _full(state[theirs]) for theirs, ours in published.items()}, assign=True)
    return network


def _unwrapped(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state without the `model.` that Lightning puts before every key."""
    wrapped = bool(state) and all(key.startswith("model.") for key in state)
    return {key.removeprefix("model.") if wrapped else key: value for key, value in state.items()}


def _width(state: Mapping[str, Tensor]) -> int:
    """SatCLIP was trained with 256 or 512 hidden units; which of these went into GeoCLOSP only its file can say."""
    first = state.get(WIDTH_KEY)
    return first.shape[0] if first is not None and first.ndim == 2 else 512


def _published(key: str) -> str:
    prefix = "text_model."
    return prefix + key_table()[key.removeprefix(prefix)] if key.startswith(prefix) else key


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
