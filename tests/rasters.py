"""Small rasters written for tests, and the scenes a source would make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from core import Asset, Scene, load_sensor
from indexer import TilingOptions
from indexer._pixels import OpenScene

UTM = "EPSG:32630"
ORIGIN = Affine(10, 0, 400_000, 0, -10, 4_600_000)
"""Ten-metre pixels in the middle of UTM zone 30 north."""


def write_raster(
    path: Path,
    pixels: NDArray[Any],
    *,
    crs: str | None = UTM,
    transform: Affine = ORIGIN,
    mask: NDArray[np.bool_] | None = None,
    **profile: Any,
) -> str:
    """Write (bands, h, w) pixels as a GeoTIFF, or as ``profile["driver"]`` says, and return its path."""
    count, height, width = pixels.shape
    options = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype, **profile}
    if crs is not None:
        options |= {"crs": crs, "transform": transform}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **options) as dataset:
        dataset.write(pixels)
        if mask is not None:
            dataset.write_mask(mask)
    return str(path)


def scene_of(href: str, sensor: str, bands: str, **fields: Any) -> Scene:
    """Return the scene of one file that holds some bands in order; ``sensor`` may name an encoding after a slash."""
    names = tuple(bands.split())
    asset = Asset(href=href, bands=names, indexes=tuple(range(1, len(names) + 1)))
    return scene_of_assets((asset,), sensor, **fields)


def scene_of_assets(assets: tuple[Asset, ...], sensor: str, **fields: Any) -> Scene:
    """Return the scene of several files."""
    found, encoding = load_sensor(sensor)
    defaults: dict[str, Any] = {
        "scene_id": "scene",
        "collection": "test",
        "href": assets[0].href,
        "assets": assets,
        "sensor": found,
        "encoding": encoding or found.encodings[0],
        "datetime": None,
        "fingerprint": "1",
    }
    return Scene(**(defaults | fields))


def plan(scene: Scene, options: TilingOptions) -> tuple[int, int]:
    """Return the rows and columns of a scene's grid."""
    with OpenScene(scene, options) as opened:
        return opened.rows, opened.cols
