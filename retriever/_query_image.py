"""An example picture as a tile of the ``rgb`` sensor, ready for an encoder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from core import QueryError, Settings, Tile, picture_tile
from retriever._request import Picture

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
"""What Pillow may try to read; its rarer decoders are kept away from foreign files."""

MAX_SIDE = 1024
"""Longest side kept, in pixels: encoders look at 64 to 336, and a larger picture only costs memory."""

_TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
_DEEP_MODES = ("I", "F")
_COLOURS = ("red", "green", "blue")


def query_tile(picture: Picture) -> Tile:
    """Return a picture as one tile, at most ``MAX_SIDE`` pixels a side.

    Args:
        picture: A JPEG, PNG, WebP or TIFF file (a GeoTIFF too, where it declares 8-bit red, green and blue), a Pillow
            image, or (h, w, 3) uint8 numbers. Transparent pixels count as invalid.

    Raises:
        QueryError: It cannot be read, is too large, or is not an 8-bit picture.
    """
    if isinstance(picture, Path):
        name, image = str(picture), _read(picture)
    elif isinstance(picture, Image.Image):
        name, image = "picture", _colours(picture, "the picture")
    else:
        name, image = "array", Image.fromarray(_checked_array(picture)).convert("RGBA")
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return _tile(np.asarray(image), name)


def _read(path: Path) -> Image.Image:
    if not path.is_file():
        raise QueryError(f"no picture {str(path)!r}; expected a JPEG, PNG, WebP or TIFF file")
    if path.suffix.lower() in _TIFF_SUFFIXES:
        return _read_tiff(path)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; the limit that counts here is our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=FORMATS) as image:
                _check_size(image.width, image.height, str(path))
                return _colours(image, str(path))
    except QueryError:
        raise
    except UnidentifiedImageError:
        raise QueryError(f"{path} is not a JPEG, PNG, WebP or TIFF picture") from None
    except Exception as error:
        raise QueryError(f"cannot read the picture {path}: {error}") from None


def _check_size(width: int, height: int, name: str) -> None:
    most = Settings().max_picture_pixels
    if width * height > most:
        raise QueryError(
            f"{name} has {width} x {height} pixels; at most {most:,} are accepted (SWATH_MAX_PICTURE_PIXELS)"
        )


def _colours(image: Image.Image, name: str) -> Image.Image:
    if image.mode.split(";")[0] in _DEEP_MODES:
        raise QueryError(f"{name} has more than 8 bits a pixel (mode {image.mode}); give an 8-bit colour picture")
    return ImageOps.exif_transpose(image).convert("RGBA")


def _read_tiff(path: Path) -> Image.Image:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            # A plain picture has no georeference, and needs none here.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path) as raster:
                _check_size(raster.width, raster.height, str(path))
                pixels = raster.read(_colour_bands(raster, path))
                mask = raster.dataset_mask()
    except RasterioError as error:
        raise QueryError(f"cannot read the picture {path}: {error}") from None
    pixels = np.broadcast_to(pixels, (3, *mask.shape))
    return Image.fromarray(np.dstack([*pixels, mask]))


def _colour_bands(raster: Any, path: Path) -> list[int]:
    """The 1-based numbers of red, green and blue, or of the only gray band."""
    declared = [colour.name for colour in raster.colorinterp]
    if set(raster.dtypes) == {"uint8"}:
        if set(_COLOURS) <= set(declared):
            return [declared.index(colour) + 1 for colour in _COLOURS]
        if declared in (["gray"], ["gray", "alpha"]):
            return [1]
    found = f"{raster.count} band{'s' * (raster.count != 1)} of {raster.dtypes[0]}"
    raise QueryError(
        f"{path} has {found} and does not declare 8-bit red, green and blue; "
        "give a colour picture, or index the file and search with like"
    )


def _checked_array(pixels: object) -> NDArray[np.uint8]:
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        found = f"{pixels.dtype} {pixels.shape}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise QueryError(f"image must be a file, a Pillow image or uint8 (h, w, 3), got {found}")
    if not pixels.size:
        raise QueryError(f"image has no pixels: {pixels.shape}")
    _check_size(pixels.shape[1], pixels.shape[0], "image")
    return np.ascontiguousarray(pixels)


def _tile(rgba: NDArray[np.uint8], name: str) -> Tile:
    mask = rgba[..., 3] > 0
    if not mask.any():
        raise QueryError(f"{name} has no visible pixel")
    return picture_tile(rgba[..., :3], mask, name="query", collection="query", href=name)
