"""What a sample shows, counted from what was painted; no picture is drawn for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo._optical import BANDS
from demo.worlds._canvas import Canvas, Thing
from demo.worlds._palette import CODES, Palette
from demo.worlds._surfaces import GROUPS, PLANTS

LABEL_SHARE = 0.08
"""A class word is a label from this share of the picture on."""

GREEN_NDVI = 0.5
"""NDVI from which a surface counts as active vegetation; the closed crops of TerraMind 637U_59R_1_3 lie over 0.75, its
bare fields under 0.35."""

FAMILIES = {"water": 0.3, "burnt area": 0.15, "vigorous vegetation": 0.5, "snow": 0.3}
"""Query families, and the share of the picture from which they hold."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What was painted. Shares are 0..1 of the picture, whatever clouds hide."""

    shares: dict[str, float]
    """Class word to share; sums to one."""
    labels: tuple[str, ...]
    """Class words of at least `LABEL_SHARE`, largest first."""
    dominant: str
    """The largest class."""
    landmarks: tuple[str, ...]
    """Things that can be seen: ``river``, ``airport``."""
    families: tuple[str, ...]
    """Which of `FAMILIES` hold."""
    water: float
    """Share of permanent and flood water."""
    burnt: float
    """Share of burnt ground."""
    snow: float
    """Share of snow and ice."""
    flooded: float
    """Share of flooded ground."""
    green: float
    """Share of surfaces whose mean spectrum in this scene has an NDVI over `GREEN_NDVI`."""
    vigour: float
    """Mean NDVI of those mean spectra over plants; 0 where there are none."""
    plants: float
    """Share of surfaces that are mostly plants, green or dry."""


def visible(canvas: Canvas) -> tuple[Thing, ...]:
    """Return the things enough of which was not painted over."""
    return tuple(thing for thing in canvas.things if _left(canvas, thing) >= thing.least)


def _left(canvas: Canvas, thing: Thing) -> float:
    codes = canvas.cover[thing.area]
    kept = np.isin(codes, thing.surfaces).sum() if thing.surfaces else codes.size
    return float(kept / canvas.cover.size)


def truth(canvas: Canvas, colours: Palette, things: tuple[Thing, ...]) -> Truth:
    """Count what was painted.

    Args:
        canvas: The painted landscape.
        colours: The scene's colours.
        things: What `visible` returned.
    """
    counts = np.bincount(canvas.cover.ravel(), minlength=CODES) / canvas.cover.size
    shares = {word: float(counts[list(codes)].sum()) for word, codes in GROUPS.items()}
    ranked = sorted(shares, key=lambda word: -shares[word])
    red, nir = (colours.mean[:, BANDS.index(band)] for band in ("B04", "B08"))
    ndvi = (nir - red) / np.maximum(nir + red, 1e-3)
    grown = counts[list(PLANTS)]
    plants = float(grown.sum())
    measured = {
        "water": shares["water"] + shares["flooded area"],
        "burnt area": shares["burnt area"],
        "vigorous vegetation": float(counts[ndvi > GREEN_NDVI].sum()),
        "snow": shares["snow"],
    }
    return Truth(
        shares=shares,
        labels=tuple(word for word in ranked if shares[word] >= LABEL_SHARE),
        dominant=ranked[0],
        landmarks=tuple(dict.fromkeys(thing.name for thing in things)),
        families=tuple(name for name, least in FAMILIES.items() if measured[name] >= least),
        water=measured["water"],
        burnt=measured["burnt area"],
        snow=measured["snow"],
        flooded=shares["flooded area"],
        green=measured["vigorous vegetation"],
        vigour=float((ndvi[list(PLANTS)] * grown).sum() / plants) if plants else 0.0,
        plants=plants,
    )
