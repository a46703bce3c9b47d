"""Samples of the synthetic world for training: fast, seeded, each reproducible alone. Synthetic, not an observation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo._noise import Image, stream
from demo.worlds._canvas import OVERSAMPLING, Canvas
from demo.worlds._compose import compose
from demo.worlds._echo import echo
from demo.worlds._light import grains, light
from demo.worlds._palette import Palette, palette
from demo.worlds._sentences import sentences
from demo.worlds._surfaces import Climate, Season
from demo.worlds._truth import Truth, truth, visible

SUN_ELEVATION = {"spring": 48.0, "summer": 62.0, "autumn": 38.0, "winter": 22.0}
"""Degrees at mid latitudes about 10:30 local time (https://gml.noaa.gov/grad/solcalc/), before a random shift."""

CLOUDLESS = 0.8
"""Share of samples without any cloud."""

CLOUD_OPACITY = 0.3
"""Opacity from which a pixel counts as cloud."""


@dataclass(frozen=True, kw_only=True)
class Outline:
    """A sample before its pictures are drawn."""

    canvas: Canvas
    """The painted landscape."""
    colours: Palette
    """The scene's colours."""
    truth: Truth
    """What it shows."""
    captions: tuple[str, ...]
    """See WorldSample."""


@dataclass(frozen=True, kw_only=True)
class WorldSample:
    """One place of the synthetic world, seen by both sensors, with the truth about it."""

    number: int
    """Sample number within its seed."""
    s2: Image
    """(12, h, w) Sentinel-2 L2A reflectance, B01..B12 without B10; clouds included."""
    s1: Image
    """(2, h, w) Sentinel-1 gamma0 in dB, VV and VH, of the same pixels."""
    cover: NDArray[np.uint8]
    """(h, w) codes of `demo.worlds.Surface`."""
    cloud: NDArray[np.bool_]
    """(h, w) True under cloud."""
    captions: tuple[str, ...]
    """Three to five sentences that hold for both sensors (clouds and colours are not mentioned)."""
    labels: tuple[str, ...]
    """Class words that cover at least 8 %, largest first."""
    dominant: str
    """The largest class."""
    season: Season
    """Season."""
    climate: Climate
    """Climate."""
    setting: str
    """What lies under everything: ``farmland``."""
    gsd: float
    """Metres a pixel."""
    truth: Truth
    """Shares, landmarks, query families, water, burnt, snow, vigour."""


def world_samples(seed: int, count: int, size: int = 96, *, first: int = 0) -> Iterator[WorldSample]:
    """Yield samples ``first`` to ``first + count - 1`` of a seed.

    Args:
        seed: World; sample i of a seed and size is the same bytes whatever else is drawn.
        count: Number of samples.
        size: Pixels a side.
        first: Number of the first.
    """
    for number in range(first, first + count):
        yield world_sample(seed, number, size)


def world_sample(seed: int, number: int, size: int = 96) -> WorldSample:
    """Return one sample; see `world_samples`."""
    drawn = world_outline(seed, number, size)
    canvas = drawn.canvas
    grain = grains(canvas)
    view = light(canvas, drawn.colours, grain, _sun(canvas), _cloudiness(canvas.rng))
    return WorldSample(
        number=number,
        s2=view.pixels,
        s1=echo(canvas, drawn.colours, grain),
        cover=canvas.cover[::OVERSAMPLING, ::OVERSAMPLING].copy(),
        cloud=view.cloud > CLOUD_OPACITY,
        captions=drawn.captions,
        labels=drawn.truth.labels,
        dominant=drawn.truth.dominant,
        season=canvas.season,
        climate=canvas.climate,
        setting=canvas.setting,
        gsd=canvas.gsd,
        truth=drawn.truth,
    )


def world_outline(seed: int, number: int, size: int = 96) -> Outline:
    """Return a sample's landscape, truth and sentences without drawing its pictures: a third of the time."""
    rng = stream(seed, "world", number, size)
    canvas = compose(rng, size)
    colours = palette(rng, canvas.season, canvas.climate, float(rng.beta(2.0, 1.6)))
    things = visible(canvas)
    known = truth(canvas, colours, things)
    return Outline(canvas=canvas, colours=colours, truth=known, captions=sentences(canvas, known, things))


def _sun(canvas: Canvas) -> tuple[float, float]:
    """Return elevation and azimuth in degrees."""
    elevation = SUN_ELEVATION[canvas.season] + float(canvas.rng.normal(0, 7))
    return max(elevation, 14.0), float(canvas.rng.uniform(110, 200))


def _cloudiness(rng: np.random.Generator) -> float:
    return 0.0 if rng.random() < CLOUDLESS else float(rng.beta(1.1, 3.5) * 0.85)
