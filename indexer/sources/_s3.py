"""Rasters in a bucket: one key, everything under a prefix, or what fits a glob pattern."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from glob import has_magic
from pathlib import PurePosixPath
from typing import Any

from obstore.exceptions import BaseError
from obstore.store import S3Store

from core import BadScene, Scene, SourceError, safe_name
from indexer._gdal import gdal_env
from indexer.sources._describing import described
from indexer.sources._lines import one_line
from indexer.sources._names import unique
from indexer.sources._options import SourceOptions
from indexer.sources._rasters import RasterFile, raster_scene
from indexer.sources._reading import Reading
from indexer.sources._walk import RASTER_ENDINGS

_YES = ("yes", "true", "on", "1")


class S3Source:
    """GeoTIFF, COG and JPEG 2000 objects of ``s3://bucket/key``, ``s3://bucket/prefix`` or ``s3://bucket/a*/b?.tif``.

    In a pattern ``*``, ``?`` and ``[...]`` stay within one folder, ``**`` stands for any folders. A key or prefix that
    has such characters in its own name is found, too.

    Credentials, region and endpoint come from the usual ``AWS_*`` variables; ``AWS_NO_SIGN_REQUEST=YES`` reads a public
    bucket without any.

    Args:
        text: The address.
        options: ``bbox``, ``datetime``, ``pictures`` and ``split`` have no meaning here.

    Raises:
        SourceError: The bucket cannot be listed, or holds no raster there.
    """

    def __init__(self, text: str, options: SourceOptions) -> None:
        self._reading = Reading.of(options)
        self._bucket, _, key = text.removeprefix("s3://").partition("/")
        self._text, self._key = text, key.strip("/")
        self._store = bucket_store(self._bucket)
        self._root = _fixed(self._key)
        self._collection = self._reading.collection or safe_name(PurePosixPath(self._root).name or self._bucket)
        if next(iter(self._objects()), None) is None:
            raise SourceError(f"{text} holds no file that can be read; endings that can are {' '.join(RASTER_ENDINGS)}")

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield one scene an object, in the order of the bucket's listing."""
        yield from unique(described(self._address(entry), partial(self._scene, entry)) for entry in self._objects())

    def _objects(self) -> Iterator[Any]:
        try:
            for entry in self._listed():
                hidden = any(part.startswith(".") for part in PurePosixPath(entry["path"]).parts)
                if entry["path"].lower().endswith(RASTER_ENDINGS) and not hidden and self._wants(entry["path"]):
                    yield entry
        except (BaseError, OSError) as error:
            raise SourceError(f"{self._text} cannot be listed: {_reason(error)}") from None

    def _listed(self) -> Iterable[Any]:
        """Pages of a listing, so that a large bucket streams."""
        if self._root != self._key and not has_magic(self._key):
            yield self._store.head(self._key)
            return
        for page in self._store.list(self._root or None):
            yield from page

    def _wants(self, key: str) -> bool:
        literal = not has_magic(self._key) or f"{key}/".startswith(f"{self._key}/")
        return literal or _fits(key.split("/"), self._key.split("/"))

    def _address(self, entry: Any) -> str:
        return f"s3://{self._bucket}/{entry['path']}"

    def _scene(self, entry: Any) -> Scene:
        href = self._address(entry)
        relative = entry["path"].removeprefix(self._root).strip("/")
        file = RasterFile(
            href=href,
            scene_id=safe_name(str(PurePosixPath(relative).with_suffix(""))),
            collection=self._collection,
            stamp=(href, entry["size"], entry.get("e_tag") or str(entry["last_modified"])),
        )
        with gdal_env(self._reading.settings):
            return raster_scene(file, self._reading)


def _fixed(key: str) -> str:
    """Return the folder that names are relative to: what stands before a pattern, or before the name of a file."""
    parts = key.split("/")
    end = next((number for number, part in enumerate(parts) if has_magic(part)), len(parts))
    is_file = end == len(parts) and key.lower().endswith(RASTER_ENDINGS)
    return "/".join(parts[: end - is_file])


def _fits(parts: list[str], pattern: list[str]) -> bool:
    """Fit a key to a pattern folder by folder, as ``pathlib`` fits paths."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return _fits(parts, pattern[1:]) or (bool(parts) and _fits(parts[1:], pattern))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def bucket_store(bucket: str) -> S3Store:
    """Return a bucket as the environment describes it, in the same words GDAL understands.

    Raises:
        SourceError: No bucket is named, or the environment contradicts itself.
    """
    if not bucket:
        raise SourceError("no bucket is named; expected s3://bucket/prefix")
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    unsigned = os.environ.get("AWS_NO_SIGN_REQUEST", "").lower() in _YES
    try:
        return S3Store(
            bucket,
            client_options={"allow_http": endpoint.startswith("http://")},
            skip_signature=unsigned,
        )
    except (BaseError, ValueError) as error:
        raise SourceError(f"bucket {bucket!r} cannot be opened: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    """Obstore explains on further lines what only its authors need."""
    return one_line(str(error).partition("\n")[0])
