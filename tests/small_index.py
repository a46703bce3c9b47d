"""A four-tile index made through the front door from one generated scene."""

from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

import swath

TINY = 4
"""Tiles in it."""


def build_small_index(into: Path) -> Path:
    """Index one 448 x 448 RGB GeoTIFF of coloured noise and return the index directory."""
    into.parent.mkdir(parents=True, exist_ok=True)
    scene = into.parent / "scene.tif"
    pixels = np.random.default_rng(3).integers(1, 255, (3, 448, 448)).astype("uint8")
    place = {"crs": "EPSG:32632", "transform": from_origin(500_000, 4_900_000, 10, 10)}
    with rasterio.open(scene, "w", driver="GTiff", width=448, height=448, count=3, dtype="uint8", **place) as dataset:
        dataset.write(pixels)
        dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    swath.index(str(scene), into=into)
    return into
