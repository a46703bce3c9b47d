"""The files of an export, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from api._public_source import public_chunks
from api._search_answers import TileWriter
from api._services import Service
from api.stac._catalogue import last_commit
from api.stac._items import STAC_VERSION, item
from api.stac._roots import MOUNT, Root
from core import Hit
from retriever import Found, csv_chunks, feature, geoparquet_chunks

CHUNK = 500
"""Hits of a piece: 2 MB of GeoJSON, made in 0.1 s."""

ROW_GROUP = 2_000
"""Hits of a GeoParquet row group."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is to be written."""

    service: Service
    """The index."""
    found: Found
    """The hits."""
    query: Mapping[str, Any]
    """What was asked, as JSON values."""
    writer: TileWriter
    """Writes a hit as JSON values."""


def geojson_file(export: Export) -> Iterator[bytes]:
    """Yield a GeoJSON FeatureCollection (RFC 7946) with what was asked and how it was searched."""
    found = export.found
    head = {"query": dict(export.query), "matched": found.matched, "returned": len(found), "why": dict(found.why)}
    head |= {"remarks": list(found.remarks)}
    groups = found.chunks(CHUNK, previews=export.writer.inline)
    features = ([_feature(export.writer, hit) for hit in hits] for hits in groups)
    yield from _collection(head, features)


def stac_file(export: Export) -> Iterator[bytes]:
    """Yield a STAC ItemCollection of the items that the STAC API has."""
    found, root, indexed = export.found, _root(export), last_commit(export.service)
    head = {"stac_version": STAC_VERSION, "numberMatched": found.matched, "numberReturned": len(found), "links": []}
    groups = found.chunks(CHUNK, previews=False)
    yield from _collection(head, ([item(hit, root, indexed) for hit in hits] for hits in groups))


def csv_file(export: Export) -> Iterator[bytes]:
    """Yield a CSV file with addresses of each tile and its preview."""
    for piece in csv_chunks(public_chunks(export.found.chunks(CHUNK, previews=False)), texts=_addresses(export)):
        yield piece.encode("utf-8")


def geoparquet_file(export: Export) -> Iterator[bytes]:
    """Yield a GeoParquet file with addresses as well, and with pictures where previews are asked for inline."""
    groups = public_chunks(export.found.chunks(ROW_GROUP, previews=export.writer.inline))
    yield from geoparquet_chunks(groups, previews=export.writer.inline, texts=_addresses(export))


def _addresses(export: Export) -> dict[str, Callable[[Hit], str]]:
    links = export.writer.links
    return {"tile_href": lambda hit: links.of(hit)["self"], "preview_href": lambda hit: links.of(hit)["preview"]}


def _feature(writer: TileWriter, hit: Hit) -> dict[str, Any]:
    """A hit as the search gives it, with its footprint where GeoJSON has it."""
    properties = writer.hit(hit)
    properties.pop("footprint", None)
    return feature(hit, properties)


def _collection(head: Mapping[str, Any], features: Iterator[list[dict[str, Any]]]) -> Iterator[bytes]:
    """A FeatureCollection, its features last."""
    begin, between = _json({"type": "FeatureCollection"} | dict(head))[:-1] + ',"features":[', ""
    for group in features:
        yield (begin + between + ",\n".join(map(_json, group))).encode("utf-8")
        begin, between = "", ",\n"
    yield (begin + "]}").encode("utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _root(export: Export) -> Root:
    links = export.writer.links
    named = "" if links.index is None else f"/i/{quote(links.index, safe='')}"
    return Root(service=export.service, server=links.root, path=f"{MOUNT}{named}", index=links.index, text=None)
