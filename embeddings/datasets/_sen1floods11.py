"""Sen1Floods11: hand-labelled chips of eleven floods, Sentinel-1 GRD beside Sentinel-2 Level 1C on one 10 m grid.

Bonafilia et al. 2020 (https://github.com/cloudtostreet/Sen1Floods11), `data/flood_events/HandLabeled` of v1.1: a folder
for each layer, `COUNTRY_NUMBER_LAYERHand.tif`, 512x512. The splits are text files of pairs `S1 file,label file`, as
published in `splits/flood_handlabeled`; without them there is no split. Chips of one country show one flood, so the
country is `Sample.group`. The label is 1 on water (the flood and what is always wet), 0 elsewhere, -1 where
nobody could tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from core import Sample
from embeddings.datasets._listed import ListedDataset, files_under, ordered_splits, read_text, wrong_layout
from embeddings.datasets._read import raster_view, read_classes

EXPECTED = """ROOT/
  S1Hand/Spain_7370579_S1Hand.tif         (VV, VH in dB; the folder may be S1)
  S2Hand/Spain_7370579_S2Hand.tif         (13 bands; or S2)
  LabelHand/Spain_7370579_LabelHand.tif   (-1, 0, 1; or Labels)
  flood_train_data.csv                    (optional; likewise flood_valid_, flood_test_, flood_bolivia_data.csv)
"""

_FOLDERS = {"S1": ("S1Hand", "S1"), "S2": ("S2Hand", "S2"), "Label": ("LabelHand", "Labels")}
_SPLITS = {"train": "train", "valid": "val", "test": "test", "bolivia": "bolivia"}
"""Part of the published list's name to split; the flood in Bolivia is held out as a whole."""
_NAME = re.compile(r"(([A-Za-z-]+)_\d+)_S1Hand\.tif", re.ASCII)


def open_sen1floods11(name: str, root: Path) -> ListedDataset:
    """Open the chips.

    Raises:
        InputError: A folder or a layer of a chip is missing, or a list names another chip; the message shows the
            expected tree.
    """
    folders = {layer: _folder(name, root, choices) for layer, choices in _FOLDERS.items()}
    chips = [found[1] for path in files_under(folders["S1"], (".tif",)) if (found := _NAME.fullmatch(path.name))]
    if not chips:
        raise wrong_layout(name, root, f"no COUNTRY_NUMBER_S1Hand.tif in {folders['S1'].name}/", EXPECTED)
    for path in (_layer(folders, layer, chip) for layer in _FOLDERS for chip in chips):
        if not path.is_file():
            raise wrong_layout(name, root, f"no {path.relative_to(root)}", EXPECTED)
    splits = _splits(name, root, frozenset(chips))
    entries = partial(_samples, name, folders, tuple(chips), splits)
    return ListedDataset(name=name, splits=ordered_splits(splits.values()), entries=entries)


def _folder(name: str, root: Path, choices: tuple[str, ...]) -> Path:
    for choice in choices:
        if (root / choice).is_dir():
            return root / choice
    raise wrong_layout(name, root, f"no folder {choices[0]}/", EXPECTED)


def _layer(folders: Mapping[str, Path], layer: str, chip: str) -> Path:
    return folders[layer] / f"{chip}_{layer}Hand.tif"


def _splits(name: str, root: Path, chips: frozenset[str]) -> dict[str, str]:
    splits: dict[str, str] = {}
    for part, split in _SPLITS.items():
        path = root / f"flood_{part}_data.csv"
        for line in read_text(path).split() if path.is_file() else []:
            found = _NAME.fullmatch(line.partition(",")[0])
            if found is None or found[1] not in chips:
                raise wrong_layout(name, root, f"{path.name} names {line!r}, which is not among the chips", EXPECTED)
            splits[found[1]] = split
    return splits


def _samples(
    name: str, folders: Mapping[str, Path], chips: tuple[str, ...], splits: Mapping[str, str]
) -> Iterator[Sample]:
    for chip in chips:
        yield Sample(
            sample_id=chip,
            split=splits.get(chip),
            group=chip.rpartition("_")[0],
            views=(
                raster_view(name, chip, _layer(folders, "S1", chip), role="s1", sensor="sentinel-1-grd/db"),
                raster_view(name, chip, _layer(folders, "S2", chip), role="s2", sensor="sentinel-2-l1c/dn"),
            ),
            mask=partial(read_classes, _layer(folders, "Label", chip)),
        )
