"""A STAC item as a scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pystac

from core import (
    BadScene,
    CloudMask,
    Scene,
    SceneError,
    Settings,
    SwathError,
    safe_name,
)
from indexer._hosts import is_url
from indexer._signatures import unsigned
from indexer.sources._lines import one_line
from indexer.sources._names import fingerprint, local_stamp
from indexer.sources._offsets import item_offset
from indexer.sources._reading import Reading
from indexer.sources._selection import Selection, item_date
from indexer.sources._stac_bands import mask_asset
from indexer.sources._stac_choice import Chooser
from indexer.sources._stac_io import absolute_href

# https://sentiwiki.copernicus.eu/web/s2-processing#S2Processing-SceneClassification: 8 and 9 cloud of medium and high
# probability, 10 thin cirrus. Shadow (3) hides nothing and is no cloud.
_SCL_CLOUD = (8, 9, 10)

# https://www.usgs.gov/landsat-missions/landsat-collection-2-quality-assessment-bands: bit 2 cirrus (high confidence),
# 3 cloud. Bit 1 is cloud dilated by some pixels, which would count clear ground as cloud.
_QA_PIXEL_CLOUD = (2, 3)


@dataclass(frozen=True, kw_only=True)
class ItemDocument:
    """An item as JSON, and where it stood."""

    item: dict[str, Any]
    """The GeoJSON Feature."""
    base: str
    """Path or URL that its relative hrefs are relative to."""
    href: str
    """Path or URL of the item, for people."""
    collection: str | None
    """Id of the collection it was found under."""

    @classmethod
    def embedded(cls, item: Any, document: str, number: int) -> ItemDocument:
        """Return an item that stood in an ItemCollection, on a page of an API, or in a table."""
        item = item if isinstance(item, dict) else {}
        own = next((str(link["href"]) for link in _links(item) if link.get("rel") == "self"), "")
        known = is_url(own) or (not is_url(document) and Path(own).is_absolute() and Path(own).exists())
        return cls(
            item=item,
            base=own if known else document,
            href=own if known else f"{document}#{item.get('id', number)}",
            collection=None,
        )


def _links(item: dict[str, Any]) -> list[dict[str, Any]]:
    links = item.get("links")
    return [link for link in links if isinstance(link, dict) and "href" in link] if isinstance(links, list) else []


def item_scene(
    document: ItemDocument, chooser: Chooser, reading: Reading, selection: Selection
) -> Scene | BadScene | None:
    """Return an item as a scene, as a BadScene where it cannot be used, or None where it is not wanted."""
    try:
        item = _parsed(document)
        return _scene(item, document, chooser, reading) if selection.wants(item) else None
    except SwathError as error:
        return BadScene(document.href, error)
    except Exception as error:  # pystac and shapely raise whatever a malformed item makes them trip over
        return BadScene(
            document.href, SceneError(f"is not a usable STAC item: {type(error).__name__}: {one_line(error)}")
        )


def _parsed(document: ItemDocument) -> pystac.Item:
    properties = document.item.get("properties") or {}
    span = [key for key in ("start_datetime", "end_datetime") if properties.get(key) is None]
    undated = span if properties.get("datetime") is None else []
    # pystac refuses an item without any date; for us a missing date is no reason to lose the scene.
    filled = {**properties, **dict.fromkeys(undated, "1970-01-01T00:00:00Z")}
    try:
        raw = {**document.item, "properties": filled}
        item = pystac.Item.from_dict(raw, href=document.base, migrate=False, preserve_dict=False)
    except Exception as error:
        raise SceneError(f"is not a STAC item: {type(error).__name__}: {one_line(error)}") from None
    for key in undated:
        item.properties.pop(key)
    return item


def _scene(item: pystac.Item, document: ItemDocument, chooser: Chooser, reading: Reading) -> Scene:
    collection = item.collection_id or document.collection
    choice = chooser.choose(item, document.base, collection)
    offset = item_offset(item.properties, choice.scalings, choice.sensed)
    mask = _cloud_mask(item, document.base, reading.settings)
    return Scene(
        scene_id=safe_name(item.id),
        collection=reading.collection or safe_name(collection or Path(document.base).parent.name or "stac"),
        href=unsigned(document.href),
        assets=choice.assets,
        sensor=choice.sensed.sensor,
        encoding=choice.sensed.encoding,
        datetime=reading.pattern.find(item.id) if reading.pattern else item_date(item),
        cloud=_cloud_cover(item.properties.get("eo:cloud_cover")),
        cloud_mask=mask,
        offset=offset,
        captions=_captions(item.properties.get("swath:captions")),
        fingerprint=fingerprint(
            unsigned(document.href),
            item.properties,
            [(_stamp(asset.href), asset.indexes) for asset in choice.assets],
            [asset.extra_fields.get("file:checksum") for asset in item.assets.values()],
            choice.sensed.identity,
            (offset.value, offset.origin),
            mask and (_stamp(mask.href), mask.values, mask.bits),
        ),
    )


def _stamp(href: str) -> tuple[object, ...]:
    """Local files by size and time; remote ones by address, without the signature some hosts append."""
    if is_url(href) or href.startswith("s3://"):
        return (unsigned(href),)
    try:
        return local_stamp(Path(href))
    except OSError as error:
        raise SceneError(f"asset {href} cannot be read: {error.strerror}") from None


def _captions(value: object) -> tuple[str, ...]:
    """``swath:captions`` is our own property: true sentences about the scene, as a list."""
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _cloud_cover(percent: object) -> float | None:
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not 0 <= percent <= 100:
        return None
    return percent / 100


def _cloud_mask(item: pystac.Item, base: str, settings: Settings) -> CloudMask | None:
    if asset := mask_asset(item, "scl"):
        return CloudMask(href=absolute_href(asset.href, base, settings), index=1, values=_SCL_CLOUD)
    if asset := mask_asset(item, "qa_pixel"):
        return CloudMask(href=absolute_href(asset.href, base, settings), index=1, bits=_QA_PIXEL_CLOUD)
    return None
