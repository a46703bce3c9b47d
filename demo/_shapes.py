"""Small helpers that draw in metres: x east, y north, origin at the landscape's south-west corner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import affinity
from shapely.geometry import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from demo._covers import Cover

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Paint:
    """One brush stroke."""

    geometry: BaseGeometry
    """Polygon in metres."""
    cover: Cover
    """What it is painted with."""
    epochs: tuple[int, ...] = (0, 1, 2)
    """Dates on which it is there."""


@dataclass(frozen=True, kw_only=True)
class Landmark:
    """One thing a caption can name."""

    kind: str
    """E.g. ``airport``."""
    caption: str
    """An English sentence."""
    outline: BaseGeometry
    """Polygon in metres."""
    epochs: tuple[int, ...] = (0, 1, 2)
    """Dates on which it can be seen."""


@dataclass
class Sketch:
    """Strokes in painting order, and the things they make up. Filled while the landscape is designed."""

    paints: list[Paint] = field(default_factory=list)
    landmarks: list[Landmark] = field(default_factory=list)

    def paint(self, cover: Cover, *shapes: BaseGeometry, epochs: tuple[int, ...] = (0, 1, 2)) -> None:
        """Add strokes."""
        self.paints.extend(Paint(geometry=shape, cover=cover, epochs=epochs) for shape in shapes if not shape.is_empty)

    def name(self, kind: str, caption: str, outline: BaseGeometry, *, epochs: tuple[int, ...] = (0, 1, 2)) -> None:
        """Record a thing."""
        self.landmarks.append(Landmark(kind=kind, caption=caption, outline=outline, epochs=epochs))


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Local axes: shapes drawn about (0, 0) land turned and moved in the landscape."""

    x: float
    """Metres east."""
    y: float
    """Metres north."""
    turn: float = 0.0
    """Degrees counter-clockwise."""

    def place(self, shape: BaseGeometry) -> BaseGeometry:
        """Return the shape in the landscape."""
        return affinity.translate(affinity.rotate(shape, self.turn, origin=(0, 0)), self.x, self.y)

    def rect(self, x: float, y: float, width: float, height: float, *, turn: float = 0.0) -> BaseGeometry:
        """Return a rectangle centred at local (x, y)."""
        shape = shapely.box(x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        return self.place(affinity.rotate(shape, turn) if turn else shape)

    def disc(self, x: float, y: float, radius: float, stretch: float = 1.0) -> BaseGeometry:
        """Return a disc, or an ellipse ``stretch`` times as wide as high."""
        return self.place(affinity.scale(shapely.Point(x, y).buffer(radius), stretch, 1.0))

    def strip(self, points: Iterable[Point], width: float) -> BaseGeometry:
        """Return a band of that width along local points."""
        return self.place(LineString(list(points)).buffer(width / 2, cap_style="flat"))


def spline(points: NDArray[np.float64], steps: int = 40) -> NDArray[np.float64]:
    """Return a Catmull-Rom curve through (n, 2) points, ``steps`` a stretch."""
    padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        cubic = -before + 3 * start - 3 * end + after
        square = 2 * before - 5 * start + 4 * end - after
        parts.append(0.5 * (2 * start + (end - before) * t + square * t**2 + cubic * t**3))
    return np.vstack([*parts, points[-1:]])


def meander(
    curve: NDArray[np.float64], rng: np.random.Generator, *, amplitude: float, wavelength: float
) -> NDArray[np.float64]:
    """Return the curve swinging to both sides, wider and narrower as it goes; its ends stay."""
    steps = np.diff(curve, axis=0)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*steps.T))])
    tangent = np.gradient(curve, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / np.hypot(*tangent.T)[:, None]
    phases = rng.uniform(0, 2 * np.pi, 4)
    waves = (1.0, 0.62, 0.37, 1.9)
    swing = sum(
        np.sin(2 * np.pi * along / (wavelength * wave) * 0.7 + phase) * share
        for wave, phase, share in zip(waves, phases, (0.8, 0.5, 0.25, 0.6), strict=True)
    )
    taper = np.minimum(1, np.minimum(along, along[-1] - along) / wavelength)
    return np.asarray(curve + normal * (swing * taper * amplitude)[:, None])


def blob(rng: np.random.Generator, x: float, y: float, radius: float, *, stretch: float = 1.0) -> Polygon:
    """Return a round shape with an uneven shore."""
    angles = np.linspace(0, 2 * np.pi, 144, endpoint=False)
    radii = np.full_like(angles, radius)
    for order in range(2, 24):
        radii += radius * rng.normal(0, 0.3 * order**-1.35) * np.cos(order * angles + rng.uniform(0, 2 * np.pi))
    return Polygon(np.stack([x + radii * np.cos(angles) * stretch, y + radii * np.sin(angles)], axis=1)).buffer(0)
