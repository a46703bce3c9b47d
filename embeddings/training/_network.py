"""The trainable network of every encoder: towers over planes, a map of sentence vectors, temperatures, places."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._location import LocationEncoder
from ._text_map import TextMap

LOG_SCALE = 2.7
"""Start of the logarithm of every inverse temperature: about 15, CLIP's 1 / 0.07 (https://arxiv.org/abs/2103.00020)."""


class Network(nn.Module):
    """What an optimiser moves. A subclass brings the towers and says how planes are normalised."""

    def __init__(self, optical: nn.Module, radar: nn.Module | None, dim: int, *, offset: bool = True) -> None:
        """Set up with towers to features of length `dim` and a text map, with or without offset, at the identity."""
        super().__init__()
        self.optical = optical
        self.radar = radar
        self.text = TextMap(dim, offset=offset)
        self.caption_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.label_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.pair_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.location: LocationEncoder | None = None

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self.text.out_features

    def normal_optical(self, planes: Tensor) -> Tensor:
        """Return what the optical tower takes of planes (n, 3 or 12, h, w), 0..255 with 0 for absent."""
        raise NotImplementedError

    def normal_radar(self, planes: Tensor) -> Tensor:
        """Return what the SAR tower takes of planes (n, 2, h, w), 0..255 with 0 for absent."""
        raise NotImplementedError

    def add_location(self, width: int, degrees: int) -> None:
        """Add a network over places, with fresh weights and no dropout, which gradient caching could not repeat."""
        self.location = LocationEncoder(width=width, outputs=self.dim, degrees=degrees, dropout=0.0)
        self.location_scale = nn.Parameter(torch.tensor(LOG_SCALE))

    def encode_optical(self, planes: Tensor) -> Tensor:
        """Return unit vectors (n, dim) of planes (n, 3 or 12, h, w), 0..255 with 0 for absent."""
        return functional.normalize(self.optical(self.normal_optical(planes)).float(), dim=1)

    def encode_radar(self, planes: Tensor) -> Tensor:
        """Return unit vectors (n, dim) of planes (n, 2, h, w), 0..255 with 0 for absent."""
        if self.radar is None:
            raise ValueError("this encoder has no SAR tower")
        return functional.normalize(self.radar(self.normal_radar(planes)).float(), dim=1)

    def encode_sentences(self, x: Tensor) -> Tensor:
        """Return unit vectors (n, dim) of sentence embeddings."""
        return functional.normalize(self.text(x), dim=1)

    def encode_places(self, lonlat: Tensor) -> Tensor:
        """Return unit vectors (n, dim) of places (n, 2), lon, lat in degrees."""
        if self.location is None:
            raise ValueError("this encoder was trained without places")
        return functional.normalize(self.location(lonlat), dim=1)
