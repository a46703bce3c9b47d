"""Augmentation of whole batches with torch operations, one draw a picture, reproducible from a generator.

One affine resampling does crop, zoom, rotation, flips and the change of aspect; colour is a handful of broadcasts.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from ._config import AugmentConfig

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, https://www.itu.int/rec/R-REC-BT.601


class Augment:
    """Turns stored pictures into random views."""

    def __init__(self, config: AugmentConfig, size: int) -> None:
        """Set up for views of `size` pixels."""
        self.config = config
        self.size = size

    def __call__(self, pictures: Tensor, generator: Generator) -> Tensor:
        """Return views (n, 3, size, size) on the 0..1 scale of uint8 pictures (n, h, w, 3)."""
        x = pictures.permute(0, 3, 1, 2).float().div_(255.0)
        x = self._warp(x, generator)
        x = self._blur(x, generator)
        x = self._colour(x, generator)
        return self._cutout(x, generator)

    def _warp(self, x: Tensor, generator: Generator) -> Tensor:
        n = len(x)
        grid = functional.affine_grid(self._affine(n, generator), [n, 3, self.size, self.size], align_corners=False)
        return functional.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    def _affine(self, n: int, generator: Generator) -> Tensor:
        low, high = self.config.scale
        scale = low + (high - low) * torch.rand(n, generator=generator)
        aspect = (self.config.aspect * torch.randn(n, generator=generator)).exp().sqrt()
        turn = torch.randint(4, (n,), generator=generator) * (math.pi / 2)
        turn = turn + math.radians(self.config.rotation) * (2 * torch.rand(n, generator=generator) - 1)
        flip = 1.0 - 2.0 * torch.randint(2, (n,), generator=generator)
        room = (1.0 - scale).clamp(min=0.0)
        shift = room[:, None] * (2 * torch.rand(n, 2, generator=generator) - 1)
        x_axis = torch.stack([turn.cos() * scale * aspect * flip, -turn.sin() * scale / aspect, shift[:, 0]], dim=1)
        y_axis = torch.stack([turn.sin() * scale * aspect * flip, turn.cos() * scale / aspect, shift[:, 1]], dim=1)
        return torch.stack([x_axis, y_axis], dim=1)

    def _blur(self, x: Tensor, generator: Generator) -> Tensor:
        count = int(self.config.blur * len(x))
        if count == 0:
            return x
        chosen = torch.randperm(len(x), generator=generator)[:count]
        for part in torch.split(chosen, max(1, (count + 1) // 2)):
            low, high = self.config.blur_side
            side = int(torch.randint(low, high + 1, (1,), generator=generator))
            coarse = functional.interpolate(x[part], size=(side, side), mode="area")
            x[part] = functional.interpolate(coarse, size=x.shape[-2:], mode="bilinear", align_corners=False)
        return x

    def _colour(self, x: Tensor, generator: Generator) -> Tensor:
        n = len(x)
        config = self.config
        gray = (x * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        low, high = config.saturation
        saturation = low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator)
        saturation[torch.rand(n, generator=generator) < config.grayscale] = 0.0
        x = torch.lerp(gray, x, saturation)
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - mean).mul_(self._factor(config.contrast, (n, 1, 1, 1), generator)).add_(mean)
        x = x.mul_(self._factor(config.gain, (n, 3, 1, 1), generator))
        x = x.mul_(self._factor(config.brightness, (n, 1, 1, 1), generator))
        x = x.add_(config.offset * torch.randn(n, 1, 1, 1, generator=generator))
        x = x.clamp_(1e-3, 1.0).pow(self._factor(config.gamma, (n, 1, 1, 1), generator))
        return self._sensor(x, generator)

    def _sensor(self, x: Tensor, generator: Generator) -> Tensor:
        n = len(x)
        sigma = self.config.noise * torch.rand(n, 1, 1, 1, generator=generator)
        x = x.add_(sigma * torch.randn(x.shape, generator=generator)).clamp_(0.0, 1.0)
        for index in (torch.rand(n, generator=generator) < self.config.channel_shuffle).nonzero()[:, 0].tolist():
            x[index] = x[index][torch.randperm(3, generator=generator)]
        return x

    def _cutout(self, x: Tensor, generator: Generator) -> Tensor:
        for index in (torch.rand(len(x), generator=generator) < self.config.cutout).nonzero()[:, 0].tolist():
            height, width, top, left = torch.rand(4, generator=generator).tolist()
            rows = max(1, int(height * self.config.cutout_side * self.size))
            columns = max(1, int(width * self.config.cutout_side * self.size))
            y, z = int(top * (self.size - rows)), int(left * (self.size - columns))
            x[index, :, y : y + rows, z : z + columns] = x[index].mean(dim=(1, 2), keepdim=True)
        return x

    @staticmethod
    def _factor(sigma: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
        return (sigma * torch.randn(shape, generator=generator)).exp()
