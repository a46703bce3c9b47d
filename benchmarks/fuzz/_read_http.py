"""The service in this process: bodies, query strings, uploads, STAC and MCP, as a client sends them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote

import rasterio
from affine import Affine
from fastapi.testclient import TestClient
from rasterio.enums import ColorInterp

import swath
from api import create_app
from benchmarks.fuzz import _seeds
from benchmarks.fuzz._place import workplace
from benchmarks.fuzz._read_texts import _CQL2, _CQL2_JSON, _FIELDS, _OPERATORS, _REQUESTS
from benchmarks.fuzz._target import FaultError, Target

_AREA = {"type": "Polygon", "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]}


@cache
def client() -> TestClient:
    """Return a client of the service over an index of four tiles, which stay random."""
    import numpy as np

    scene, index = workplace() / "service" / "scene.tif", workplace() / "service" / "index"
    scene.parent.mkdir(parents=True)
    pixels = np.random.default_rng(3).integers(1, 255, (3, 448, 448)).astype("uint8")
    place = {"crs": "EPSG:32632", "transform": Affine(10, 0, 500_000, 0, -10, 4_900_000)}
    with rasterio.open(scene, "w", driver="GTiff", width=448, height=448, count=3, dtype="uint8", **place) as dataset:
        dataset.write(pixels)
        dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    swath.index(str(scene), into=index)
    # Entered and never left: the lifespan is the process's.
    return TestClient(create_app(index), base_url="http://localhost", raise_server_exceptions=False).__enter__()


def answered(method: str, url: str, **request: Any) -> str | None:
    """Send a request; return what it was refused with.

    Raises:
        FaultError: The server failed, or its refusal has not the one shape.
    """
    answer = client().request(method, url, follow_redirects=False, **request)
    if answer.status_code >= 500 or "Traceback" in answer.text:
        raise FaultError(f"{method} {url[:200]}: {answer.status_code} {answer.text[:300]}")
    return None if answer.status_code < 400 else f"HTTP {answer.status_code}"


def _posted(url: str) -> Callable[[bytes], str | None]:
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    return lambda data: answered("POST", url, content=data, headers=headers)


def _upload(data: bytes) -> str | None:
    parts = {
        "request": (None, '{"query": [{"picture": 0}], "k": 1}', "application/json"),
        "picture": ("a", data, "image/png"),
    }
    return answered("POST", "/v1/search", files=parts)


def _multipart(data: bytes) -> str | None:
    """The whole body, boundaries included."""
    return answered("POST", "/v1/search", content=data, headers={"content-type": "multipart/form-data; boundary=x"})


def _address(data: bytes) -> str | None:
    """A path with its query string, percent-encoded where it must be; the client itself sends none of 64 KB."""
    text = quote(data.decode("utf-8", "replace")[:5_000], safe="/?&=%,:.+-_~!*'()@;$")
    return answered("GET", f"http://localhost/{text.removeprefix(chr(47))}")


_BODY = b"\r\n".join((
    b"--x", b'Content-Disposition: form-data; name="request"', b"Content-Type: application/json", b"",
    b'{"query": [{"picture": 0}]}', b"--x",
    b'Content-Disposition: form-data; name="picture"; filename="a.png"', b"Content-Type: image/png", b"", b"\x89PNG",
    b"--x--", b"",
))  # fmt: skip

_SEARCHES: tuple[dict[str, Any], ...] = (
    {"like": "TILE", "k": 2, "within": _AREA, "filter": _CQL2_JSON[0], "sensor": ["rgb"]},
    {
        "vector": [0.05] * 384,
        "k": 2,
        "bbox": [-180, -90, 180, 90],
        "datetime": "../2030-01-01",
        "filter": _CQL2[1].decode(),
        "min_score": -1,
    },
    {
        "query": [{"vector": [1.0] * 384, "weight": 1}, {"like": "TILE", "weight": -1}],
        "plus": ["TILE"],
        "cursor": "abc",
    },
)
_STAC_SEARCHES: tuple[dict[str, Any], ...] = (
    {
        "bbox": [-180, -90, 180, 90],
        "limit": 2,
        "collections": ["service"],
        "sortby": [{"field": "datetime", "direction": "desc"}],
    },
    {
        "intersects": _AREA,
        "datetime": "2021-01-01T00:00:00Z/..",
        "filter": _CQL2_JSON[0],
        "filter-lang": "cql2-json",
        "fields": {"include": ["id"]},
    },
    {"ids": ["a"], "token": "WzEsIDEsICJhIl0", "filter": "eo:cloud_cover < 20", "limit": 1},
)
_ADDRESSES = (
    b"/v1/search?like=TILE&k=2&bbox=-180,-90,180,90&datetime=2021-01-01/..&filter=cloud%20<%200.2",
    b"/stac/search?bbox=-180,-90,180,90&limit=1&filter=valid%20>%200.1&filter-lang=cql2-text&sortby=-datetime&fields=id,bbox",
    b"/stac/collections/service/items?limit=1&datetime=2021-01-01T00:00:00Z&token=abc",
    b"/v1/tiles/TILE/preview.webp?size=64",
    b"/v1/facets?fields=sensor,month&bbox=0,0,10,50", b"/v1/export?format=geojson&k=2&like=TILE",
    b"/v1/watches/ships/matches?since=0&limit=1",
    b"/stac/queryables", b"/v1/tiles/TILE/series?limit=2", b"/v1/index?index=index",
    b"/stac/collections/service/items/a",
)  # fmt: skip
_FACETS = (
    {
        "bbox": [9.0, 44.2, 9.4, 44.5],
        "facets": {"time": {"bins": 60}, "sensor": {}, "cloud": {"bins": 10}},
        "filter": "cloud < 0.5",
    },
    {
        "within": _AREA,
        "datetime": "2021-01-01/..",
        "min_score": 0.1,
        "facets": {"h3": {"resolution": 3}},
        "vector": [0.05] * 384,
    },
)
_CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "search", "arguments": {"like": "TILE", "k": 2, "filter": "valid > 0.1"}},
}
_MCP = (
    _CALL, {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, {"jsonrpc": "2.0", "id": "a",
    "method": "resources/read", "params": {"uri": "swath://index"}},
    {**_CALL, "params": {"name": "tiles_near", "arguments": {"lat": 44.2, "lon": 9.1, "radius_km": 5, "bbox": [0, 0,
    1, 1]}}},
    {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18",
    "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}},
)  # fmt: skip


def _with_tile(*documents: Any) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        tile = str(client().get("/stac/search").json()["features"][0]["id"]).encode()
        return [
            (each if isinstance(each, bytes) else json.dumps(each).encode()).replace(b"TILE", tile)
            for each in documents
        ]

    return seeds


TARGETS = (
    Target(name="http-search", kind="json", seeds=_with_tile(*_SEARCHES, *_REQUESTS), read=_posted("/v1/search"),
        words=(*_FIELDS, *_OPERATORS), share=3_000),
    Target(name="http-upload", kind="tiff", seeds=lambda: [*_seeds.geotiffs()[:4], _seeds.pngs()[0],
        _seeds.other_pictures()[0]], read=_upload, share=1_000),
    Target(name="http-multipart", kind="text", seeds=lambda: [_BODY], read=_multipart, words=("--x", "\r\n", "name=",
        "filename*=UTF-8''a", "Content-Type:"), share=2_000),
    Target(name="http-address", kind="text", seeds=_with_tile(*_ADDRESSES), read=_address, words=("&", "=", "%00",
        "%2e%2e/", "..", "nan", "9" * 30, "limit", "fields"), share=4_000),
    Target(name="http-facets", kind="json", seeds=_with_tile(*_FACETS), read=_posted("/v1/facets"), words=_OPERATORS,
        share=1_000),
    Target(name="http-stac", kind="json", seeds=_with_tile(*_STAC_SEARCHES), read=_posted("/stac/search"),
        words=_OPERATORS, share=3_000),
    Target(name="http-mcp", kind="json", seeds=_with_tile(*_MCP), read=_posted("/mcp"), words=("search",
        "look_at_tile", "series_of_place", "like", "text", "filter"), share=2_000),
)  # fmt: skip
