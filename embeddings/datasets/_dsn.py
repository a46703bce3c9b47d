"""Deep SAR-Net chips: TerraSAR-X land use and Sentinel-1 ships as amplitude in dB (Huang et al. 2020).

Layout of https://github.com/Alien9427/DSN with its single-look complex chips turned into 8-bit PNG of
20 * log10(amplitude), 0..75 dB on one scale for all (sensor `dsn-sar`). The folder is the class; the scene is part of
the name, `forest_BBE7_HH_33422_15718.png`, and is the group of a sample: neighbouring chips of a scene overlap. The
ships' names start with what the ship reported to be (`Other Type_x13666_y8425.png`), not with their class, and tell
neither scene nor polarisation: they are one group, and VV is assumed, in which Sentinel-1 images the sea beside VH.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from core import Sample, safe_name
from embeddings.datasets._listed import ListedDataset, files_under, folders_under, wrong_layout
from embeddings.datasets._read import raster_view

SUBSETS = ("slc_data", "slc_TSX", "slc_OpenSARShip")
"""Folders of the dataset."""

_SCENE = re.compile(r"_(?P<scene>(?:TSX_)?[A-Z0-9]+)_(?P<polarisation>HH|VV)_\d+_\d+$")

_TREE = """
slc_data/forest/forest_BBE7_HH_33422_15718.png   (8-bit, 64 x 64)
slc_TSX/ships/ships_TSX_1550_HH_1165_3353.png
slc_OpenSARShip/tanker/Tanker_x10004_y2630.png
"""


def open_dsn(name: str, root: Path) -> ListedDataset:
    """Open the chips.

    Raises:
        InputError: None of the three folders is there; the message shows the expected tree.
    """
    subsets = tuple(root / subset for subset in SUBSETS if (root / subset).is_dir())
    if not any(files_under(folder, (".png",)) for subset in subsets for folder in folders_under(subset)):
        raise wrong_layout(name, root, f"no PNG in class folders of {', '.join(SUBSETS)}", _TREE)
    return ListedDataset(name=name, splits=(), entries=partial(_samples, name, subsets))


def _samples(name: str, subsets: tuple[Path, ...]) -> Iterator[Sample]:
    for subset in subsets:
        for folder in folders_under(subset):
            for path in files_under(folder, (".png",)):
                yield _sample(name, path)


def _sample(name: str, path: Path) -> Sample:
    label, subset = path.parent.name, path.parent.parent.name
    sample_id = safe_name(f"{subset}/{label}/{path.stem}")
    found = _SCENE.search(path.stem)
    scene, polarisation = (found["scene"], found["polarisation"]) if found else (subset.removeprefix("slc_"), "VV")
    view = raster_view(name, sample_id, path, role="sar", sensor="dsn-sar", bands=(polarisation,), label=label)
    return Sample(sample_id=sample_id, split=None, group=scene, views=(view,), labels=(label,))
