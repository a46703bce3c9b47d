"""OMBRIA: Sentinel-1 and Sentinel-2 chips of flooded places, before and after, with flood masks.

Drakonakis et al. 2022; files of github geodrak/OMBRIA@38a4903, all 694 sites (624 train, 70 test) measured:

- A site number stands in one split only. The masks under `s1` and `s2` are the same, pixel by pixel, at every site; the
  one under `s2` is read. The least flooded site is 3.0 % under water, so every site shows a flood.
- Numbers run row by row through a few scenes, and neighbouring numbers often abut: the official test sites lie between
  training sites of the same flood, and some overlap one, so they flatter whoever trains on those. `Sample.group` is
  therefore the scene, not the site. Scenes are not published; `SCENE_STARTS` was read from the pictures.
- Sentinel-1 is VV, stretched chip by chip (see the sensor `ombria-s1`); Sentinel-2 is B11, B08, B03 (`ombria-s2`).
  Inside the masks B11 falls from 74 to 26, B08 from 77 to 48, and B03 rises from 31 to 40 (medians of training sites).
- Edges of scenes are white in Sentinel-1 and black in Sentinel-2; they are kept as pixels.

Sentences are made from the mask and the date, never from looking: see `flood_captions`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from core import Sample, Tile, View
from embeddings.datasets._listed import ListedDataset, wrong_layout
from embeddings.datasets._read import read_classes, read_raster

When = Literal["before", "after"]

EXPECTED = """ROOT/
  train/
    s1/before/S1_before_0001.jpg
    s1/after/S1_after_0001.jpg
    s2/before/S2_before_0001.jpg
    s2/after/S2_after_0001.jpg
    s2/mask/S2_mask_0001.png
  test/ (likewise)"""

SCENE_STARTS = (1, 18, 32, 74, 106, 135, 258, 313, 342, 396, 399, 436, 721, 737, 753, 759)
"""First site of each run of abutting chips, told by landscape, tint and the black edges of scenes."""
SAME_PLACE: Mapping[int, int] = MappingProxyType({258: 106})
"""The run that shows the place of an earlier one on a shifted grid: site 113 (test) overlaps 264 and 265 (training).
Phase correlation of all chips between runs found no other two runs that agree in both sensors."""

WRAPPED = "111-113 118 119 137 140 141 217-219 605 722-725 727 729 731"
"""Sites whose Sentinel-2 chip after the flood wraps round at 8 bit inside bright clouds (false reds and yellows)."""
CLOUDY = (
    "111-113 119 135 137 138 140 141 144 145 151-153 162-165 172-174 181-183 189 190 200 215 217-220 223 224 "
    "246 251-253 256 257 446 459 467 476 603 605 611 613 619 624 633 644 680 721-725 727 730-733 735 736 756 757"
)
"""Sites where more than a fifth of that chip has B03 above 90, each one cloud to the eye. Thin cloud is not counted."""

_NAME = re.compile(r"S2_mask_(\d+)\.png")

Site = tuple[str, Path, str]
"""Split, its folder and the site number."""


@dataclass(frozen=True, kw_only=True)
class Ombria(ListedDataset):
    """OMBRIA on disk: one sample a site with the views `s1-before`, `s1-after`, `s2-before`, `s2-after`."""

    flaws: Mapping[str, str]
    """Sample id to what is wrong with its view `s2-after`. Nothing is left out: skip these or not, and say so."""


def open_ombria(name: str, root: Path) -> Ombria:
    """List the sites under `root`.

    Raises:
        InputError: The layout is another, or a site lacks one of its files; the message shows the expected tree.
    """
    sites = tuple(_sites(root))
    if not sites:
        raise wrong_layout(name, root, "no flood mask under train/s2/mask or test/s2/mask", EXPECTED)
    for path in (_chip(folder, site, *view) for _, folder, site in sites for view in _VIEWS):
        if not path.is_file():
            raise wrong_layout(name, root, f"no {path.relative_to(root)} beside the mask of its site", EXPECTED)
    return Ombria(
        name=name,
        splits=tuple(sorted({split for split, _, _ in sites})),
        entries=partial(_samples, name, sites),
        flaws=MappingProxyType({f"{split}-{site}": flaw for split, _, site in sites if (flaw := _flaw(site))}),
    )


def _sites(root: Path) -> Iterator[Site]:
    for split in ("test", "train"):
        for path in sorted((root / split / "s2" / "mask").glob("S2_mask_*.png")):
            if found := _NAME.fullmatch(path.name):
                yield split, root / split, found[1]


def flood_captions(fraction: float, when: When, sensor: Literal["s1", "s2"]) -> tuple[str, ...]:
    """Say in words what mask and date prove of one chip, and no more.

    The extent follows the flooded fraction of the mask: under 0.1 "a small part of the land is flooded", under 0.35
    "part of", under 0.65 "about half of", under 0.9 "most of", else "nearly all of". A chip from before the flood is
    said to be from before a flood; what its landscape is, the dataset does not tell.

    Args:
        fraction: Flooded share of the chip, 0..1.
        when: Which of the two dates.
        sensor: Which sensor took it.
    """
    means = {"s1": "radar image", "s2": "false-colour satellite image"}[sensor]
    if when == "before":
        return ("land before a flood", f"a {means} of land that is not flooded yet")
    extent = next(words for limit, words in _EXTENTS if fraction < limit)
    return (f"a flood: {extent} the land is under water", f"a {means} of flooded land")


_EXTENTS = (
    (0.1, "a small part of"),
    (0.35, "part of"),
    (0.65, "about half of"),
    (0.9, "most of"),
    (2.0, "nearly all of"),
)
_VIEWS: tuple[tuple[Literal["s1", "s2"], When], ...] = (
    ("s1", "before"),
    ("s1", "after"),
    ("s2", "before"),
    ("s2", "after"),
)


def _samples(name: str, sites: tuple[Site, ...]) -> Iterator[Sample]:
    for split, folder, site in sites:
        yield Sample(
            sample_id=f"{split}-{site}",
            split=split,
            group=_scene(int(site)),
            views=tuple(_view(name, (split, folder, site), *view) for view in _VIEWS),
            labels=("flood",),
            captions=("a place before and after a flood",),
            mask=partial(_flooded, _mask(folder, site)),
        )


def _view(name: str, at: Site, sensor: Literal["s1", "s2"], when: When) -> View:
    split, folder, site = at
    chip, mask = _chip(folder, site, sensor, when), _mask(folder, site)

    def read() -> Tile:
        return read_raster(
            chip,
            sensor=f"ombria-{sensor}",
            name=f"{split}-{site}.{sensor}-{when}",
            collection=name,
            label="flood" if when == "after" else None,
            captions=flood_captions(float(_flooded(mask).mean()), when, sensor),
        )

    return View(role=f"{sensor}-{when}", read=read, files=(chip, mask))


def _scene(site: int) -> str:
    start = SCENE_STARTS[max(0, bisect_right(SCENE_STARTS, site) - 1)]
    return f"scene-{SAME_PLACE.get(start, start):04d}"


def _flaw(site: str) -> str | None:
    reasons = (("wraps round at 8 bit", WRAPPED), ("cloudy", CLOUDY))
    return ", ".join(reason for reason, sites in reasons if int(site) in _numbers(sites)) or None


@cache
def _numbers(ranges: str) -> frozenset[int]:
    """Return the numbers of a text like `1-3 7`."""
    ends = [part.partition("-") for part in ranges.split()]
    return frozenset(number for low, _, high in ends for number in range(int(low), int(high or low) + 1))


def _chip(folder: Path, site: str, sensor: str, when: str) -> Path:
    return folder / sensor / when / f"{sensor.upper()}_{when}_{site}.jpg"


def _mask(folder: Path, site: str) -> Path:
    return folder / "s2" / "mask" / f"S2_mask_{site}.png"


def _flooded(mask: Path) -> NDArray[np.uint8]:
    """Return (h, w): 1 where there is flood water, else 0."""
    flooded: NDArray[np.uint8] = (read_classes(mask) > 0).astype(np.uint8)
    return flooded
