"""Opening files of strangers: known formats only, capped in size, every failure one line."""

from __future__ import annotations

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core import SceneError, Settings

DRIVERS = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG")
"""GDAL formats that are opened; virtual formats could lead anywhere."""

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
"""Pillow formats that are opened."""

EIGHT_BIT = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")
"""Pillow modes that convert to red, green and blue without loss of range
(https://pillow.readthedocs.io/en/stable/handbook/concepts.html#concept-modes)."""


@contextmanager
def path_errors(path: Path) -> Iterator[None]:
    """Check that a path is a regular file, and turn what its readers raise into a SceneError that names it."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise SceneError("is not a regular file")
        with picture_errors():
            yield
    except OSError as error:
        raise SceneError(f"{path.name} cannot be read: {error.strerror or error}") from None
    except SceneError as error:
        raise SceneError(f"{path.name} {error}") from None


@contextmanager
def picture_errors() -> Iterator[None]:
    """Turn what Pillow and rasterio raise on damaged content into a SceneError of one line."""
    from PIL import Image
    from rasterio.errors import RasterioError

    try:
        yield
    except FileNotFoundError:
        raise
    except (RasterioError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SceneError(f"cannot be read: {' '.join(str(error).split())}") from None


def check_pixels(height: int, width: int) -> None:
    """Do nothing where a picture is small enough to be decoded.

    Raises:
        SceneError: It is not; the message names the setting.
    """
    limit = Settings().max_picture_pixels
    if height * width > limit:
        raise SceneError(f"has {width} x {height} pixels; at most {limit:,} are accepted (SWATH_MAX_PICTURE_PIXELS)")


def decode_picture(file: BinaryIO) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return (h, w, 3) colours and the (h, w) mask of what is not transparent; call inside `picture_errors`."""
    from PIL import Image

    with Image.open(file, formats=FORMATS) as picture:
        check_pixels(picture.height, picture.width)
        if picture.mode not in EIGHT_BIT:
            raise SceneError(f"has pixels of mode {picture.mode}; expected 8 bits a channel")
        rgba = np.asarray(picture.convert("RGBA"))
    return rgba[..., :3], rgba[..., 3] > 0


def decode_plane(file: BinaryIO) -> NDArray[Any]:
    """Return the (h, w) integers of a one-band picture, palette indexes as they are; call inside `picture_errors`."""
    from PIL import Image

    with Image.open(file, formats=FORMATS) as picture:
        check_pixels(picture.height, picture.width)
        values = np.asarray(picture)
    if values.ndim != 2 or values.dtype.kind not in "biu":
        raise SceneError(f"holds {values.dtype} pixels of shape {values.shape}; expected one band of integers")
    return values.astype(np.uint8) if values.dtype == bool else values


@contextmanager
def opened_raster(path: Path) -> Iterator[Any]:
    """Open a raster of the known formats with rasterio; call inside `path_errors`."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import DatasetReader

    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)  # `place_of` says so by leaving the place out
    # A folder of 100,000 files must not be listed at every open.
    with (
        rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE"),
        DatasetReader(str(path.absolute()), driver=list(DRIVERS)) as dataset,
    ):
        check_pixels(dataset.height, dataset.width)
        yield dataset
