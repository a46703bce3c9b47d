"""The picture network, written to be read: a small residual net that ends in a unit vector.

Design choices, measured in docs/design/encoder.md: a 7x7 stem of stride 4 (cheap on processors), basic residual blocks
that halve the grid by average pooling in the shortcut, mean and maximum pooling side by side, and one linear layer into
the space of the sentence encoder, so that the text side needs no more than a linear map that starts as the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ._config import ImageConfig

DIM = 384  # of all-MiniLM-L6-v2, https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        """Set up a block from `before` to `after` channels."""
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        nn.init.zeros_(self.second_norm.weight)
        self.shortcut = _shortcut(before, after, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, after, h/stride, w/stride)."""
        y = functional.relu(self.first_norm(self.first(x)), inplace=True)
        y = self.second_norm(self.second(y)) + self.shortcut(x)
        return functional.relu(y, inplace=True)


def _shortcut(before: int, after: int, stride: int) -> nn.Module:
    if stride == 1 and before == after:
        return nn.Identity()
    pool = nn.AvgPool2d(2, ceil_mode=True) if stride == 2 else nn.Identity()
    return nn.Sequential(pool, nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))


class ImageTower(nn.Module):
    """Pictures (n, 3, size, size), normalised, to features (n, 384) of free length."""

    def __init__(self, config: ImageConfig) -> None:
        """Set up the network with fresh weights."""
        super().__init__()
        width = config.widths[0]
        stem = nn.Conv2d(3, width, 7, 4, 3, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(width), nn.ReLU(inplace=True))
        blocks: list[nn.Module] = []
        for stage, (after, depth) in enumerate(zip(config.widths, config.depths, strict=True)):
            for block in range(depth):
                blocks.append(ResidualBlock(width, after, 2 if block == 0 and stage > 0 else 1))
                width = after
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(2 * width, DIM)

    def forward(self, x: Tensor) -> Tensor:
        """Return features that are not yet normalised."""
        y = self.blocks(self.stem(x))
        pooled = torch.cat([y.mean(dim=(2, 3)), y.amax(dim=(2, 3))], dim=1)
        features: Tensor = self.head(pooled)
        return features


class TwoTowers(nn.Module):
    """The trainable parts: picture network, text projection and the two temperatures."""

    def __init__(self, config: ImageConfig) -> None:
        """Set up with the projection at the identity."""
        super().__init__()
        self.image = ImageTower(config)
        self.text = nn.Linear(DIM, DIM)
        nn.init.eye_(self.text.weight)
        nn.init.zeros_(self.text.bias)
        self.caption_scale = nn.Parameter(torch.tensor(2.7))
        self.label_scale = nn.Parameter(torch.tensor(2.7))

    def encode_pictures(self, x: Tensor) -> Tensor:
        """Return unit vectors (n, 384) of normalised pictures."""
        return functional.normalize(self.image(x).float(), dim=1)

    def encode_sentences(self, x: Tensor) -> Tensor:
        """Return unit vectors (n, 384) of sentence embeddings."""
        return functional.normalize(self.text(x), dim=1)
