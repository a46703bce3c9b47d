"""The five example sites of TerraMind: Sentinel-1, Sentinel-2 and land cover on one 10 m grid.

Layout of https://github.com/IBM/terramind (examples), made like TerraMesh (https://arxiv.org/abs/2504.11172), which
adds 1000 to Sentinel-2 numbers of some years, so that they look like processing baseline 04.00. The files do not say
so, and the two levels of one site differ. What was added is therefore measured, file by file, from what physics leaves
no doubt about, and recorded as the tile's offset; see `added_to_l1c` and `added_to_l2a`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import Offset, Sample, SceneError, Tile, View, safe_name
from embeddings.datasets._listed import ListedDataset, files_under, wrong_layout
from embeddings.datasets._opening import opened_raster, path_errors
from embeddings.datasets._place import tagged_date
from embeddings.datasets._read import raster_view, read_classes, read_raster

LAND_COVER = {
    1: "water",
    2: "trees",
    3: "flooded vegetation",
    4: "crops",
    5: "built area",
    6: "bare ground",
    7: "snow/ice",
    8: "clouds",
    9: "rangeland",
}
"""Codes of the land-cover map: the nine classes of the ESRI map, renumbered as TerraMesh does
(https://huggingface.co/datasets/ibm-esa-geospatial/TerraMesh; https://livingatlas.arcgis.com/landcover/)."""

SHARE = 0.1
"""A class is a label of the site where it covers more than this fraction of it."""

STEP = 1000
"""What baseline 04.00 adds to Sentinel-2 numbers
(https://sentiwiki.copernicus.eu/web/s2-processing#S2Processing-L1CRadiometricOffset)."""

_CIRRUS = 11
_SWIR_L1C, _SWIR_L2A = [12, 13], [11, 12]
"""Band numbers in the files: B10 of Level 1C; B11 and B12 of both levels."""

_MODALITIES = ("S1RTC", "S2L1C", "S2L2A", "S2RGB", "LULC")
_TREE = """
S1RTC/38D_378R_2_3.tif   (VV, VH in dB)
S2L1C/38D_378R_2_3.tif   (13 bands)
S2L2A/38D_378R_2_3.tif   (12 bands, no B10)
S2RGB/38D_378R_2_3.tif   (8-bit)
LULC/38D_378R_2_3.tif    (codes 1..9)
"""


def open_terramind(name: str, root: Path) -> ListedDataset:
    """Open the sites.

    Raises:
        InputError: A folder is missing or holds other sites; the message shows the expected tree.
    """
    listed = {folder: _sites(root / folder) for folder in _MODALITIES}
    sites = listed["S1RTC"]
    for folder, found in listed.items():
        if not found:
            raise wrong_layout(name, root, f"no .tif in {folder}/", _TREE)
        if found != sites:
            odd = min(set(found) ^ set(sites))
            raise wrong_layout(name, root, f"{odd}.tif is not in both S1RTC/ and {folder}/", _TREE)
    return ListedDataset(name=name, splits=(), entries=partial(_samples, name, root, sites))


def _sites(folder: Path) -> list[str]:
    return [path.stem for path in files_under(folder, (".tif",))] if folder.is_dir() else []


def _samples(name: str, root: Path, sites: list[str]) -> Iterator[Sample]:
    for site in sites:
        yield _sample(name, {folder: root / folder / f"{site}.tif" for folder in _MODALITIES}, site)


def _sample(name: str, paths: dict[str, Path], site: str) -> Sample:
    sample_id = safe_name(site)
    mask = partial(read_classes, paths["LULC"])
    return Sample(
        sample_id=sample_id,
        split=None,
        group=sample_id,
        views=(
            raster_view(name, sample_id, paths["S1RTC"], role="s1", sensor="sentinel-1-rtc/db"),
            _optical(name, sample_id, paths, role="s2"),
            _optical(name, sample_id, paths, role="s2-l1c"),
            raster_view(name, sample_id, paths["S2RGB"], role="rgb", sensor="rgb/dn"),
        ),
        labels=_labels(mask()),
        mask=mask,
    )


def _optical(name: str, sample_id: str, paths: dict[str, Path], *, role: str) -> View:
    read = partial(_read_optical, paths, level1=role == "s2-l1c", name=f"{sample_id}.{role}", collection=name)
    return View(role=role, read=read, files=(paths["S2L1C"], paths["S2L2A"], paths["S2RGB"]))


def _read_optical(paths: dict[str, Path], *, level1: bool, name: str, collection: str) -> Tile:
    """Read one level with the offset that was measured; the date is that of the colour picture made from it."""
    added = added_to_l1c(paths["S2L1C"]) if level1 else added_to_l2a(paths["S2L2A"], paths["S2L1C"])
    origin = "terramind:cirrus" if level1 else "terramind:swir-over-l1c"
    return read_raster(
        paths["S2L1C" if level1 else "S2L2A"],
        sensor="sentinel-2-l1c/dn" if level1 else "sentinel-2-l2a/dn",
        offset=Offset(value=float(-added), origin=origin if added else "none"),
        datetime=_tagged(paths["S2RGB"]),
        name=name,
        collection=collection,
    )


def added_to_l1c(level1: Path) -> int:
    """Return what was added to the Level-1C numbers of a site: 1000 or 0.

    The cirrus band (1.375 um) sees no ground: water vapour absorbs all of it, so that the darkest pixel under a clear
    sky is near 0 (at the five sites: 4, 11 and 36 above 1000, 8 and 54 above 0).

    Raises:
        SceneError: The file cannot be used, or its darkest cirrus pixel is near neither.
    """
    darkest = float(_planes(level1, [_CIRRUS]).min())
    added = STEP * round(darkest / STEP)
    if added not in (0, STEP) or abs(darkest - added) > STEP / 4:
        raise SceneError(f"{level1.name} has a darkest cirrus pixel of {darkest:g}; expected one near 0 or {STEP}")
    return added


def added_to_l2a(level2: Path, level1: Path) -> int:
    """Return what was added to the Level-2A numbers of a site: 1000 or 0.

    At 1.6 and 2.2 um the air hardly scatters: surface reflectance lies a little above that at the top of the
    atmosphere (measured at the five sites: medians of 0.007 to 0.033), while what was added is 0.1.

    Raises:
        SceneError: A file cannot be used, or the difference is near neither.
    """
    above = _planes(level2, _SWIR_L2A) - (_planes(level1, _SWIR_L1C) - added_to_l1c(level1))
    difference = float(np.median(above))
    added = STEP * round(difference / STEP)
    if added not in (0, STEP):
        raise SceneError(f"{level2.name} lies {difference:g} above its Level 1C at 1.6 um; expected about 0 or {STEP}")
    return added


def _planes(path: Path, indexes: list[int]) -> NDArray[np.float64]:
    with path_errors(path), opened_raster(path) as dataset:
        planes: NDArray[np.float64] = dataset.read(indexes).astype(np.float64)
    return planes


def _tagged(path: Path) -> Any:
    with path_errors(path), opened_raster(path) as dataset:
        return tagged_date(dataset.tags())


def _labels(codes: NDArray[Any]) -> tuple[str, ...]:
    """The classes that cover more than SHARE of the map, the largest first."""
    found, counts = np.unique(codes, return_counts=True)
    large = sorted((-count / codes.size, int(code)) for code, count in zip(found, counts, strict=True))
    return tuple(LAND_COVER[code] for share, code in large if -share > SHARE and code in LAND_COVER)
