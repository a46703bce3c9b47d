"""Small rasters and pictures as our own writers make them, one of each kind that is read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from PIL import Image
from rasterio.enums import ColorInterp, Resampling

SIDE = 64
"""Pixels: most of a file is its header then."""

_PLACE: Mapping[str, Any] = {"crs": "EPSG:32630", "transform": Affine(10, 0, 400_000, 0, -10, 4_600_000)}
_RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)


def _pixels(count: int, dtype: str) -> Any:
    return np.random.default_rng(count).integers(1, 250, (count, SIDE, SIDE)).astype(dtype)


def raster(
    count: int, dtype: str, *, colours: Any = None, tags: Any = None, overviews: bool = False, **profile: Any
) -> bytes:
    """Return a GeoTIFF, or what ``driver`` says."""
    options = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": count, "dtype": dtype, **_PLACE, **profile}
    with rasterio.MemoryFile() as memory:
        with memory.open(**options) as dataset:
            dataset.write(_pixels(count, dtype))
            if colours:
                dataset.colorinterp = colours
            if tags:
                dataset.update_tags(**tags)
            if overviews:
                dataset.build_overviews([2, 4], Resampling.nearest)
        return bytes(memory.read())


@cache
def geotiffs() -> tuple[bytes, ...]:
    """Return GeoTIFFs of every layout that the tests of the readers have: tiles, strips, overviews, codecs, orders."""
    tiled = {"tiled": True, "blockxsize": 16, "blockysize": 16}
    return (
        raster(3, "uint8", colours=_RGB),
        raster(3, "uint8", colours=_RGB, compress="jpeg", photometric="ycbcr", **tiled),
        raster(4, "uint8", colours=(*_RGB, ColorInterp.alpha), compress="lzw", predictor=2, interleave="pixel"),
        raster(12, "uint16", compress="deflate", nodata=0, overviews=True, **tiled),
        raster(12, "uint16", compress="zstd", endianness="big", interleave="band"),
        raster(2, "float32", tags={"units": "dB"}, compress="deflate", predictor=3, nodata=float("nan")),
        raster(
            3,
            "uint8",
            colours=_RGB,
            bigtiff="yes",
            compress="packbits",
            tags={"TIFFTAG_DATETIME": "2021:01:02 03:04:05"},
        ),
        raster(3, "uint8", colours=_RGB, crs="EPSG:4326", transform=Affine(1e-4, 0, 179.998, 0, -1e-4, 89.99)),
        raster(3, "uint8", colours=_RGB, driver="COG", compress="webp", blocksize=128),
    )


@cache
def jpeg2000s() -> tuple[bytes, ...]:
    """Return JPEG 2000 files with GeoJP2 boxes."""
    return (
        raster(3, "uint8", driver="JP2OpenJPEG", quality=100, reversible="yes"),
        raster(1, "uint16", driver="JP2OpenJPEG", blockxsize=32, blockysize=32),
    )


@cache
def pngs() -> tuple[bytes, ...]:
    """Return PNGs of several modes."""
    colours = Image.fromarray(np.moveaxis(_pixels(3, "uint8"), 0, -1))
    whole = [saved(colours, "PNG"), saved(colours.convert("P"), "PNG"), saved(colours.convert("LA"), "PNG")]
    return (*whole, saved(colours.convert("RGBA"), "PNG", exif=colours.getexif().tobytes(), dpi=(72, 72)))


@cache
def other_pictures() -> tuple[bytes, ...]:
    """Return JPEGs and WebPs."""
    colours = Image.fromarray(np.moveaxis(_pixels(3, "uint8"), 0, -1))
    turned = Image.Exif()
    turned[0x0112] = 6
    return (
        saved(colours, "JPEG", exif=turned.tobytes()),
        saved(colours, "JPEG", progressive=True, quality=30),
        saved(colours.convert("CMYK"), "JPEG"),
        saved(colours.convert("L"), "JPEG"),
        saved(colours, "WEBP"),
        saved(colours.convert("RGBA"), "WEBP", lossless=True),
    )


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """Return a picture as a file."""
    whole = io.BytesIO()
    image.save(whole, form, **options)
    return whole.getvalue()
