"""Where and when a raster of a dataset is, as the fields of a tile."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from core import wrap_footprint

_SPHERE = 6371008.8
"""Mean radius of the Earth in metres, IUGG (https://en.wikipedia.org/wiki/Earth_radius#Arithmetic_mean_radius)."""


def place_of(dataset: Any) -> dict[str, Any]:
    """Return `crs`, `footprint`, `centroid` (lon, lat) and `gsd` (metres) of an open rasterio dataset.

    Nothing where it has no CRS or no geotransform. Edges are taken as straight in lon, lat: chips are a few km wide.
    """
    if dataset.crs is None or dataset.transform.is_identity:
        return {}
    width, height = dataset.width, dataset.height
    corners = _lonlat(dataset, [(0, 0), (width, 0), (width, height), (0, height)])
    ((lon, lat),) = _lonlat(dataset, [(width / 2, height / 2)])
    code = dataset.crs.to_epsg()
    return {
        "crs": f"EPSG:{code}" if code else dataset.crs.to_wkt(),
        "footprint": wrap_footprint(corners),
        "centroid": ((lon + 180) % 360 - 180, lat),
        "gsd": _gsd(dataset),
    }


def tagged_date(tags: Mapping[str, str]) -> datetime | None:
    """Return the `datetime` tag of a file in UTC (no zone means UTC); None without a readable one."""
    try:
        found = datetime.fromisoformat(tags.get("datetime", ""))
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def _lonlat(dataset: Any, pixels: list[tuple[float, float]]) -> list[tuple[float, float]]:
    from rasterio.warp import transform

    xs, ys = zip(*(dataset.transform @ pixel for pixel in pixels), strict=True)
    lons, lats = transform(dataset.crs, "EPSG:4326", list(xs), list(ys))
    return list(zip(lons, lats, strict=True))


def _gsd(dataset: Any) -> float:
    """Metres on the ground from the centre pixel's left to its right edge; a projected metre counts as one (UTM)."""
    if dataset.crs.is_projected and dataset.crs.to_epsg() != 3857:
        return float(math.hypot(dataset.transform.a, dataset.transform.d) * dataset.crs.linear_units_factor[1])
    col, row = dataset.width / 2, dataset.height / 2
    (west, south), (east, north) = _lonlat(dataset, [(col - 0.5, row), (col + 0.5, row)])
    across = math.radians(east - west) * math.cos(math.radians((south + north) / 2))
    return _SPHERE * math.hypot(across, math.radians(north - south))
