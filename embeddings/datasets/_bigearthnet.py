"""reBEN, BigEarthNet v2: pairs of Sentinel-1 and Sentinel-2 patches with CORINE classes (Clasen et al. 2025).

Layout of https://zenodo.org/records/10891137: one folder a patch with one file a band, and `metadata.parquet`. All
bands come at 120 x 120 pixels of 10 m: those of 20 and 60 m are resampled. Sentinel-1 is GRD in dB; Sentinel-2 is Level
2A by sen2cor 2.11 without the offset of baseline 04.00 (https://arxiv.org/abs/2407.03653; published mean of B02: 438).
Patches cut from one Sentinel-2 tile of one day are one group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from core import InputError, Sample, View
from embeddings.datasets._listed import ListedDataset, ordered_splits, sentences, wrong_layout
from embeddings.datasets._read import bands_view, read_classes
from embeddings.datasets._tables import read_parquet

_SENSORS = {
    "s1": ("sentinel-1-grd/db", ("VV", "VH")),
    "s2": (
        "sentinel-2-l2a/dn",
        ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"),
    ),
}

_COLUMNS = ("patch_id", "labels", "split", "s1_name")
_PATCH = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+){4,}")
_DATE = re.compile(r"_(\d{8}T\d{6})_")
_TREE = """
metadata.parquet   (patch_id, labels, split, s1_name, ...)
BigEarthNet-S2/S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP/S2A_..._T33UUP_26_57/S2A_..._T33UUP_26_57_B02.tif
BigEarthNet-S1/S1A_IW_GRDH_1SDV_20170613T165043/S1A_..._33UUP_26_57/S1A_..._33UUP_26_57_VV.tif
Reference_Maps/S2A_..._T33UUP/S2A_..._T33UUP_26_57/S2A_..._T33UUP_26_57_reference_map.tif   (optional)
"""


def open_bigearthnet(name: str, root: Path) -> ListedDataset:
    """Open reBEN; one of the two sensors may be left out.

    Raises:
        InputError: `metadata.parquet` or both sensors' folders are missing; the message shows the expected tree.
    """
    table = root / "metadata.parquet"
    if not table.is_file():
        raise wrong_layout(name, root, "no metadata.parquet", _TREE)
    if not any((root / folder).is_dir() for folder in ("BigEarthNet-S1", "BigEarthNet-S2")):
        raise wrong_layout(name, root, "neither BigEarthNet-S1/ nor BigEarthNet-S2/", _TREE)
    splits = ordered_splits(row["split"] for row in read_parquet(table, _COLUMNS))
    return ListedDataset(name=name, splits=splits, entries=partial(_samples, name, root, table))


def _samples(name: str, root: Path, table: Path) -> Iterator[Sample]:
    for row in read_parquet(table, _COLUMNS):
        yield _sample(name, root, row)


def _sample(name: str, root: Path, row: Mapping[str, Any]) -> Sample:
    patch, s1_name = row["patch_id"], row["s1_name"]
    for text in (patch, s1_name):
        if not isinstance(text, str) or not _PATCH.fullmatch(text):
            raise InputError(f"{root / 'metadata.parquet'} holds {text!r}, which is no name of a patch")
    tile = patch.rsplit("_", 2)[0]
    labels = sentences(row["labels"] or ())
    folders = {
        "s2": root / "BigEarthNet-S2" / tile / patch,
        "s1": root / "BigEarthNet-S1" / s1_name.rsplit("_", 3)[0] / s1_name,
    }
    views = tuple(_view(name, patch, role, folder) for role, folder in folders.items() if folder.parent.parent.is_dir())
    reference = root / "Reference_Maps" / tile / patch / f"{patch}_reference_map.tif"
    mask = partial(read_classes, reference) if (root / "Reference_Maps").is_dir() else None
    return Sample(sample_id=patch, split=row["split"], group=tile, views=views, labels=labels, mask=mask)


def _view(name: str, patch: str, role: str, folder: Path) -> View:
    sensor, bands = _SENSORS[role]
    paths = {band: folder / f"{folder.name}_{band}.tif" for band in bands}
    return bands_view(name, patch, paths, role=role, sensor=sensor, datetime=_date(folder.name))


def _date(patch: str) -> datetime | None:
    found = _DATE.search(patch)
    return datetime.strptime(found[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None
