"""Cloud-optimised GeoTIFFs, every one labelled as synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine

from core import StoreError
from demo._scenes import EPSG, NOTICE

BLOCK = 256
"""Pixels a side of a file's tiles."""


def write_cog(
    path: Path,
    pixels: NDArray[np.generic],
    *,
    transform: Affine,
    instant: datetime,
    names: Sequence[str],
    unit: str,
    overviews: str = "average",
) -> None:
    """Write (bands, h, w) pixels as a COG with band names, nodata 0 and the label.

    Args:
        path: File to write; its folder exists.
        pixels: (bands, h, w).
        transform: Affine in EPSG:32627.
        instant: Acquisition time, UTC.
        names: Band descriptions.
        unit: Tag ``units``.
        overviews: GDAL's name of the resampling for overviews.

    Raises:
        StoreError: GDAL cannot write the file.
    """
    try:
        _write(path, pixels, transform, _tags(instant, unit), names=names, overviews=overviews)
    except Exception as error:
        raise StoreError(f"cannot write {path.name}: {error}") from error


def _tags(instant: datetime, unit: str) -> dict[str, str]:
    return {
        "TIFFTAG_IMAGEDESCRIPTION": NOTICE,
        "TIFFTAG_SOFTWARE": "Swath demo",
        "TIFFTAG_DATETIME": instant.strftime("%Y:%m:%d %H:%M:%S"),
        "SYNTHETIC": "YES",
        "units": unit,
    }


def _write(
    path: Path,
    pixels: NDArray[np.generic],
    transform: Affine,
    tags: dict[str, str],
    *,
    names: Sequence[str],
    overviews: str,
) -> None:
    predictor = "FLOATING_POINT" if pixels.dtype.kind == "f" else "STANDARD"
    with rasterio.open(
        path,
        "w",
        driver="COG",
        count=pixels.shape[0],
        height=pixels.shape[1],
        width=pixels.shape[2],
        dtype=pixels.dtype.name,
        crs=CRS.from_epsg(EPSG),
        transform=transform,
        nodata=0,
        blocksize=BLOCK,
        compress="DEFLATE",
        level=1,
        predictor=predictor,
        overview_resampling=overviews,
    ) as dataset:
        dataset.write(pixels)
        dataset.descriptions = tuple(names)
        dataset.update_tags(**tags)
