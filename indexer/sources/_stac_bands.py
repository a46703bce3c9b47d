"""What a STAC item says about the bands of its assets, in STAC 1.1 and in older words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pystac

_DATA_TYPES = ("image/tiff", "image/vnd.stac.geotiff", "image/x.geotiff", "image/geotiff", "image/jp2")
"""Media types that are read; parameters such as ``profile=cloud-optimized`` do not matter."""

_DATA_ENDINGS = (".tif", ".tiff", ".jp2")
"""Endings that are read where an asset has no media type."""

_OTHER_ROLES = {
    "cloud", "cloud-shadow", "data-mask", "date", "incidence-angle", "land-water", "metadata", "noise", "overview",
    "quality", "saturation", "snow-ice", "sun-azimuth", "sun-elevation", "terrain-shadow", "thumbnail", "tiles",
    "viewing-azimuth", "visual", "water-mask",
}  # fmt: skip
"""Roles that are not the measurement itself: https://github.com/radiantearth/stac-spec/blob/v1.1.0/best-practices.md#list-of-asset-roles."""

_OTHER_KEYS = {"overview", "preview", "pvi", "rendered_preview", "tci", "thumbnail", "visual"}
"""Keys of pictures made for the eye, which some catalogs give the role ``data``."""


_POSITION = re.compile(r"(b|band[ _-]?)?\d+")
"""A name that only counts. Sentinel-2's ``B1`` is upper-case."""


_GSD = ("gsd", "raster:spatial_resolution", "spatial_resolution")
"""Where the size of a pixel stands: common metadata, raster extension 2, raster extension 1."""


@dataclass(frozen=True, kw_only=True)
class BandNote:
    """What is known of one band of an asset."""

    names: tuple[str, ...]
    """Name, common name, and the asset's key where it has one band only; most telling first; may be empty."""
    dtype: str | None
    """numpy dtype name."""
    unit: str | None
    """As published; may name the encoding (``dB``, ``linear``)."""
    scale: float | None
    """As published."""
    offset: float | None
    """As published."""


@dataclass(frozen=True, kw_only=True)
class AssetNote:
    """An asset that may hold measurements."""

    key: str
    """In the item."""
    href: str
    """As written."""
    bands: tuple[BandNote, ...]
    """In file order; one without names where nothing is said."""
    named: bool
    """Whether the item names any band of it."""
    rank: tuple[bool, bool, float]
    """Lower is preferred among assets that hold the same band."""


def data_assets(item: pystac.Item) -> list[AssetNote]:
    """Return the assets that may hold measurements, preferred ones first.

    COGs come before JPEG 2000 twins, assets for one band before stacks, fine pixels before coarse. Pictures for the
    eye, thumbnails, masks and metadata are left out, unless there is nothing else.
    """
    readable = {key: asset for key, asset in item.assets.items() if _is_readable(asset)}
    chosen = {key: asset for key, asset in readable.items() if not _is_extra(key, asset)}
    notes = [_note(key, asset) for key, asset in (chosen or _pictures(readable)).items()]
    return sorted(notes, key=lambda note: note.rank)


def mask_asset(item: pystac.Item, key: str) -> pystac.Asset | None:
    """Return the readable asset called ``key``, or ``SCL_20m`` and ``scl-jp2`` for ``scl``; preferred as data is."""
    pattern = re.compile(rf"{key}([-_](jp2|\d+m))*", re.IGNORECASE)
    found = [
        _note(name, asset) for name, asset in item.assets.items() if pattern.fullmatch(name) and _is_readable(asset)
    ]
    return item.assets[min(found, key=lambda note: note.rank).key] if found else None


def _is_readable(asset: pystac.Asset) -> bool:
    if asset.media_type:
        return asset.media_type.lower().partition(";")[0].strip() in _DATA_TYPES
    return asset.href.partition("?")[0].lower().endswith(_DATA_ENDINGS)


def _is_extra(key: str, asset: pystac.Asset) -> bool:
    return bool(_OTHER_ROLES & {str(role).lower() for role in asset.roles or ()}) or key.lower() in _OTHER_KEYS


def _pictures(readable: Mapping[str, pystac.Asset]) -> dict[str, pystac.Asset]:
    """True-colour pictures at full size are better than no scene, e.g. aerial imagery published as ``visual``."""
    return {key: asset for key, asset in readable.items() if key.lower() == "visual" or "visual" in (asset.roles or ())}


def _note(key: str, asset: pystac.Asset) -> AssetNote:
    described = list(_described(asset.extra_fields))
    names = _names(described)
    own = (key,) if len(described) < 2 else ()
    bands = tuple(
        _band(fields, asset.extra_fields, said + own)
        for fields, said in zip(described or [{}], names or [()], strict=True)
    )
    places = (asset.extra_fields, *described[:1])
    gsd = _number(*(place.get(key) for place in places for key in _GSD))
    jp2 = (asset.media_type or asset.href).lower().endswith("jp2")
    rank = (jp2, len(bands) > 1, gsd or math.inf)
    return AssetNote(key=key, href=asset.href, bands=bands, named=any(names), rank=rank)


def _described(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the bands of an asset: ``bands`` (STAC 1.1), or ``eo:bands`` beside ``raster:bands``."""
    lists = [_mappings(fields.get(key)) for key in ("bands", "eo:bands", "raster:bands")]
    for number in range(max(map(len, lists))):
        merged: dict[str, Any] = {}
        for bands in reversed(lists):
            merged |= bands[number] if number < len(bands) else {}
        yield merged


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [entry if isinstance(entry, dict) else {} for entry in value] if isinstance(value, list) else []


def _names(described: list[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return what each band is called; ``b1``, ``b2``... in file order say nothing (rio-stac writes them)."""
    names = [[fields.get(key) for key in ("name", "eo:common_name", "common_name")] for fields in described]
    if all(_POSITION.fullmatch(str(said[0])) and str(said[0]).endswith(str(at)) for at, said in enumerate(names, 1)):
        names = [said[1:] for said in names]
    return [tuple(dict.fromkeys(name for name in said if isinstance(name, str) and name)) for said in names]


def _band(fields: Mapping[str, Any], asset: Mapping[str, Any], names: tuple[str, ...]) -> BandNote:
    return BandNote(
        names=names,
        dtype=_first(str, fields.get("data_type"), asset.get("data_type")),
        unit=_first(str, fields.get("unit"), asset.get("unit")),
        scale=_number(fields.get("raster:scale"), fields.get("scale"), asset.get("raster:scale")),
        offset=_number(fields.get("raster:offset"), fields.get("offset"), asset.get("raster:offset")),
    )


def _first(kind: type[str], *values: Any) -> str | None:
    return next((value for value in values if isinstance(value, kind)), None)


def _number(*values: Any) -> float | None:
    return next((float(value) for value in values if isinstance(value, int | float)), None)
