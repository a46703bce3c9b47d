"""What is looked at in a raster that GDAL has opened, before anything of it is read."""

from __future__ import annotations

import numpy as np
from rasterio.io import DatasetReader

from core import SceneError


def check_alone(dataset: DatasetReader) -> None:
    """Close a file and raise where its metadata lead GDAL to another one: any path or URL, opened by any driver.

    GDAL would go there as soon as it is asked for overviews. The entry may stand in the TIFF itself.

    Raises:
        SceneError: They do.
    """
    if dataset.get_tag_item("OVERVIEW_FILE", "OVERVIEWS"):
        dataset.close()
        raise SceneError("names another file for its overviews, which is not opened; take its OVERVIEW_FILE out")


MAX_BLOCK_BYTES = 256 * 2**20
"""Largest block that is read, for GDAL holds it whole; a band of Sentinel-2 (10,980 px squared, 16 bit) in one fits."""


def check_blocks(dataset: DatasetReader) -> None:
    """Close a file and raise where one block needs more memory than a reader has: a few bytes can claim any size.

    Raises:
        SceneError: One does.
    """
    bands = dataset.count if dataset.profile.get("interleave") == "pixel" else 1
    for (rows, columns), dtype in zip(dataset.block_shapes, dataset.dtypes, strict=True):
        size = rows * columns * bands * (4 if dtype == "complex_int16" else np.dtype(dtype).itemsize)
        if size > MAX_BLOCK_BYTES:
            dataset.close()
            raise SceneError(
                f"has blocks of {columns:,} x {rows:,} px, {size / 2**20:,.0f} MB, at most {MAX_BLOCK_BYTES >> 20} MB "
                "are read; write it anew in tiles, e.g. gdal_translate -co TILED=YES"
            )
