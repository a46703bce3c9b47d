"""STAC documents: items, catalogs, collections, pages of an API, and items in a table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import stac_geoparquet.arrow

from benchmarks.fuzz import _seeds
from benchmarks.fuzz._place import placed
from benchmarks.fuzz._read_rasters import read_scenes
from benchmarks.fuzz._target import Target
from core import InputError
from indexer.sources import SourceOptions, open_source
from indexer.sources._stac_io import GuardedIO

ROOT = "https://earth-search.aws.element84.com/v1"
"""An address that is allowed; nothing is asked there: answers come from the input."""

_WORDS = (
    "item.json", "catalog.json", "./scene.tif", "/vsicurl/http://127.0.0.1:9/a.tif", "file:///etc/passwd", "next",
    "items", "item", "child",
    "self", "root", "data", "conformsTo", "stac_version", "1.1.0", "0.9.0", "eo:bands", "bands", "raster:bands",
    "image/tiff", "red", "B04", "scl",
    "sentinel-2-l2a", "eo:cloud_cover", "proj:code", "datetime", "start_datetime", "..", "uint16", "dB", "gsd",
    "http://169.254.169.254/a.tif",
)  # fmt: skip


def item(number: int = 1, *, href: str = "./scene.tif", **properties: Any) -> dict[str, Any]:
    """Return an item that is accepted."""
    return {
        "type": "Feature", "stac_version": "1.1.0", "id": f"S2A_{number}", "collection": "aerial",
        "stac_extensions": [],
        "geometry": {"type": "Polygon", "coordinates": [[[-4, 41], [-3.9, 41], [-3.9, 41.1], [-4, 41.1], [-4, 41]]]},
        "bbox": [-4, 41, -3.9, 41.1],
        "properties": {"datetime": "2021-06-01T10:00:00Z", "eo:cloud_cover": 12.5, "gsd": 10, **properties},
        "links": [{"rel": "self", "href": f"https://earth-search.aws.element84.com/v1/items/{number}"}],
        "assets": {
            "image": {"href": href, "type": "image/tiff; application=geotiff", "roles": ["data"],
                       "bands": [{"name": "red", "eo:common_name": "red", "data_type": "uint8"}, {"name": "green"},
                       {"name": "blue"}]},
            "scl": {"href": "./scene.tif", "type": "image/tiff; application=geotiff", "roles": ["cloud"]},
            "thumbnail": {"href": "https://x.example/a.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        },
    }  # fmt: skip


def _old_item() -> dict[str, Any]:
    found = item(2) | {"stac_version": "1.0.0", "collection": "sentinel-2-l2a"}
    band = {"name": "B04", "common_name": "red"}
    raster = {"data_type": "uint16", "scale": 0.0001, "offset": -0.1, "unit": "reflectance"}
    names = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
    found["assets"] = {
        name: {
            "href": "./twelve.tif",
            "type": "image/tiff",
            "eo:bands": [band | {"name": name}],
            "raster:bands": [raster],
        }
        for name in names
    }
    return found


def _links(*hrefs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"rel": rel, "href": href} for rel, href in hrefs]


def _catalogs() -> list[Any]:
    links = _links(
        ("root", "./catalog.json"), ("child", "./catalog.json"), ("child", "child.json"), ("item", "item.json")
    )
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    return [
        {"type": "Catalog", "stac_version": "1.1.0", "id": "c", "description": "d", "links": links},
        {
            "type": "Collection",
            "stac_version": "1.1.0",
            "id": "naip",
            "description": "d",
            "license": "x",
            "extent": extent,
            "links": links,
        },
        {"stac_version": "0.9.0", "id": "old", "description": "d", "extent": extent, "links": links},
    ]


def _page(*items: Any, following: str | None = None) -> dict[str, Any]:
    links = _links(("next", following)) if following else []
    return {"type": "FeatureCollection", "features": list(items), "links": links}


def _beside() -> None:
    """What hrefs of the seeds lead to."""
    placed("stac/scene.tif", _seeds.geotiffs()[0])
    placed("stac/twelve.tif", _seeds.geotiffs()[3])
    placed("stac/item.json", json.dumps(item()).encode())
    placed("stac/child.json", json.dumps(_catalogs()[0]).encode())


def _document(name: str, **options: Any) -> Callable[[bytes], str | None]:
    def read(data: bytes) -> str | None:
        path = placed(f"stac/{name}", data)
        return read_scenes(open_source(f"stac+{path}", SourceOptions(**options)).scenes(), pixels=False)

    return read


def _seeded(make: Callable[[], list[Any]]) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        _beside()
        return [json.dumps(each).encode() for each in make()]

    return seeds


def _api_seeds() -> list[Any]:
    root: Mapping[str, Any] = {
        **_catalogs()[0],
        "conformsTo": [f"https://api.stacspec.org/v1.0.0/{name}" for name in ("core", "item-search", "collections")],
        "links": _links(("self", ROOT), ("root", ROOT), ("search", f"{ROOT}/search"), ("data", f"{ROOT}/collections")),
    }
    other = "https://earth-search.aws.element84.com/v1/search?page=2"
    return [
        {
            "": root,
            "/collections": {"collections": [{"id": "aerial"}]},
            "/collections/aerial": _catalogs()[1],
            "/search": _page(item(), item(3), following=other),
        },
        {"": _page(_old_item(), following=f"{ROOT}/search"), "/search": _page(item(4))},
    ]


def _api(data: bytes) -> str | None:
    """The input maps paths below the root to answers."""
    try:
        answers = json.loads(data)
    except (ValueError, RecursionError):
        raise InputError("not an input of this target") from None

    def answered(_: GuardedIO, href: Any, *__: Any, **___: Any) -> str:
        address = str(getattr(href, "href", href))
        found = answers.get(address.removeprefix(ROOT).partition("?")[0]) if isinstance(answers, dict) else answers
        return found if isinstance(found, str) else json.dumps(found)

    with patch.object(GuardedIO, "request", answered):
        return read_scenes(
            open_source(f"stac+{ROOT}", SourceOptions(collection="aerial", bbox=(-5, 40, 0, 42))).scenes(), pixels=False
        )


def _tables() -> list[bytes]:
    _beside()
    whole = []
    for items in ([item(), item(3)], [_old_item()]):
        table = pa.table(stac_geoparquet.arrow.parse_stac_items_to_arrow(items))
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer, compression="zstd")
        whole.append(buffer.getvalue().to_pybytes())
    return whole


def _parquet(data: bytes) -> str | None:
    path = placed("stac/items.parquet", data)
    return read_scenes(open_source(str(path), SourceOptions()).scenes(), pixels=False)


def _rows() -> list[bytes]:
    """Rows as a writer who read the specification in a hurry makes them: geometry as WKB in hexadecimal."""
    _beside()
    import shapely

    box = shapely.box(-4, 41, -3.9, 41.1)
    row = item() | {"geometry": shapely.to_wkb(box, hex=True), **item()["properties"]}
    row.pop("properties")
    return [
        json.dumps([row, row | {"id": "b"}]).encode(),
        json.dumps([{**row, "bbox": {"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1}}]).encode(),
    ]


MOST_NESTED = 200
"""Objects in an input of which a table is made; good ones have some 20."""


def _table_of_rows(data: bytes) -> str | None:
    """A Parquet file with the columns and types that the input's rows have."""
    if data.count(b"{") > MOST_NESTED:
        raise InputError("Arrow takes time that doubles with each level to make such a table")
    try:
        rows = json.loads(data)
        for row in rows:
            row["geometry"] = bytes.fromhex(row["geometry"])
            row["datetime"] = datetime.fromisoformat(row["datetime"]).astimezone(UTC)
    except Exception:  # noqa: S110 - what cannot be turned stays as it is, which is a wrong type
        pass
    try:
        table = pa.Table.from_pylist(rows)
        buffer = pa.BufferOutputStream()
        pq.write_table(table, buffer)
    except Exception:
        raise InputError("no table can be made of this input") from None
    return _parquet(buffer.getvalue().to_pybytes())


TARGETS = (
    Target(name="stac-item", kind="json", seeds=_seeded(lambda: [item(), _old_item()]), read=_document("given.json",
        bbox=(-5, 40, 0, 42), datetime="2021-01-01/.."), words=_WORDS, share=6_000),
    Target(name="stac-catalog", kind="json", seeds=_seeded(_catalogs), read=_document("catalog.json"), words=_WORDS,
        share=3_000),
    Target(name="stac-items", kind="json", seeds=_seeded(lambda: [_page(item(), _old_item(), following="next.json")]),
        read=_document("given.json"), words=_WORDS, share=3_000),
    Target(name="stac-api", kind="json", seeds=_seeded(_api_seeds), read=_api, words=_WORDS, share=4_000),
    Target(name="stac-parquet", kind="bytes", seeds=_tables, read=_parquet, share=5_000),
    Target(name="stac-table", kind="json", seeds=_rows, read=_table_of_rows, words=_WORDS, share=3_000),
)  # fmt: skip
