"""What a sample shows, counted from what was painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.worlds._canvas import OVERSAMPLING, Canvas, Thing
from demo.worlds._light import Light, ndvi
from demo.worlds._surfaces import GROUPS, Surface

LABEL_SHARE = 0.08
"""A class word is a label from this share of the picture on."""

_BARREN = (*GROUPS["water"], *GROUPS["flooded area"], *GROUPS["snow"])


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Shares are 0..1 of the picture, whatever clouds hide."""

    shares: dict[str, float]
    """Class word to share; sums to one."""
    labels: tuple[str, ...]
    """Class words of at least `LABEL_SHARE`, largest first."""
    dominant: str
    """The largest class."""
    landmarks: tuple[str, ...]
    """Things that can be seen: ``river``, ``airport``."""
    water: float
    """Share of permanent and flood water."""
    burnt: float
    """Share of burnt ground."""
    snow: float
    """Share of snow and ice."""
    flooded: float
    """Share of flooded ground."""
    green: float
    """Share with a clean NDVI over 0.5: active vegetation."""
    vigour: float
    """Mean clean NDVI of ground that is neither water nor snow; 0 where there is none."""
    cloud: float
    """Share under cloud (opacity over 0.3)."""


def visible(canvas: Canvas) -> tuple[Thing, ...]:
    """Return the things enough of which was not painted over."""
    return tuple(thing for thing in canvas.things if _left(canvas, thing) >= thing.least)


def _left(canvas: Canvas, thing: Thing) -> float:
    codes = canvas.cover[thing.area]
    kept = np.isin(codes, thing.surfaces).sum() if thing.surfaces else codes.size
    return float(kept / canvas.cover.size)


def truth(canvas: Canvas, view: Light, things: tuple[Thing, ...]) -> Truth:
    """Count what was painted."""
    counts = np.bincount(canvas.cover.ravel(), minlength=max(Surface) + 1) / canvas.cover.size
    shares = {word: float(counts[list(codes)].sum()) for word, codes in GROUPS.items()}
    ranked = sorted(shares, key=lambda word: -shares[word])
    index = ndvi(view.clean)
    land = ~np.isin(canvas.cover[::OVERSAMPLING, ::OVERSAMPLING], _BARREN)
    return Truth(
        shares=shares,
        labels=tuple(word for word in ranked if shares[word] >= LABEL_SHARE),
        dominant=ranked[0],
        landmarks=tuple(dict.fromkeys(thing.name for thing in things)),
        water=shares["water"] + shares["flooded area"],
        burnt=shares["burnt area"],
        snow=shares["snow"],
        flooded=shares["flooded area"],
        green=float((index > 0.5).mean()),
        vigour=float(index[land].mean()) if land.any() else 0.0,
        cloud=float((view.cloud > 0.3).mean()),
    )
