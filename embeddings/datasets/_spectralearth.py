"""SpectralEarth: EnMAP patches of 202 bands at several dates, for pretraining and with land-cover masks.

Braham et al. 2024 (https://arxiv.org/abs/2408.08447, https://github.com/AABNassim/spectral_earth); DLR's GeoService has
the files. `enmap/LOCATION/SCENE.tif` are 128 x 128 pixels of surface reflectance times 10000, without the water-vapour
bands: the 202-band layout of the sensor `enmap`, in order of wavelength (the authors draw bands 44, 29 and 11 as red,
green and blue).

- Without split files each location is one sample with a view a date: `image`, or `date-1`, `date-2`... by scene number.
- With `splits/enmap_PRODUCT/train.txt` (`val`, `test`), as in the authors' repository under `data/`, each line
  `LOCATION/SCENE.tif` is a sample; its mask is `PRODUCT/LOCATION/SCENE.tif`, where that is there. A product is `cdl`,
  `corine`, `nlcd`, `eurocrops`, `bdforet`, `treemap` or `bnetd`; mask values are the product's own codes.
- A location is a group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core import Dataset, InputError, Sample, SceneError, load_sensor, safe_name
from embeddings.datasets._listed import ListedDataset, files_under, folders_under, inside, read_text, wrong_layout
from embeddings.datasets._opening import opened_raster, path_errors
from embeddings.datasets._read import raster_view

BANDS = 202
"""Bands that are left without those in water vapour (https://arxiv.org/abs/2408.08447)."""

EXPECTED = """ROOT/
  enmap/0350205/09708.tif (202 bands)
and for a task with labels
  nlcd/0350205/09708.tif
  splits/enmap_nlcd/train.txt, val.txt, test.txt (or data/splits/...), one LOCATION/SCENE.tif a line"""

_SPLIT = re.compile(r"enmap_([a-z0-9]+)")


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One line of a split file."""

    split: str
    product: str
    file: str


def open_spectralearth(name: str, root: Path) -> Dataset:
    """List the patches under `root`.

    Raises:
        InputError: There is no folder `enmap` of patches, or a split file names what is not there.
    """
    if not (root / "enmap").is_dir():
        raise wrong_layout(name, root, "no folder enmap", EXPECTED)
    lines = list(_lines(root))
    for line in lines:
        if not (root / "enmap" / line.file).is_file():
            problem = f"no enmap/{line.file}, though enmap_{line.product}/{line.split}.txt names it"
            raise wrong_layout(name, root, problem, EXPECTED)
    if lines:
        splits = tuple(sorted({line.split for line in lines}))
        return ListedDataset(name=name, splits=splits, entries=partial(_labelled, name, root, lines))
    if not any(files_under(folder, (".tif",)) for folder in folders_under(root / "enmap")):
        raise wrong_layout(name, root, "no enmap/LOCATION/SCENE.tif", EXPECTED)
    return ListedDataset(name=name, splits=(), entries=partial(_locations, name, root))


def _lines(root: Path) -> Iterator[_Line]:
    for folder in (root / "splits", root / "data" / "splits"):
        for task in folders_under(folder) if folder.is_dir() else ():
            product = _SPLIT.fullmatch(task.name)
            for table in files_under(task, (".txt",)) if product else ():
                yield from (_checked(table, str(product and product[1]), line) for line in _nonempty(table))


def _nonempty(table: Path) -> list[str]:
    return [line.strip() for line in read_text(table).splitlines() if line.strip()]


def _checked(table: Path, product: str, line: str) -> _Line:
    if inside(Path(), line) is None or not line.endswith(".tif"):
        raise InputError(f"{table} has the line {line[:80]!r}; expected LOCATION/SCENE.tif")
    return _Line(split=table.stem, product=product, file=line)


def _labelled(name: str, root: Path, lines: list[_Line]) -> Iterator[Sample]:
    bands = _bands()
    for line in lines:
        sample_id = safe_name(f"{line.product}-{line.file.removesuffix('.tif')}")
        mask = root / line.product / line.file
        image = root / "enmap" / line.file
        yield Sample(
            sample_id=sample_id,
            split=line.split,
            group=Path(line.file).parts[0],
            views=(raster_view(name, sample_id, image, role="image", sensor="enmap/dn", bands=bands),),
            mask=partial(_codes, mask) if mask.is_file() else None,
        )


def _locations(name: str, root: Path) -> Iterator[Sample]:
    bands = _bands()
    for folder in folders_under(root / "enmap"):
        files = files_under(folder, (".tif",))
        roles = ["image"] if len(files) == 1 else [f"date-{number}" for number in range(1, len(files) + 1)]
        sample_id = safe_name(folder.name)
        views = tuple(
            raster_view(name, sample_id, file, role=role, sensor="enmap/dn", bands=bands)
            for role, file in zip(roles, files, strict=True)
        )
        if views:
            yield Sample(sample_id=sample_id, split=None, group=sample_id, views=views)


def _bands() -> tuple[str, ...]:
    sensor, _ = load_sensor("enmap")
    return next(layout for layout in sensor.layouts if len(layout) == BANDS)


def _codes(path: Path) -> NDArray[np.integer]:
    with path_errors(path), opened_raster(path) as dataset:
        if dataset.count != 1 or np.dtype(dataset.dtypes[0]).kind not in "iu":
            raise SceneError(f"has {dataset.count} bands of {dataset.dtypes[0]}; expected one band of integers")
        codes: NDArray[np.integer] = dataset.read(1)
    return codes
