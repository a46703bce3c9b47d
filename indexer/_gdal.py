"""How rasters are opened, local and remote: one environment, one driver allow-list, one line a failure.

Only GeoTIFF, COG, JPEG 2000, PNG and JPEG are opened. VRT and the other GDAL drivers can name further files and URLs
inside a document and so reach what the caller never meant to open.
"""

from __future__ import annotations

import logging
import math
import os
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import rasterio
import requests
from rasterio._err import CPLE_BaseError  # what properties of a damaged file raise has no public name
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.session import DummySession

from core import SceneError, Settings, SourceError, SwathError
from indexer._hosts import guarded_session, is_url
from indexer._opened import check_alone, check_blocks
from indexer._signatures import redacted

DRIVERS = ("GTiff", "JP2OpenJPEG", "PNG", "JPEG")
"""GDAL drivers that may open a file; a COG is read by GTiff (https://gdal.org/drivers/raster/cog.html)."""

RASTER_ERRORS = (RasterioError, CPLE_BaseError, OSError, ValueError, TypeError, MemoryError)
"""What reading a damaged file may raise: TypeError for numbers unknown to numpy, MemoryError for huge blocks."""

# A plain picture has no transform, which rasterio warns about at every open.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)


_SETTINGS: ContextVar[Settings | None] = ContextVar("settings of the environment", default=None)


@contextmanager
def gdal_env(settings: Settings) -> Iterator[None]:
    """Enter the environment for every raster read: bounded cache, timeouts, retries and few remote requests.

    GDAL signs ``s3://`` reads itself from the usual ``AWS_*`` variables and files; boto3 is not involved. Of
    ``AWS_ENDPOINT_URL``, which GDAL does not know, the GDAL options are derived.
    """
    # GDAL reads whole seconds, and takes 0 for no limit.
    timeout = str(math.ceil(settings.http_timeout_s))
    environment = rasterio.Env(
        session=DummySession(),
        GDAL_CACHEMAX=settings.gdal_cache_mb * 2**20,
        # Reading a cut-off PNG whole, GDAL 3.10 returns what happened to be in memory and reports no error.
        GDAL_PNG_WHOLE_IMAGE_OPTIM="NO",
        GDAL_HTTP_TIMEOUT=timeout,
        GDAL_HTTP_CONNECTTIMEOUT=timeout,
        **_HTTP_OPTIONS,
        **_s3_options(os.environ.get("AWS_ENDPOINT_URL", "")),
    )
    token = _SETTINGS.set(settings)
    try:
        with environment:
            yield
    finally:
        _SETTINGS.reset(token)


# https://gdal.org/user/configoptions.html#networking-options and
# https://developmentseed.org/titiler/advanced/performance_tuning/
_HTTP_OPTIONS = {
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_VERSION": "2TLS",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
}


def _s3_options(endpoint: str) -> dict[str, str]:
    if not endpoint:
        return {}
    parts = urlsplit(endpoint)
    secure = "YES" if parts.scheme == "https" else "NO"
    return {"AWS_S3_ENDPOINT": parts.netloc, "AWS_HTTPS": secure, "AWS_VIRTUAL_HOSTING": "FALSE"}


def open_raster(href: str) -> DatasetReader:
    """Open a path, ``s3://`` or ``http(s)://`` href for reading; the caller closes it. Reads headers only.

    Remote hrefs should be opened, and read, inside ``with gdal_env(settings):``. GDAL follows redirects wherever they
    lead, so an address is asked first by a session that only goes to allowed hosts.

    Raises:
        SceneError: Missing, empty, not a regular file, damaged, not one of the supported formats, on a host, or
            redirected to one, that is not allowed, or pointing to further files.
    """
    path = gdal_path(href)
    remote = path.startswith("/vsi")
    if not remote:
        check_regular_file(path)
    elif is_url(href):
        _check_redirects(href, _SETTINGS.get() or Settings())
    # A folder of 100,000 files must not be listed at every open: sidecars are looked up by name on a local disk,
    # and not at all in a bucket.
    siblings = "EMPTY_DIR" if remote else "TRUE"
    with scene_errors(href), rasterio.Env(session=DummySession(), GDAL_DISABLE_READDIR_ON_OPEN=siblings), _LostTags():
        if not remote:
            _check_beside(path)
        dataset = DatasetReader(path, driver=list(DRIVERS))
        check_alone(dataset)
        check_blocks(dataset)
        return dataset


_BESIDE = (".ovr", ".OVR", ".msk", ".MSK")
"""Overviews and masks in files of their own (https://gdal.org/programs/gdaladdo.html), which may have some, too."""

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF (6.0, section 2) and of BigTIFF."""


def _check_beside(path: str) -> None:
    """Raise where overviews or a mask beside a local file are no TIFFs that stand alone.

    GDAL opens them with every driver it has, VRT included.

    Raises:
        SceneError: They are something else.
    """
    for beside in (Path(path + ending) for ending in _BESIDE):
        if not beside.is_file():
            continue
        with beside.open("rb") as file:
            start = file.read(len(_TIFF_STARTS[0]))
        if start not in _TIFF_STARTS:
            raise SceneError(f"has {beside.name} beside it, which is no TIFF and is not opened; move it away")
        _check_beside(str(beside))
        with DatasetReader(str(beside), driver=["GTiff"]) as dataset:
            check_alone(dataset)


def _check_redirects(url: str, settings: Settings) -> None:
    """Whether the file is there is left to GDAL, which also asks where HEAD is refused."""
    try:
        with guarded_session(settings) as session:
            session.head(url, allow_redirects=True)
    except SourceError as error:
        raise SceneError(str(error)) from None
    except requests.RequestException as error:
        raise SceneError(reason(error, url)) from None


class _LostTags(logging.Handler):
    """Raises where GDAL opens a file although parts of its header lie beyond its end.

    GDAL only warns, and would go on without the CRS, the nodata value or the band names.
    """

    _LOGGER = logging.getLogger("rasterio._env")

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self._lost = False

    def emit(self, record: logging.LogRecord) -> None:
        self._lost |= record.thread == self._thread and "IO error during reading of" in record.getMessage()

    def __enter__(self) -> None:
        self._LOGGER.addHandler(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._LOGGER.removeHandler(self)
        if self._lost and kind is None:
            raise SceneError("is truncated: tags of its header lie beyond its end")


def gdal_path(href: str) -> str:
    """Return the GDAL path of a local path, ``file://``, ``s3://`` or ``http(s)://`` href.

    Raises:
        SceneError: Another scheme, or a GDAL virtual path.
    """
    if href.startswith("/vsi"):
        raise SceneError("is a GDAL virtual path; expected a file path, s3:// or https://")
    scheme, separator, rest = href.partition("://")
    if not separator:
        return str(Path(href).absolute())
    if scheme == "s3":
        return f"/vsis3/{rest}"
    if scheme in ("http", "https"):
        return f"/vsicurl/{href}"
    if scheme == "file":
        return gdal_path(local_path(href))
    raise SceneError(f"has the unsupported scheme {scheme}://; expected a file path, s3:// or https://")


def local_path(href: str) -> str:
    """Return the path of a ``file://`` href, or the href itself where it has no scheme."""
    return url2pathname(urlsplit(href).path) if href.startswith("file://") else href


def check_regular_file(path: str) -> None:
    """Do nothing where a local path is a file with content; a pipe would wait for ever, a device never ends.

    Raises:
        SceneError: It is not.
    """
    try:
        status = Path(path).stat()
    except OSError as error:
        raise SceneError(f"cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode):
        raise SceneError("is not a regular file")
    if status.st_size == 0:
        raise SceneError("is empty (0 bytes)")


def check_complete(dataset: DatasetReader, href: str) -> None:
    """Raise where a local file ends before its last block; costs one look-up and no pixel.

    Raises:
        SceneError: The file is truncated.
    """
    path = gdal_path(href)
    if path.startswith("/vsi"):
        return
    if dataset.driver == "GTiff" and _last_byte(dataset) > (size := Path(path).stat().st_size):
        raise SceneError(f"is truncated: {size:,} bytes, its blocks need {_last_byte(dataset):,}")
    if (marker := _END_MARKERS.get(dataset.driver)) and marker not in _tail(Path(path)):
        raise SceneError(f"is truncated: it has no {dataset.driver} end marker")


# JPEG: EOI, ITU-T T.81 B.1.1.3. PNG: the IEND chunk, https://www.w3.org/TR/png-3/#11IEND.
_END_MARKERS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}


def _tail(path: Path, count: int = 4096) -> bytes:
    """Read the end of a file; some writers leave a few bytes after the end marker."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - count))
        return file.read()


def _last_byte(dataset: DatasetReader) -> int:
    """Return the end of the last block of the first and last band, in bytes; 0 where GDAL does not say (sparse)."""
    rows, columns = dataset.block_shapes[0]
    block = f"{-(-dataset.width // columns) - 1}_{-(-dataset.height // rows) - 1}"
    ends = [0]
    for band in {1, dataset.count}:
        offset = dataset.get_tag_item(f"BLOCK_OFFSET_{block}", "TIFF", bidx=band)
        size = dataset.get_tag_item(f"BLOCK_SIZE_{block}", "TIFF", bidx=band)
        ends.append(int(offset or 0) + int(size or 0))
    return max(ends)


def reason(error: Exception, href: str) -> str:
    """Return what went wrong as one line, without the file's own name in front."""
    text = " ".join(str(error).split())
    if "not recognized as being in a supported file format" in text:
        return "is not a GeoTIFF, COG, JPEG 2000, PNG or JPEG file"
    for name in (gdal_path(href), href, Path(urlsplit(href).path).name):
        text = text.removeprefix(f"'{name}'").removeprefix(name).removeprefix(":").strip()
    text = text.replace(gdal_path(href), "the file")
    return f"cannot be read: {redacted(text) or type(error).__name__}"


@contextmanager
def scene_errors(href: str) -> Iterator[None]:
    """Turn whatever rasterio raises inside the block into a SceneError of one line."""
    try:
        yield
    except SwathError:
        raise
    except RASTER_ERRORS as error:
        raise SceneError(reason(error, href)) from None
