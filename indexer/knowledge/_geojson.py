"""GeoJSON: one entry a feature."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from core import InputError
from indexer.knowledge import _fields as fields
from indexer.knowledge._geometry import checked_place
from indexer.knowledge._tabular import entry_of
from indexer.knowledge._types import BadEntry, Entry


def read_geojson(text: str, path: Path) -> Iterator[Entry | BadEntry]:
    """Yield the entries of a Feature or a FeatureCollection; a feature without geometry is an entry without a place.

    Raises:
        InputError: Not JSON, or neither of the two; the message is the reason alone.
    """
    for number, feature in enumerate(_features(_loaded(text)), start=1):
        try:
            yield _entry(feature, fallback=f"{path.stem} {number}")
        except InputError as error:
            yield BadEntry(where=f"feature {number}", reason=str(error))


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"not JSON: {error}") from None


def _features(document: Any) -> list[Any]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "Feature":
        return [document]
    features = document.get("features") if kind == "FeatureCollection" else None
    if not isinstance(features, list):
        raise InputError(f"JSON of type {str(kind)[:40]!r}; expected a GeoJSON FeatureCollection or Feature")
    return features


def _entry(feature: Any, *, fallback: str) -> Entry:
    if not isinstance(feature, Mapping) or feature.get("type") != "Feature":
        raise InputError("not a Feature; expected an object with type, properties and geometry")
    properties = feature.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise InputError(f"properties are a {type(properties).__name__}; expected an object")
    row = fields.named_values(properties.items())
    geometry = _place(feature.get("geometry"))
    # Where the feature has a geometry, columns x, y or lat, lon are only properties.
    row = row if geometry is None else {name: value for name, value in row.items() if name not in _COORDINATES}
    entry = entry_of(row, fallback=fallback)
    return entry if geometry is None else _placed(entry, geometry)


_COORDINATES = frozenset((*fields.LAT, *fields.LON, *fields.WKT))


def _placed(entry: Entry, geometry: BaseGeometry) -> Entry:
    return replace(entry, geometry=geometry)


def _place(geometry: Any) -> BaseGeometry | None:
    if geometry is None:
        return None
    try:
        found = shape(dict(geometry))
    except Exception:
        kind = geometry.get("type") if isinstance(geometry, Mapping) else type(geometry).__name__
        raise InputError(
            f"a geometry of type {str(kind)[:40]!r} cannot be read; expected GeoJSON in lon, lat"
        ) from None
    return checked_place(found)
