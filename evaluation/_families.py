"""Query families that bands beyond red, green and blue should help with, and which tiles are right for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core import Sample, Tile
from embeddings import class_words

from ._corpus import Item

SHARE = 0.2
"""A tile is right where a mask, or an index of its bands, shows the family on at least this share of it."""
WET = 0.0
"""NDWI above this is open water (McFeeters 1996, https://doi.org/10.1080/01431169608948714)."""
VIGOROUS = 0.6
"""Least mean NDVI of vigorous vegetation: dense vegetation has about 0.6 to 0.9
(https://www.usgs.gov/special-topics/remote-sensing-phenology/science/ndvi-foundation-remote-sensing-phenology)."""

MASK_CODES: Mapping[str, Mapping[str, frozenset[int]]] = {
    # Land cover renumbered as TerraMesh does, https://huggingface.co/datasets/ibm-esa-geospatial/TerraMesh
    "terramind": {"water": frozenset({1, 3}), "snow": frozenset({7})},
}
"""Dataset to family to codes of its mask, for tiles cut from a view; whole views are judged by their labels."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Sentences that ask for one thing, and the words labels have for it."""

    name: str
    """Name in the report."""
    queries: tuple[str, ...]
    """Asked one by one; their average precisions are averaged."""
    labels: frozenset[str]
    """Labels, in words, of which a right sample has at least one; empty where the bands themselves tell."""
    index: Callable[[Tile], bool] | None = None
    """How the bands tell: where no labels name it, or the dataset has neither labels nor masks."""
    index_meaning: str = ""
    """The same in words."""


FAMILIES = (
    Family(
        name="water",
        queries=("water", "open water", "a lake or a river"),
        labels=frozenset({"water", "flooded area", "flooded vegetation", "water bodies", "sea lake", "river", "lake"}),
        index=lambda tile: wet_share(tile) >= SHARE,
        index_meaning=f"NDWI of the tile's own bands is above {WET:g} on at least {SHARE:.0%} of it",
    ),
    Family(
        name="burnt area",
        queries=("burnt area", "burnt ground after a wildfire", "a fire scar"),
        labels=frozenset({"burnt area", "burned area", "burnt areas", "wildfire"}),
    ),
    Family(
        name="vegetation vigour",
        queries=("lush, vigorous vegetation", "healthy green vegetation", "dense vegetation"),
        labels=frozenset(),
        index=lambda tile: mean_ndvi(tile) >= VIGOROUS,
        index_meaning=f"mean NDVI of the tile's own bands is at least {VIGOROUS}",
    ),
    Family(
        name="snow",
        queries=("snow", "snow and ice", "snow-covered ground"),
        labels=frozenset({"snow", "snow/ice", "snow and ice", "permanent snow and ice", "glaciers and perpetual snow"}),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """Decides which tiles are right, from what the sample itself says."""

    dataset: str
    """Registry name, for the codes of its mask."""
    described: bool = True
    """Whether any sample has labels or a mask; where none has, the bands tell what they can."""

    def inspect(self, item: Item, tile: Tile) -> tuple[bool, ...]:
        """Return for each family whether the tile is right."""
        judge = self._by_mask(item) if self._cut(item) else self._by_labels(item.sample)
        return tuple(
            judge(family) if self._is_said(family) else bool(family.index and family.index(tile)) for family in FAMILIES
        )

    def source(self, family: Family, item: Item) -> str:
        """Return in words where the truth of a family comes from."""
        if not self._is_said(family):
            return family.index_meaning
        if self._cut(item):
            return f"the mask shows it on at least {SHARE:.0%} of the tile"
        return "the sample's labels name it"

    def _is_said(self, family: Family) -> bool:
        return self.described and bool(family.labels)

    def _cut(self, item: Item) -> bool:
        return item.tile_px is not None and self.dataset in MASK_CODES and item.sample.mask is not None

    def _by_mask(self, item: Item) -> Callable[[Family], bool]:
        part = cut_mask(item)
        codes = MASK_CODES[self.dataset]
        return lambda family: bool(np.isin(part, list(codes.get(family.name, ()))).mean() >= SHARE)

    def _by_labels(self, sample: Sample) -> Callable[[Family], bool]:
        labels = {class_words(label) for label in sample.labels}
        return lambda family: bool(labels & family.labels)


def cut_mask(item: Item) -> NDArray[np.integer]:
    """Return the part of the sample's mask that lies under a tile."""
    if item.sample.mask is None or item.tile_px is None:
        raise ValueError(f"{item.name} is no tile with a mask")
    top, left = item.row * item.tile_px, item.col * item.tile_px
    return item.sample.mask()[top : top + item.tile_px, left : left + item.tile_px]


def mean_ndvi(tile: Tile) -> float:
    """Return the mean of (NIR - red) / (NIR + red) over valid pixels; NaN without these bands."""
    index = _normalised_difference(tile, "nir", "red")
    return float(index.mean()) if len(index) else float("nan")


def wet_share(tile: Tile) -> float:
    """Return the share of valid pixels with (green - NIR) / (green + NIR) above WET; NaN without these bands."""
    index = _normalised_difference(tile, "green", "nir")
    return float((index > WET).mean()) if len(index) else float("nan")


def _normalised_difference(tile: Tile, one: str, two: str) -> NDArray[np.float64]:
    """Return (one - two) / (one + two) of the valid pixels where the sum is not zero; empty without these bands."""
    names = [tile.sensor.band(band).common_name for band in tile.bands]
    if not {one, two} <= set(names):
        return np.empty(0)
    first, second = (tile.pixels[names.index(name)][tile.mask].astype(np.float64) for name in (one, two))
    total = first + second
    usable = np.abs(total) > 1e-6
    difference: NDArray[np.float64] = (first - second)[usable] / total[usable]
    return difference
