"""SSL4EO-S12: the same places in Sentinel-1 and Sentinel-2 in four seasons, in any of its three published layouts.

- v1.0 (Wang et al. 2023, https://github.com/zhu-xlab/SSL4EO-S12), extracted: `s1`, `s2c`, `s2a`, one folder a place,
  one a date, one GeoTIFF a band. Google's harmonised Sentinel-2 numbers, so no offset is applied.
- v1.1 (Blumenstiel et al. 2025, https://github.com/DLR-MF-DAS/SSL4EO-S12-v1.1) as `*.zarr.zip` of 64 places each. There
  1000 was added to Sentinel-2 numbers (the published mean of L1C B01 is 2607), so -1000 is applied and recorded.
- v1.1 as `ssl4eos12_shard_*.tar` of one `*.zarr.zip` a place. There the numbers are without it (1607), so none is.

A sample is a place in one season with the views `s1` (GRD sigma0, dB), `s2` (L2A) and `s2-l1c`, as far as they are
downloaded; the place is the group. v1.0 has no splits. In v1.0 each date of the first product is joined by the date
nearest to it of the others; in v1.1 the seasons are aligned. There are no labels or captions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from core import Dataset, Sample, View
from embeddings.datasets._listed import ListedDataset, folders_under, wrong_layout
from embeddings.datasets._read import bands_view
from embeddings.datasets._ssl4eo_zarr import PRODUCTS, Product, shard_files, shard_samples

EXPECTED = """ROOT/ (v1.0)
  s2a/0000000/20200604T054639_20200604T054831_T43RCP/B1.tif, B2.tif... (also s2c)
  s1/0000000/S1A_IW_GRDH_1SDV_20200607T010800_.../VV.tif, VH.tif
or ROOT/ (v1.1)
  train/S2L2A/ssl4eos12_train_seasonal_data_000001.zarr.zip (also S1GRD, S2L1C; val)
or train/S2L2A/ssl4eos12_shard_000001.tar (likewise)"""

_FOLDERS: Mapping[str, Product] = {"s2a": PRODUCTS["S2L2A"], "s2c": PRODUCTS["S2L1C"], "s1": PRODUCTS["S1GRD"]}
"""Folder of v1.0 to product; the first that is there sets the dates."""

_Place = Mapping[datetime, Path]


def open_ssl4eo(name: str, root: Path) -> Dataset:
    """Find out which layout `root` has.

    Raises:
        InputError: None of them; the message shows the expected trees.
        MissingExtraError: v1.1 is there and zarr is not installed.
    """
    folders = {key: root / key for key in _FOLDERS if (root / key).is_dir()}
    if folders:
        if not any(_dates(folder) for part in folders.values() for folder in folders_under(part)[:1]):
            raise wrong_layout(name, root, f"no PLACE/DATE folders in {', '.join(folders)}", EXPECTED)
        return ListedDataset(name=name, splits=(), entries=partial(_samples, name, folders))
    splits = {split: found for split in ("train", "val") if (found := shard_files(root / split))}
    if not splits:
        raise wrong_layout(name, root, "neither s1, s2a or s2c nor train/S2L2A...", EXPECTED)
    return ListedDataset(name=name, splits=tuple(splits), entries=partial(shard_samples, name, splits))


def _samples(name: str, folders: Mapping[str, Path]) -> Iterator[Sample]:
    first, *others = folders
    for place in folders_under(folders[first]):
        dates = _dates(place)
        joined = {key: _dates(folders[key] / place.name) for key in others}
        for number, when in enumerate(sorted(dates)):
            sample_id = f"{place.name}-{number}"
            views = [_view(name, sample_id, first, when, dates[when])]
            for key, found in joined.items():
                if found:
                    near = _nearest(found, when)
                    views.append(_view(name, sample_id, key, near, found[near]))
            yield Sample(sample_id=sample_id, split=None, group=place.name, views=tuple(views))


def _nearest(found: _Place, when: datetime) -> datetime:
    return min(sorted(found), key=lambda date: abs(date - when))


def _dates(place: Path) -> _Place:
    """Date folders of a place, by the first instant in their names."""
    found = {folder: _instant(folder.name) for folder in (folders_under(place) if place.is_dir() else ())}
    return {when: folder for folder, when in found.items() if when}


def _instant(name: str) -> datetime | None:
    for part in name.split("_"):
        try:
            return datetime.strptime(part, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _view(name: str, sample_id: str, key: str, when: datetime, folder: Path) -> View:
    product = _FOLDERS[key]
    paths = {band: folder / f"{_short(band)}.tif" for band in product.bands}
    return bands_view(name, sample_id, paths, role=product.role, sensor=product.sensor, datetime=when)


def _short(band: str) -> str:
    """Band names without the zero: the files are called B1.tif, B8A.tif."""
    return band.replace("B0", "B", 1)
