"""Folders that are classes: AID, NWPU-RESISC45, EuroSAT, UC Merced, and any pictures sorted that way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core import InputError, Sample, View
from embeddings.datasets._listed import (
    PICTURE_ENDINGS,
    ListedDataset,
    files_under,
    folders_under,
    ordered_splits,
    read_text,
    sample_ids,
    wrong_layout,
)
from embeddings.datasets._read import picture_view, raster_view

SPLITS = ("train", "val", "test")
"""Splits of the published lists, and folders that are splits rather than classes."""

EUROSAT_CLASSES = (
    "AnnualCrop",
    "Forest",
    "HerbaceousVegetation",
    "Highway",
    "Industrial",
    "Pasture",
    "PermanentCrop",
    "Residential",
    "River",
    "SeaLake",
)
"""https://github.com/phelber/EuroSAT"""

EUROSAT_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B10", "B11", "B12", "B8A")
"""Order in the multispectral files: B8A is last (https://github.com/phelber/EuroSAT)."""


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How a published dataset lies in its folder."""

    folders: tuple[str, ...]
    """Where the class folders may be, below the root; the first that has any is taken."""
    endings: tuple[str, ...]
    """Endings of its files."""
    tree: str
    """The expected tree."""
    lists: str | None = None
    """Published lists of file names, one a split, with `{}` for the split; None where there are none."""
    classes: tuple[str, ...] = ()
    """Class names, where folders of other names cannot be meant; empty for any."""
    gsd: float | None = None
    """Metres per pixel where it is the same for all."""


# Layouts: https://captain-whu.github.io/AID/ · https://gcheng-nwpu.github.io/#Datasets (RESISC45) ·
# https://github.com/phelber/EuroSAT · http://weegee.vision.ucmerced.edu/datasets/landuse.html.
# Lists: https://storage.googleapis.com/remote_sensing_representations/ (Neumann et al., arXiv:1911.06721).
_LAYOUTS: Mapping[str, _Layout] = {
    "aid": _Layout(
        folders=(".", "AID", "AID_dataset/AID", "images"),
        endings=(".jpg",),
        tree="Airport/airport_1.jpg\nBareLand/bareland_1.jpg\n...   (30 class folders)",
    ),
    "resisc45": _Layout(
        folders=(".", "NWPU-RESISC45"),
        endings=(".jpg",),
        tree="airplane/airplane_001.jpg\nairport/airport_001.jpg\n...   (45 class folders)\n"
        "resisc45-train.txt   (optional lists of file names: -train, -val, -test)",
        lists="resisc45-{}.txt",
    ),
    "eurosat": _Layout(
        folders=(".", "EuroSAT_RGB", "EuroSAT_MS", "2750", "EuroSAT/2750", "allBands",
                 "ds/images/remote_sensing/otherDatasets/sentinel_2/tif"),
        endings=(".jpg", ".tif"),
        tree="AnnualCrop/AnnualCrop_1.jpg   (or .tif with 13 bands)\nForest/Forest_1.jpg\n...   (10 class folders)\n"
        "eurosat-train.txt   (optional lists of file names: -train, -val, -test)",
        lists="eurosat-{}.txt",
        classes=EUROSAT_CLASSES,
        gsd=10.0,
    ),
    "ucmerced": _Layout(
        folders=(".", "Images", "UCMerced_LandUse/Images"),
        endings=(".tif", ".png", ".jpg"),
        tree="Images/agricultural/agricultural00.tif\nImages/airplane/airplane00.tif\n...   (21 class folders)\n"
        "uc_merced-train.txt   (optional lists of file names: -train, -val, -test)",
        lists="uc_merced-{}.txt",
        gsd=0.3048,  # one foot
    ),
    "pictures": _Layout(
        folders=(".",),
        endings=PICTURE_ENDINGS,
        tree="airport/1.jpg\nforest/1.png\n...   (the folder is the class; or train/airport/1.jpg, val/, test/)",
    ),
}  # fmt: skip


def open_class_folders(name: str, root: Path) -> ListedDataset:
    """Open a dataset whose folders are classes.

    Raises:
        InputError: There are no pictures in class folders, or a published list names a picture that is missing; the
            message shows the expected tree.
    """
    layout = _LAYOUTS[name]
    if all((root / folder).is_dir() for folder in ("EuroSAT_RGB", "EuroSAT_MS")):
        raise wrong_layout(name, root, "both EuroSAT_RGB and EuroSAT_MS are there: name one of them", layout.tree)
    found = _find(root, layout)
    if not found:
        raise wrong_layout(name, root, f"no {' '.join(layout.endings)} in class folders", layout.tree)
    splits = _listed_splits(name, root, layout, found) or {path: split for path, split in found.items() if split}
    order = ordered_splits(splits.values())
    return ListedDataset(name=name, splits=order, entries=partial(_samples, name, layout, found, splits))


def _find(root: Path, layout: _Layout) -> dict[Path, str | None]:
    """The pictures in order, with the split that a folder above the classes names."""
    for folder in layout.folders:
        base = root / folder
        found = dict(_pictures(base, layout.endings)) if base.is_dir() else {}
        if any(not layout.classes or path.parent.name in layout.classes for path in found):
            return found
    return {}


def _pictures(base: Path, endings: tuple[str, ...]) -> Iterator[tuple[Path, str | None]]:
    for folder in folders_under(base):
        split = folder.name.lower()
        for inner in folders_under(folder) if split in SPLITS else ():
            yield from ((path, split) for path in files_under(inner, endings))
        yield from ((path, None) for path in files_under(folder, endings))


def _listed_splits(name: str, root: Path, layout: _Layout, found: Mapping[Path, str | None]) -> dict[Path, str]:
    """The split of each picture by the published lists; their names may end otherwise than the files."""
    if layout.lists is None:
        return {}
    by_stem = {path.stem: path for path in found}
    splits: dict[Path, str] = {}
    for split in SPLITS:
        listing = root / layout.lists.format(split)
        for line in read_text(listing).split() if listing.is_file() else ():
            path = by_stem.get(Path(line).stem)
            if path is None:
                raise InputError(f"{listing} names {line!r}, which is not among the pictures of {name} in {root}")
            splits[path] = split
    return splits


def _samples(
    name: str, layout: _Layout, found: Mapping[Path, str | None], splits: Mapping[Path, str]
) -> Iterator[Sample]:
    ids = sample_ids([f"{path.parent.name}/{path.name}" for path in found])
    for sample_id, path in zip(ids, found, strict=True):
        label = path.parent.name
        view = _view(name, layout, sample_id, path)
        yield Sample(sample_id=sample_id, split=splits.get(path), group=sample_id, views=(view,), labels=(label,))


def _view(name: str, layout: _Layout, sample_id: str, path: Path) -> View:
    label = path.parent.name
    if name == "eurosat" and path.suffix.lower() == ".tif":
        sensor = "sentinel-2-l1c/dn"
        return raster_view(name, sample_id, path, role="s2", sensor=sensor, bands=EUROSAT_BANDS, label=label)
    return picture_view(name, sample_id, path, label=label, gsd=layout.gsd)
