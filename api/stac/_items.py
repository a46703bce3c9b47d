"""A tile as a STAC item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlsplit

from api.stac._roots import Root
from core import Hit, Record, is_remote, rfc3339
from retriever import geojson_geometry

STAC_VERSION = "1.1.0"
"""Version of the documents; 1.1 has `bands`, `data_type` and `item_assets` in its core."""

EO = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
PROJ = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
"""QGIS adds layers for assets of exactly this type."""

FIRST_PHOTOGRAPH = "1858-01-01T00:00:00Z"
"""No picture of the ground from the air is older: Nadar over Paris, 1858 (https://en.wikipedia.org/wiki/Nadar)."""

_AUTHORITY_CODE = re.compile(r"[A-Za-z]+:[A-Za-z0-9._-]+")


def item(record: Record, root: Root, indexed: datetime) -> dict[str, Any]:
    """Return a tile as a STAC item, with score and probability where it is a hit.

    A tile without a place has geometry null and no bbox. A tile without a date has datetime null and, as STAC then asks
    for, the interval it must lie in: from the first photograph from the air to when it was indexed.

    Args:
        record: The tile.
        root: Root of its links.
        indexed: When the index last took tiles in, UTC.
    """
    properties = _properties(record, indexed)
    found: dict[str, Any] = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [
            url for url, prefix in ((EO, "eo:"), (PROJ, "proj:")) if any(name.startswith(prefix) for name in properties)
        ],
        "id": record.tile_id,
        "collection": record.collection,
        # RFC 7946, 3.1.6: outer rings run counterclockwise.
        "geometry": geojson_geometry(record.footprint),
    }
    if record.bbox is not None:
        found["bbox"] = list(record.bbox)
    return found | {"properties": properties, "links": _links(record, root), "assets": _assets(record, root)}


def _properties(record: Record, indexed: datetime) -> dict[str, Any]:
    known = _times(record, indexed) | {
        "gsd": record.gsd or None,
        # The number of the source again: 0.07 * 100 is 7.000000000000001.
        "eo:cloud_cover": None if record.cloud is None else round(record.cloud * 100, 10),
        "swath:sensor": record.sensor,
        "swath:encoding": record.encoding,
        "swath:scene": record.scene_id,
        "swath:valid": record.valid,
        "swath:h3": record.h3,
        "swath:label": record.label,
        "swath:captions": list(record.captions) or None,
    }
    given = {name: value for name, value in known.items() if value is not None or name == "datetime"}
    return given | _projection(record) | _relevance(record)


def _times(record: Record, indexed: datetime) -> dict[str, Any]:
    if record.datetime is not None:
        return {"datetime": rfc3339(record.datetime)}
    return {"datetime": None, "start_datetime": FIRST_PHOTOGRAPH, "end_datetime": rfc3339(indexed)}


def _projection(record: Record) -> dict[str, Any]:
    if record.crs is None:
        return {}
    coded = _AUTHORITY_CODE.fullmatch(record.crs) is not None
    system = {"proj:code": record.crs} if coded else {"proj:code": None, "proj:wkt2": record.crs}
    return system | {"proj:shape": [record.window.height, record.window.width]}


def _relevance(record: Record) -> dict[str, Any]:
    if not isinstance(record, Hit):
        return {}
    probability = {} if record.probability is None else {"swath:probability": record.probability}
    return {"swath:score": record.score, "swath:rank": record.rank, **probability}


def _links(record: Record, root: Root) -> list[dict[str, Any]]:
    parent = root.to("collections", record.collection)
    similar = f"{root.plain().to('search')}?like={quote(record.tile_id, safe='')}"
    links = [
        _link("self", root.to("collections", record.collection, "items", record.tile_id), "application/geo+json"),
        _link("parent", parent, "application/json"),
        _link("collection", parent, "application/json"),
        _link("root", root.url, "application/json"),
        _link("similar", similar, "application/geo+json", title="Tiles that look like this one"),
        _link("via", root.tile(record.tile_id), "application/json", title="The tile in the retrieval API"),
    ]
    if not is_remote(record.href):
        return links
    return [*links, _link("derived_from", record.href, None, title="Where it was read from")]


def _link(rel: str, href: str, media: str | None, *, title: str | None = None) -> dict[str, Any]:
    given = {"rel": rel, "href": href, "type": media, "title": title}
    return {name: value for name, value in given.items() if value is not None}


def _assets(record: Record, root: Root) -> dict[str, Mapping[str, Any]]:
    assets: dict[str, Mapping[str, Any]] = {}
    if record.crs is not None:
        assets["data"] = {
            "href": root.tile(record.tile_id, "pixels.tif"),
            "type": COG,
            "title": "Original pixels of the tile",
            "roles": ["data"],
        }
        if is_remote(record.href) and urlsplit(record.href).path.lower().endswith((".tif", ".tiff")):
            assets["scene"] = {"href": record.href, "type": COG, "title": "The whole scene", "roles": ["data"]}
    assets["preview"] = {
        "href": root.tile(record.tile_id, "image.png"),
        "type": "image/png",
        "title": "Picture drawn from the original pixels",
        "roles": ["overview", "visual"],
    }
    assets["thumbnail"] = {
        "href": root.tile(record.tile_id, "preview.webp"),
        "type": "image/webp",
        "title": "Stored preview of 128 pixels",
        "roles": ["thumbnail"],
    }
    return assets


ITEM_ASSETS = {
    "data": {"type": COG, "title": "Original pixels of the tile", "roles": ["data"]},
    "preview": {
        "type": "image/png",
        "title": "Picture drawn from the original pixels",
        "roles": ["overview", "visual"],
    },
    "thumbnail": {"type": "image/webp", "title": "Stored preview of 128 pixels", "roles": ["thumbnail"]},
}
"""What items of a collection have; `data` only where the tiles are georeferenced."""


def prune(found: dict[str, Any], include: set[str], exclude: set[str]) -> dict[str, Any]:
    """Return an item with the fields that were asked for.

    ``type`` and ``id`` always stay. Names are paths such as ``properties.datetime``; one that is not at the top of an
    item means a property. What is both wanted and unwanted is wanted.
    """
    wanted, unwanted = set(map(_path, include)), set(map(_path, exclude))
    if not wanted:
        return _without(found, unwanted - _ALWAYS)
    spared = {path for path in unwanted if not any(f"{each}.".startswith(f"{path}.") for each in wanted)}
    return _without(_only(found, wanted | _ALWAYS), spared - _ALWAYS)


_ALWAYS = frozenset(("id", "type"))
_TOP = frozenset(
    ("type", "stac_version", "stac_extensions", "id", "collection", "geometry", "bbox", "properties", "links", "assets")
)


def _path(name: str) -> str:
    top = name.partition(".")[0]
    return name if top in _TOP else f"properties.{name}"


def _only(node: dict[str, Any], paths: set[str]) -> dict[str, Any]:
    return {key: _chosen(value, key, paths) for key, value in node.items() if key in paths or _below(key, paths)}


def _chosen(value: Any, key: str, paths: set[str]) -> Any:
    deeper = _below(key, paths)
    return _only(value, deeper) if key not in paths and deeper and isinstance(value, dict) else value


def _without(node: dict[str, Any], paths: set[str]) -> dict[str, Any]:
    return {
        key: _without(value, deeper) if (deeper := _below(key, paths)) and isinstance(value, dict) else value
        for key, value in node.items()
        if key not in paths
    }


def _below(key: str, paths: set[str]) -> set[str]:
    return {path[len(key) + 1 :] for path in paths if path.startswith(f"{key}.")}
