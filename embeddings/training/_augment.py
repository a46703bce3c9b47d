"""Augmentation of whole batches with torch operations, one draw an item, reproducible from a generator.

One affine resampling does crop, zoom, rotation, flips and the change of aspect, the same for the optical and the SAR
view of a place. Optical values then vary in gain, haze and contrast, SAR values in dB; both lose bands as lesser
sensors lack them.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from .._planes import COLOURS, DB_HIGH, DB_LOW, RANGES
from ._tables import AugmentConfig

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, https://www.itu.int/rec/R-REC-BT.601
DB_STEP = (DB_HIGH - DB_LOW) / 254.0
LESSER = (
    (3, 2, 1),  # plain colours
    (7, 3, 2, 1),  # NAIP and most very high resolution sensors
    (7, 3, 2),  # colour infrared
    (10, 7, 3, 2),  # the Landsat composites of docs/examples
    (11, 7, 3),  # the usual burnt-area composite
    (1, 2, 3, 7, 10, 11),  # Landsat TM
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11),  # Sentinel-2 without B10
)
"""Ranges that sensors with fewer bands have, among which band dropout draws."""


class Augment:
    """Turns stored planes into random views."""

    def __init__(self, config: AugmentConfig, size: int) -> None:
        """Set up for views of `size` pixels."""
        self.config = config
        self.size = size

    def __call__(
        self, optical: Tensor | None, radar: Tensor | None, scale: tuple[float, float], generator: Generator
    ) -> tuple[Tensor | None, Tensor | None]:
        """Return views of the same places.

        Args:
            optical: (n, 3 or 12, h, w) uint8, or None.
            radar: (n, 2, h, w) uint8 of the same size, or None.
            scale: Smallest and largest side of a view over the side of the picture.
            generator: Where every draw comes from.

        Returns:
            The two as float (n, planes, size, size), 1 to 255 with 0 for absent planes.
        """
        given = [part for part in (optical, radar) if part is not None]
        joined = torch.cat(given, dim=1).float() if len(given) > 1 else given[0].float()
        present = joined.amax(dim=(2, 3), keepdim=True) > 0
        joined = self._blur(self._warp(joined, scale, generator), generator)
        split = 0 if optical is None else optical.shape[1]
        light = self._optical(joined[:, :split], present[:, :split], generator) if optical is not None else None
        echo = self._radar(joined[:, split:], present[:, split:], generator) if radar is not None else None
        return light, echo

    def _warp(self, x: Tensor, scale: tuple[float, float], generator: Generator) -> Tensor:
        shape = [len(x), x.shape[1], self.size, self.size]
        grid = functional.affine_grid(self._affine(len(x), scale, generator), shape, align_corners=False)
        return functional.grid_sample(x, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    def _affine(self, n: int, limits: tuple[float, float], generator: Generator) -> Tensor:
        low, high = limits
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

    def _optical(self, x: Tensor, present: Tensor, generator: Generator) -> Tensor:
        x = x / 255.0
        if x.shape[1] == len(COLOURS):
            x = self._shuffle(self._saturation(x, generator), generator)
        x = self._light(x, generator)
        x = self._cutout(x, generator)
        x = x.clamp_(1 / 255, 1.0).mul_(255.0)
        return x * (present & self._kept_bands(present, generator))

    def _saturation(self, x: Tensor, generator: Generator) -> Tensor:
        n = len(x)
        gray = (x * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
        low, high = self.config.saturation
        saturation = low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator)
        saturation[torch.rand(n, generator=generator) < self.config.grayscale] = 0.0
        return torch.lerp(gray, x, saturation)

    def _light(self, x: Tensor, generator: Generator) -> Tensor:
        n, bands = x.shape[:2]
        config = self.config
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        x = (x - mean).mul_(self._factor(config.contrast, (n, 1, 1, 1), generator)).add_(mean)
        x = x.mul_(self._factor(config.gain, (n, bands, 1, 1), generator))
        x = x.mul_(self._factor(config.brightness, (n, 1, 1, 1), generator))
        x = x.add_(config.offset * torch.randn(n, 1, 1, 1, generator=generator))
        x = x.clamp_(1e-3, 1.0).pow(self._factor(config.gamma, (n, 1, 1, 1), generator))
        sigma = config.noise * torch.rand(n, 1, 1, 1, generator=generator)
        return x.add_(sigma * torch.randn(x.shape, generator=generator))

    def _shuffle(self, x: Tensor, generator: Generator) -> Tensor:
        for index in (torch.rand(len(x), generator=generator) < self.config.channel_shuffle).nonzero()[:, 0].tolist():
            x[index] = x[index][torch.randperm(3, generator=generator)]
        return x

    def _kept_bands(self, present: Tensor, generator: Generator) -> Tensor:
        kept = torch.ones_like(present)
        if present.shape[1] != len(RANGES):
            return kept
        for index in (torch.rand(len(kept), generator=generator) < self.config.band_dropout).nonzero()[:, 0].tolist():
            bands = list(LESSER[int(torch.randint(len(LESSER), (1,), generator=generator))])
            chosen = torch.zeros_like(kept[index])
            chosen[bands] = True
            if bool((chosen & present[index]).any()):
                kept[index] = chosen
        return kept

    def _cutout(self, x: Tensor, generator: Generator) -> Tensor:
        for index in (torch.rand(len(x), generator=generator) < self.config.cutout).nonzero()[:, 0].tolist():
            height, width, top, left = torch.rand(4, generator=generator).tolist()
            rows = max(1, int(height * self.config.cutout_side * self.size))
            columns = max(1, int(width * self.config.cutout_side * self.size))
            y, z = int(top * (self.size - rows)), int(left * (self.size - columns))
            x[index, :, y : y + rows, z : z + columns] = x[index].mean(dim=(1, 2), keepdim=True)
        return x

    def _radar(self, x: Tensor, present: Tensor, generator: Generator) -> Tensor:
        n, config = len(x), self.config
        db = (x - 1.0) * DB_STEP
        mean = db.mean(dim=(2, 3), keepdim=True)
        db = (db - mean) * self._factor(config.db_contrast, (n, 1, 1, 1), generator) + mean
        db = db + config.db_offset * torch.randn(n, 1, 1, 1, generator=generator)
        db = db + 0.5 * config.db_offset * torch.randn(n, 2, 1, 1, generator=generator)
        sigma = config.speckle * torch.rand(n, 1, 1, 1, generator=generator)
        db = self._cutout(db + sigma * torch.randn(db.shape, generator=generator), generator)
        out = (db / DB_STEP + 1.0).clamp_(1.0, 255.0)
        return out * (present & self._kept_polarisations(present, generator))

    def _kept_polarisations(self, present: Tensor, generator: Generator) -> Tensor:
        kept = torch.ones_like(present)
        drop = torch.rand(len(kept), generator=generator) < self.config.polarisation_dropout
        which = (torch.rand(len(kept), generator=generator) < 0.8).long()  # cross-polarised is the one sensors lack
        for index in (drop & present.all(dim=1).view(-1)).nonzero()[:, 0].tolist():
            kept[index, which[index]] = False
        return kept

    @staticmethod
    def _factor(sigma: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
        return (sigma * torch.randn(shape, generator=generator)).exp()
