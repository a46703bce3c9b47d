"""The networks, written to be read: two EfficientNet-Lite0 towers, one optical and one SAR, and a linear text side.

Design choices, measured in docs/design/encoder.md: the layer table is that of Tan's EfficientNet-Lite0
(https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite), which has neither squeeze-and-excite
nor swish and is fast on processors; both towers start from the published ImageNet weights; the stem holds a kernel for
each wavelength range, so that any set of bands enters one network; the text side is a linear map of the sentence
encoder's space that starts as the identity.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .._planes import COLOURS, DB_HIGH, DB_LOW, RANGES
from ._network import Network

DIM = 384  # of all-MiniLM-L6-v2, https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2
FEATURES = 1280

# repeats, kernel, stride, expansion, channels before, channels after
LAYERS = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)

OPTICAL_MEAN = (0.40, 0.40, 0.42, 0.40, 0.45, 0.50, 0.52, 0.52, 0.52, 0.30, 0.45, 0.38)
OPTICAL_STD = (0.20,) * len(RANGES)
"""Of the stretched planes, 0..1, rounded: red, green and blue of AID, the others of Sentinel-2 land surfaces."""
DB_MEAN, DB_STD = -7.3, 5.6
"""dB from white: Sentinel-1 VV is -12.59 over a white of -5.2, VH -20.26 over -13.0, std 5.26 and 5.91 (SSL4EO-S12,
https://github.com/zhu-xlab/SSL4EO-S12)."""


class Block(nn.Module):
    """Expand, depthwise convolution, project; a shortcut where the shape stays."""

    def __init__(self, kernel: int, stride: int, expansion: int, before: int, after: int) -> None:
        """Set up a block from `before` to `after` channels."""
        super().__init__()
        wide = before * expansion
        self.shortcut = stride == 1 and before == after
        self.expand = _conv(before, wide, 1) if expansion > 1 else None
        self.depthwise = _conv(wide, wide, kernel, stride, groups=wide)
        self.project = _conv(wide, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, after, h/stride, w/stride)."""
        y = x if self.expand is None else functional.relu6(self.expand(x))
        y = self.project(functional.relu6(self.depthwise(y)))
        out: Tensor = x + y if self.shortcut else y
        return out


class Tower(nn.Module):
    """Normalised planes (n, planes, h, w) to features (n, 384) of free length."""

    def __init__(self, planes: int) -> None:
        """Set up the network with fresh weights for so many input planes."""
        super().__init__()
        self.stem = _conv(planes, 32, 3, 2)
        self.blocks = nn.Sequential(*_blocks())
        self.top = _conv(320, FEATURES, 1)
        self.head = nn.Linear(FEATURES, DIM)

    def forward(self, x: Tensor) -> Tensor:
        """Return features that are not yet normalised."""
        y = self.blocks(functional.relu6(self.stem(x)))
        pooled = functional.relu6(self.top(y)).mean(dim=(2, 3))
        features: Tensor = self.head(pooled)
        return features


class Towers(Network):
    """The trainable parts: optical and SAR tower, text projection and the temperatures."""

    def __init__(self) -> None:
        """Set up with fresh towers and the projection at the identity."""
        super().__init__(Tower(len(RANGES)), Tower(2), DIM)
        self.optical: Tower
        self.radar: Tower

    def normal_optical(self, planes: Tensor) -> Tensor:
        """See Network."""
        return normal_optical(planes)

    def normal_radar(self, planes: Tensor) -> Tensor:
        """See Network."""
        return normal_radar(planes)


def normal_optical(planes: Tensor) -> Tensor:
    """Return planes with mean 0 and deviation 1, absent ones at 0, always all twelve."""
    x = planes.float()
    if x.shape[1] == len(COLOURS):
        wide = x.new_zeros(len(x), len(RANGES), *x.shape[2:])
        wide[:, list(COLOURS)] = x
        x = wide
    mean, std = (x.new_tensor(values).view(1, -1, 1, 1) for values in (OPTICAL_MEAN, OPTICAL_STD))
    return torch.where(x > 0, (x / 255.0 - mean) / std, x.new_zeros(()))


def normal_radar(planes: Tensor) -> Tensor:
    """Return dB with mean 0 and deviation 1, absent planes at 0."""
    x = planes.float()
    db = (x - 1.0) * ((DB_HIGH - DB_LOW) / 254.0) + DB_LOW
    return torch.where(x > 0, (db - DB_MEAN) / DB_STD, x.new_zeros(()))


def _blocks() -> list[nn.Module]:
    blocks: list[nn.Module] = []
    for repeats, kernel, stride, expansion, before, after in LAYERS:
        for repeat in range(repeats):
            first = repeat == 0
            blocks.append(Block(kernel, stride if first else 1, expansion, before if first else after, after))
    return blocks


def _conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after, eps=1e-3))
