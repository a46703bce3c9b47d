"""Small files, items and servers that the tests of sources are made of."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from core import BadScene, Scene
from indexer.sources import SourceOptions, open_source
from tests.object_store import new_bucket, object_store

L2A = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
BOX = [-3.0, 40.0, -2.9, 40.1]

Answer = bytes | Callable[[str, bytes], tuple[int, dict[str, str], bytes]]
"""A body, or what (path with query, request body) is answered with."""


def write_tif(
    path: Path,
    *,
    names: Sequence[str | None] = L2A,
    dtype: str = "uint16",
    crs: str | None = "EPSG:32630",
    size: int = 32,
    tags: dict[str, str] | None = None,
    **profile: Any,
) -> Path:
    """Write a GeoTIFF of noise with band descriptions ``names``; without a transform where ``crs`` is None."""
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"crs": crs, "transform": from_origin(500_000, 4_430_000, 10, 10)} if crs else {}
    noise = np.random.default_rng(7).integers(1, 200, (len(names), size, size)).astype(dtype)
    shape = {"width": size, "height": size, "count": len(names), "dtype": dtype}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place, **profile) as dataset:
        dataset.write(noise)
        dataset.update_tags(**(tags or {}))
        for index, name in enumerate(names, 1):
            if name:
                dataset.set_band_description(index, name)
    return path


def write_picture(path: Path, mode: str = "RGB", size: int = 16) -> Path:
    """Write a JPEG or PNG of noise, by the ending."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = len(Image.new(mode, (1, 1)).getbands())
    noise = np.random.default_rng(7).integers(0, 255, (size, size, channels)).astype(np.uint8)
    Image.frombytes(mode, (size, size), noise.tobytes()).save(path)
    return path


def item(name: str, assets: dict[str, Any], collection: str | None = "sentinel-2-l2a", **properties: Any) -> Any:
    """Return a STAC 1.0 item over ``BOX``."""
    west, south, east, north = BOX
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    links = [{"rel": "collection", "href": "./collection.json"}] if collection else []
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": BOX,
        "properties": {"datetime": "2023-05-01T10:00:00Z", **properties},
        "links": links,
        "assets": assets,
    } | ({"collection": collection} if collection else {})


def band_asset(href: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return a STAC 1.0 asset of one uint16 band."""
    return {
        "href": href,
        "type": "image/tiff; application=geotiff; profile=cloud-optimized",
        "roles": ["data"],
        "eo:bands": [{"name": name}],
        "raster:bands": [{"data_type": "uint16", **fields}],
    }


def stack_asset(href: str, names: Sequence[str] = L2A) -> dict[str, Any]:
    """Return a STAC 1.1 asset of several uint16 bands."""
    bands = [{"name": name} for name in names]
    return {"href": href, "type": "image/tiff; application=geotiff", "data_type": "uint16", "bands": bands}


def write_json(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def catalog(name: str, links: Sequence[tuple[str, str]], **fields: Any) -> dict[str, Any]:
    """Return a STAC Catalog with links (rel, href)."""
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": name,
        "description": name,
        "links": [{"rel": rel, "href": href} for rel, href in links],
    } | fields


def found(text: str | Path, **options: Any) -> list[Scene | BadScene]:
    """Open a source and return everything it yields."""
    return list(open_source(str(text), SourceOptions(**options)).scenes())


def scenes(text: str | Path, **options: Any) -> list[Scene]:
    """Return what a source yields; fails where any of it is bad."""
    result = found(text, **options)
    assert all(isinstance(scene, Scene) for scene in result), result
    return [scene for scene in result if isinstance(scene, Scene)]


def only_bad(text: str | Path, **options: Any) -> str:
    """Return the reason of the one BadScene a source yields."""
    (bad,) = found(text, **options)
    assert isinstance(bad, BadScene), bad
    return str(bad.error)


@contextmanager
def bucket(environment: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    """Serve an S3 of its own with one empty bucket, and point the environment at it; yields name and boto3 client."""
    with object_store() as endpoint:
        yield new_bucket(endpoint, environment)


def _handler(answers: dict[str, Answer], asked: list[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.headers.get('Range', 'whole')}")
            answer = answers.get(self.path.partition("?")[0])
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if answer is None:
                self._send(404, {}, b"nothing here")
            elif callable(answer):
                self._send(*answer(self.path, body))
            else:
                self._send_range(answer)

        do_HEAD = do_POST = do_GET  # noqa: N815 - the names http.server looks for

        def _send_range(self, body: bytes) -> None:
            wanted = self.headers.get("Range")
            if not wanted:
                self._send(200, {"ETag": f'"{len(body)}"', "Accept-Ranges": "bytes"}, body)
                return
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            part = body[int(first) : int(last or len(body)) + 1]
            span = f"bytes {first}-{int(first) + len(part) - 1}/{len(body)}"
            self._send(206, {"Content-Range": span, "ETag": f'"{len(body)}"'}, part)

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def served(answers: dict[str, Answer], asked: list[str] | None = None) -> Iterator[str]:
    """Serve ``answers`` by path on this machine, byte ranges included; yields the address.

    The dict may be changed meanwhile. Each request is noted in ``asked``, where given, as ``GET bytes=0-99``.
    """

    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers, [] if asked is None else asked))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
