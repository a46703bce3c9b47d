"""An example picture as a tile, ready for an encoder: of the ``rgb`` sensor, or a GeoTIFF of its own."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from core import AmbiguousSensorError, QueryError, SceneError, SensorError, Settings, Tile, picture_tile
from indexer import open_raster, scene_errors
from indexer.sources import example_tile
from retriever._terms import Picture

FORMATS = ("JPEG", "PNG", "WEBP")
"""What Pillow may try to read, TIFF being left to GDAL; its rarer decoders are kept away from foreign files."""

MAX_SIDE = 1024
"""Longest side kept, in pixels: encoders look at 64 to 336, and a larger picture only costs memory."""

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF (6.0, section 2) and of BigTIFF."""

_SENT = "the picture"
"""What a picture without a path is called."""

_DEEP_MODES = ("I", "F")
_COLOURS = ("red", "green", "blue")


def query_tile(picture: Picture, *, sensor: str | None = None) -> Tile:
    """Return a picture as one tile, at most ``MAX_SIDE`` pixels a side.

    Args:
        picture: A JPEG, PNG, WebP or TIFF file or its content, a Pillow image, or (h, w, 3) uint8 numbers. Transparent
            pixels count as invalid. A GeoTIFF that is no 8-bit colour picture is read as its sensor's tiles are.
        sensor: Sensor of a TIFF, such as ``sentinel-1-rtc/db``; None goes by the file.

    Raises:
        QueryError: It cannot be read, is too large, or is not an 8-bit picture.
        SensorError: No sensor fits the bands of a GeoTIFF, or several do.
    """
    if isinstance(picture, Path | bytes):
        return _file_tile(picture, sensor)
    if isinstance(picture, Image.Image):
        name, image = "picture", _colours(picture, "the picture")
    else:
        name, image = "array", Image.fromarray(_checked_array(picture)).convert("RGBA")
    return _picture_tile(image, name)


def _picture_tile(image: Image.Image, name: str) -> Tile:
    image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.BOX)
    return _tile(np.asarray(image), name)


def _file_tile(picture: Path | bytes, sensor: str | None) -> Tile:
    if isinstance(picture, Path):
        if not picture.is_file():
            raise QueryError(f"no picture {str(picture)!r}; expected a JPEG, PNG, WebP or TIFF file")
        with picture.open("rb") as file:
            start = file.read(len(_TIFF_STARTS[0]))
        name = str(picture)
    else:
        start, name = picture[: len(_TIFF_STARTS[0])], _SENT
    if start not in _TIFF_STARTS:
        return _picture_tile(_read(picture, name), name)
    if isinstance(picture, Path):
        return _tiff_tile(picture, name, sensor)
    with TemporaryDirectory(prefix="swath-") as folder:
        # In a folder of its own, so that no file beside it can be taken for its sidecar.
        path = Path(folder, "picture.tif")
        path.write_bytes(picture)
        return _tiff_tile(path, name, sensor)


def _read(picture: Path | bytes, name: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; the limit that counts here is our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(picture) if isinstance(picture, bytes) else picture, formats=FORMATS) as image:
                _check_size(image.width, image.height, name)
                return _colours(image, name)
    except QueryError:
        raise
    except UnidentifiedImageError:
        raise QueryError(f"{name} is not a JPEG, PNG, WebP or TIFF picture") from None
    except Exception as error:
        raise QueryError(f"cannot read {_the(name)}: {error}") from None


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


def _tiff_tile(path: Path, name: str, sensor: str | None) -> Tile:
    """A colour picture as every other; all else as its sensor says, or is found to."""
    colours, only = (None, False) if sensor is not None else _read_colours(path, name)
    if colours is not None and only:
        return _picture_tile(colours, name)
    try:
        return example_tile(path, sensor=sensor)
    except SceneError as error:
        raise QueryError(f"{name} {error}") from None
    except SensorError as error:
        if colours is not None:
            return _picture_tile(colours, name)
        raise QueryError(_unsensed(name, error)) from None


def _the(name: str) -> str:
    return name if name == _SENT else f"{_SENT} {name}"


def _unsensed(name: str, error: SensorError) -> str:
    if isinstance(error, AmbiguousSensorError):
        fitting = ", ".join(error.candidates)
        return f"{name}: nothing says which sensor it comes from; name it as image_sensor, one of {fitting}"
    return f"{name}: {error}"


def _read_colours(path: Path, name: str) -> tuple[Image.Image | None, bool]:
    """The 8-bit red, green and blue, or gray, that a file declares, if it does; and whether there is nothing else."""
    try:
        with open_raster(str(path)) as raster, scene_errors(str(path)):
            _check_size(raster.width, raster.height, name)
            declared = [colour.name for colour in raster.colorinterp]
            bands = _colour_bands(declared) if set(raster.dtypes) == {"uint8"} else None
            if bands is None:
                return None, False
            pixels, mask = raster.read(bands), raster.dataset_mask()
    except SceneError as error:
        raise QueryError(f"{name} {error}") from None
    pixels = np.broadcast_to(pixels, (3, *mask.shape))
    only = set(declared) <= {"gray", "alpha", *_COLOURS}
    return Image.fromarray(np.dstack([*pixels, mask])), only


def _colour_bands(declared: list[str]) -> list[int] | None:
    """The 1-based numbers of red, green and blue, or of the only gray band."""
    if set(_COLOURS) <= set(declared):
        return [declared.index(colour) + 1 for colour in _COLOURS]
    return [1] if declared in (["gray"], ["gray", "alpha"]) else None


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
