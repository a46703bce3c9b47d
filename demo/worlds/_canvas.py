"""The sheet a landscape is painted on: half-size pixels, so that edges mix, and coordinates in metres."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from demo._noise import Image
from demo.worlds._surfaces import Climate, Season, Surface

OVERSAMPLING = 2
"""Painted pixels a side of a delivered pixel."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something a sentence may name, if enough of it can be seen when all is painted."""

    name: str
    """E.g. ``river``."""
    phrase: str
    """With its article: ``a winding river``."""
    surfaces: tuple[Surface, ...]
    """What it is painted with."""
    area: Mask
    """(side, side) where it was painted."""
    least: float
    """Least share of the picture that must be left of it."""


@dataclass
class Canvas:
    """A landscape while it is painted. Later strokes cover earlier ones."""

    rng: np.random.Generator
    """The sample's own stream."""
    size: int
    """Delivered pixels a side."""
    gsd: float
    """Metres a delivered pixel."""
    season: Season
    """Season."""
    climate: Climate
    """Climate."""
    cover: NDArray[np.uint8] = field(init=False)
    """(side, side) surface codes."""
    objects: NDArray[np.int32] = field(init=False)
    """(side, side) object each pixel belongs to, 0 for none: a field, a building."""
    height: Image = field(init=False)
    """(side, side) height in metres."""
    things: list[Thing] = field(default_factory=list)
    """In painting order."""
    setting: str = ""
    """What lies under everything: ``farmland``."""

    def __post_init__(self) -> None:
        side = self.side
        self.cover = np.full((side, side), Surface.GRASS, dtype=np.uint8)
        self.objects = np.zeros((side, side), dtype=np.int32)
        self.height = np.zeros((side, side), dtype=np.float32)
        self._spare: list[tuple[tuple[float, float], Image]] = []
        half = self.extent / 2
        axis = np.linspace(-half, half, side, dtype=np.float32)
        self.x, self.y = axis[None, :], -axis[:, None]

    @property
    def side(self) -> int:
        """Painted pixels a side."""
        return self.size * OVERSAMPLING

    @property
    def extent(self) -> float:
        """Metres a side."""
        return self.size * self.gsd

    @property
    def grain(self) -> float:
        """Metres a painted pixel."""
        return self.gsd / OVERSAMPLING

    def noise(self, exponent: float, coarsest: float = 0.5) -> Image:
        """Return a (side, side) field of unit variance; see `demo._noise.fractal`. Two come from one transform."""
        for index, (kind, image) in enumerate(self._spare):
            if kind == (exponent, coarsest):
                del self._spare[index]
                return image
        first, second = fields(self.rng, self.side, exponent, coarsest)
        self._spare.append(((exponent, coarsest), second))
        return first

    def turned(self, angle: float, x: float = 0.0, y: float = 0.0) -> tuple[Image, Image]:
        """Return coordinates along and across a direction (radians) about a point, in metres."""
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        right, up = self.x - np.float32(x), self.y - np.float32(y)
        return cos * right + sin * up, cos * up - sin * right

    def spot(self, reach: float = 0.35) -> tuple[float, float]:
        """Return a random point at most ``reach`` of the extent from the centre along each axis."""
        x, y = self.rng.uniform(-reach, reach, 2) * self.extent
        return float(x), float(y)

    def paint(self, area: Mask, surface: Surface) -> None:
        """Cover an area."""
        self.cover[area] = surface
        self.objects[area] = 0

    def name(self, name: str, phrase: str, area: Mask, *surfaces: Surface, least: float = 0.006) -> None:
        """Record a thing; no surfaces means whatever lies there."""
        self.things.append(Thing(name=name, phrase=phrase, surfaces=surfaces, area=area, least=least))

    def fresh_objects(self, ids: NDArray[np.integer], area: Mask) -> None:
        """Give the pixels of an area the object numbers ``ids`` (non-negative), apart from all numbers so far."""
        start = int(self.objects.max()) + 1
        self.objects[area] = ids[area] + start

    def share(self, *surfaces: Surface) -> float:
        """Return the share of the picture that these surfaces cover."""
        return float(np.isin(self.cover, surfaces).mean())


def fields(rng: np.random.Generator, side: int, exponent: float, coarsest: float) -> tuple[Image, Image]:
    """Return two independent (side, side) fractal fields of zero mean and unit variance."""
    white = rng.standard_normal((2, side, side), dtype=np.float32)
    spectrum = (white[0] + 1j * white[1]) * _amplitude(side, exponent, coarsest)
    image = np.fft.ifft2(spectrum)
    return _unit(image.real), _unit(image.imag)


def _unit(part: NDArray[np.floating]) -> Image:
    return np.asarray(part / np.float32(part.std() + 1e-12), dtype=np.float32)


@lru_cache(maxsize=64)
def _amplitude(side: int, exponent: float, coarsest: float) -> Image:
    axis = np.fft.fftfreq(side) * side
    frequency = np.hypot(axis[:, None], axis[None, :])
    amplitude = np.maximum(frequency, 1 / coarsest) ** -exponent
    amplitude[0, 0] = 0
    return np.asarray(amplitude, dtype=np.float32)
