"""How large a picture may become, read from its first bytes: unpacking a hostile one is what costs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import BoundedSemaphore

import numpy as np
from PIL import Image, UnidentifiedImageError

from core import QueryError

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
"""What is looked at; Pillow knows dozens more, some of which start other programs."""

MAX_PIXELS = 25_000_000
"""Most pixels of a picture to search with: more than a phone's camera takes, some 175 MB while it is unpacked."""

MAX_BYTES = 4 * MAX_PIXELS
"""Most bytes of it unpacked: a colour picture with transparency; a GeoTIFF of many bands may have fewer pixels."""

AT_ONCE = 2
"""Pictures unpacked at the same time: the memory they take together stays bounded."""

_UNPACKING = BoundedSemaphore(AT_ONCE)


@contextmanager
def unpacking(content: bytes) -> Iterator[None]:
    """Check a picture, then wait until it may be unpacked inside the block.

    Raises:
        QueryError: It is too large. What is no picture at all is left to whoever unpacks it.
    """
    check_picture(content)
    with _UNPACKING:
        yield


def check_picture(content: bytes) -> None:
    """Do nothing where a picture has few enough pixels.

    Raises:
        QueryError: It has more; the message says how many.
    """
    width, height, size = _claimed(content)
    if width * height > MAX_PIXELS or size > MAX_BYTES:
        raise QueryError(
            f"the picture has {width:,} x {height:,} pixels, {size / 2**20:,.0f} MB unpacked;"
            f" at most {MAX_PIXELS:,} pixels and {MAX_BYTES / 2**20:.0f} MB are accepted"
        )


def _claimed(content: bytes) -> tuple[int, int, int]:
    """Width, height and bytes unpacked, as the header says."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=FORMATS) as image:
                if image.format == "TIFF":
                    return _claimed_tiff(content)
                return image.width, image.height, image.width * image.height * len(image.getbands())
    except Image.DecompressionBombError:
        raise QueryError("the picture has far more pixels than are accepted") from None
    except QueryError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        # Pillow knows fewer TIFF than GDAL does.
        return _claimed_tiff(content) if content[:2] in {b"II", b"MM"} else (0, 0, 0)


def _claimed_tiff(content: bytes) -> tuple[int, int, int]:
    import rasterio
    from rasterio._err import CPLE_BaseError  # what a damaged header raises has no public name
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.MemoryFile(content) as memory, memory.open(driver="GTiff") as raster:
                pixel = sum(np.dtype(kind).itemsize for kind in raster.dtypes)
                return raster.width, raster.height, raster.width * raster.height * pixel
    except (RasterioError, CPLE_BaseError, TypeError, ValueError):  # no TIFF, or of numbers that numpy has no name for
        return 0, 0, 0
