"""One raster on a web server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import requests

from core import BadScene, Scene, SourceError, safe_name
from indexer._gdal import gdal_env
from indexer._hosts import guarded_session
from indexer._signatures import unsigned
from indexer.sources._describing import described
from indexer.sources._lines import one_line
from indexer.sources._names import unique
from indexer.sources._options import SourceOptions
from indexer.sources._rasters import RasterFile, raster_scene
from indexer.sources._reading import Reading


class HttpsSource:
    """One COG, GeoTIFF or JPEG 2000 file on an allowed host. Only its header is fetched.

    Args:
        text: The address.
        options: ``bbox``, ``datetime``, ``pictures`` and ``split`` have no meaning here.

    Raises:
        SourceError: The host is not allowed, or does not answer.
    """

    def __init__(self, text: str, options: SourceOptions) -> None:
        self._reading = Reading.of(options)
        path = PurePosixPath(unquote(urlsplit(text).path))
        parent = path.parent.name or urlsplit(text).hostname or "https"
        self._file = RasterFile(
            href=text,
            scene_id=safe_name(path.stem),
            collection=self._reading.collection or safe_name(parent),
            stamp=self._stamp(text),
        )

    def _stamp(self, url: str) -> list[str | None]:
        """Ask without a body; for one byte where HEAD is refused, as signed links for GET only do."""
        try:
            with guarded_session(self._reading.settings) as session:
                answer = session.head(url, allow_redirects=True)
                if answer.status_code in (403, 405, 501):
                    answer = session.get(url, headers={"Range": "bytes=0-0"})
            answer.raise_for_status()
        except requests.RequestException as error:
            raise SourceError(f"{unsigned(url)} cannot be read: {one_line(error)}") from None
        headers = (answer.headers.get(name) for name in ("ETag", "Last-Modified", "Content-Length", "Content-Range"))
        return [unsigned(url), *headers]

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield the scene."""
        yield from unique([described(self._file.href, self._scene)])

    def _scene(self) -> Scene:
        with gdal_env(self._reading.settings):
            return raster_scene(self._file, self._reading)
