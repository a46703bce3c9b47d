"""From what a caller writes to the source that reads it."""

from __future__ import annotations

from glob import has_magic
from pathlib import Path
from urllib.parse import urlsplit

from core import Registry, SourceError, TileSource
from embeddings.datasets import CAPTIONS_FILE
from indexer._hosts import check_host, is_url
from indexer.sources._names import split_item
from indexer.sources._options import SourceOptions
from indexer.sources._walk import PICTURE_ENDINGS, RASTER_ENDINGS, STAC_FILES, first_file

SOURCES = Registry(
    "source",
    {
        "dataset": "indexer.sources._dataset:DatasetSource",
        "files": "indexer.sources._files:FileSource",
        "geoparquet": "indexer.sources._geoparquet:GeoParquetSource",
        "https": "indexer.sources._https:HttpsSource",
        "pictures": "indexer.sources._pictures:PictureSource",
        "s3": "indexer.sources._s3:S3Source",
        "stac": "indexer.sources._stac:StacSource",
    },
    group="swath.sources",
)
"""Kinds of source: ``Class(text, options)`` with ``scenes()``. A third party's kind is asked for as ``kind+text``."""

_TABLES = (".parquet", ".geoparquet")
_EXPECTED = (
    "expected a file, folder or glob pattern of .tif .tiff .jp2 .jpg .jpeg .png, a STAC .json, a stac-geoparquet "
    ".parquet, s3://bucket/prefix, an https:// COG, the address of a STAC document or API, or dataset:NAME FOLDER"
)


def open_source(text: str, options: SourceOptions) -> TileSource:
    """Return the source a text stands for; scenes are found when its ``scenes()`` are iterated.

    Args:
        text: What ``source_kind`` understands.
        options: What the caller says about it.

    Raises:
        SourceError: It cannot be opened at all; the message says what would work.
        InputError: A wrong sensor, date pattern or selection.
    """
    kind = source_kind(text, options)
    source: TileSource = SOURCES.resolve(kind)(text.removeprefix(f"{kind}+"), options)
    return source


def source_kind(text: str, options: SourceOptions) -> str:
    """Return which kind of source a text stands for, by its scheme, its ending, and what lies there.

    ``kind+...`` names the kind; ``s3://`` is a bucket; ``https://`` is a table, a raster or a STAC document, by its
    ending; a local path is STAC (``.json``, or a folder with ``catalog.json`` or ``collection.json`` at its top), a
    table, or holds rasters or pictures. A folder of both is read as rasters, unless it has a ``captions.jsonl``.
    ``dataset:NAME:FOLDER`` is a published dataset. ``document#id`` is one item of a STAC document or table.

    Raises:
        SourceError: Nothing is there, or nothing that can be read.
    """
    if text.startswith("dataset:"):
        return "dataset"
    text, _ = split_item(text)
    prefix, plus, _ = text.partition("+")
    if plus and prefix in SOURCES.names():
        return prefix
    if text.startswith("s3://"):
        return "s3"
    if is_url(text):
        check_host(text, options.settings)
        return _by_ending(urlsplit(text).path) or "stac"
    if "://" in text and not Path(text).exists():
        raise SourceError(f"{text!r} has an unsupported scheme; {_EXPECTED}")
    return _local_kind(Path(text).expanduser(), options)


def _by_ending(path: str) -> str | None:
    name = path.lower()
    if name.endswith(_TABLES):
        return "geoparquet"
    return "https" if name.endswith(RASTER_ENDINGS) else None


def _local_kind(path: Path, options: SourceOptions) -> str:
    name = path.name.lower()
    if path.is_dir():
        return _folder_kind(path, options)
    if not path.exists() and not path.is_symlink() and not has_magic(str(path)):
        raise SourceError(f"{str(path)!r} does not exist; {_EXPECTED}")
    if name.endswith((".json", ".geojson")):
        return "stac"
    if name.endswith(_TABLES):
        return "geoparquet"
    if name.endswith(PICTURE_ENDINGS):
        return "pictures"
    if not name.endswith(RASTER_ENDINGS) and not has_magic(str(path)):
        raise SourceError(f"{str(path)!r} has an ending that is not supported; {_EXPECTED}")
    return _raster_kind(path, options)


def _folder_kind(path: Path, options: SourceOptions) -> str:
    if any((path / name).is_file() for name in STAC_FILES):
        return "stac"
    return "pictures" if (path / CAPTIONS_FILE).is_file() else _raster_kind(path, options)


def _raster_kind(path: Path, options: SourceOptions) -> str:
    """Rasters where there are any; pictures where there are only such, or the caller wants them."""
    if options.pictures or options.split:
        return "pictures"
    if first_file(path, RASTER_ENDINGS) is None and first_file(path, PICTURE_ENDINGS) is not None:
        return "pictures"
    return "files"
