"""The static STAC catalog: two collections, relative links, and "synthetic" wherever a reader may look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pystac
from pystac import Asset, Catalog, CatalogType, Collection, Extent, Item, MediaType, Provider, ProviderRole
from shapely.geometry import mapping

from demo._optical import BANDS
from demo._radar import POLARISATIONS
from demo._scenes import (
    EPSG,
    NOTICE,
    OPTICAL_COLLECTION,
    OPTICAL_TIMES,
    RADAR_COLLECTION,
    RADAR_TIMES,
    SCENE_PIXELS,
    SceneFrame,
    to_lonlat,
)
from demo._weather import SUN_AZIMUTH, SUN_ELEVATION

_EO = "https://stac-extensions.github.io/eo/v2.0.0/schema.json"
_RASTER = "https://stac-extensions.github.io/raster/v2.0.0/schema.json"
_PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
_SAR = "https://stac-extensions.github.io/sar/v1.0.0/schema.json"
_PROCESSING = "https://stac-extensions.github.io/processing/v1.2.0/schema.json"
_VIEW = "https://stac-extensions.github.io/view/v1.0.0/schema.json"

_COMMON = (
    "coastal",
    "blue",
    "green",
    "red",
    "rededge071",
    "rededge075",
    "rededge078",
    "nir",
    "nir08",
    "nir09",
    "swir16",
    "swir22",
)
"""Common names of the STAC eo extension (https://github.com/stac-extensions/eo#common-band-names)."""

_MICROMETRES = (0.4427, 0.4924, 0.5598, 0.6646, 0.7041, 0.7405, 0.7828, 0.8328, 0.8647, 0.9451, 1.6137, 2.2024)
"""Centre wavelengths of Sentinel-2A
(https://sentinels.copernicus.eu/web/sentinel/technical-guides/sentinel-2-msi/msi-instrument)."""

COG = MediaType.COG


def item_id(collection: str, frame: SceneFrame, instant: datetime) -> str:
    """Return the id of an acquisition, e.g. ``demo-s2-coast-20210718``."""
    short = "s2" if collection == OPTICAL_COLLECTION else "s1"
    return f"demo-{short}-{frame.name}-{instant:%Y%m%d}"


def optical_item(
    frame: SceneFrame, epoch: int, *, href: str, scl_href: str, cloud: float, captions: Sequence[str]
) -> Item:
    """Return the Sentinel-2 item of a scene and date.

    Args:
        frame: The scene.
        epoch: 0, 1 or 2.
        href: The 12-band file, relative to the item.
        scl_href: The scene classification, relative to the item.
        cloud: Share of SCL pixels that are cloud, 0..1.
        captions: True sentences about the scene.
    """
    instant = OPTICAL_TIMES[epoch]
    item = _item(OPTICAL_COLLECTION, frame, instant, captions, (_EO, _RASTER, _VIEW))
    item.properties |= {
        "platform": "sentinel-2a",
        "constellation": "sentinel-2",
        "instruments": ["msi"],
        "gsd": 10,
        "eo:cloud_cover": round(100 * cloud, 2),
        "processing:level": "L2A",
        "s2:product_type": "S2MSI2A",
        "s2:processing_baseline": "03.01",
        "view:sun_elevation": SUN_ELEVATION[epoch],
        "view:sun_azimuth": SUN_AZIMUTH[epoch],
    }
    bands = [
        {"name": name, "eo:common_name": common, "eo:center_wavelength": wavelength}
        for name, common, wavelength in zip(BANDS, _COMMON, _MICROMETRES, strict=True)
    ]
    scaling = {"raster:scale": 1e-4, "raster:offset": 0.0, "data_type": "uint16", "nodata": 0, "unit": "1"}
    item.add_asset(
        "reflectance", _asset(href, "Surface reflectance, 12 bands", ["data", "reflectance"], bands, scaling)
    )
    classes = {"data_type": "uint8", "nodata": 0, "gsd": 20}
    item.add_asset("scl", _asset(scl_href, "Scene classification (SCL)", ["data"], [{"name": "SCL"}], classes))
    _project(item.assets["reflectance"], frame, 10)
    _project(item.assets["scl"], frame, 20)
    return item


def radar_item(frame: SceneFrame, epoch: int, *, href: str, captions: Sequence[str]) -> Item:
    """Return the Sentinel-1 item of a scene and date.

    Args:
        frame: The scene.
        epoch: 0, 1 or 2.
        href: The two-band file, relative to the item.
        captions: True sentences about the scene.
    """
    item = _item(RADAR_COLLECTION, frame, RADAR_TIMES[epoch], captions, (_SAR, _RASTER))
    item.properties |= {
        "platform": "sentinel-1a",
        "constellation": "sentinel-1",
        "instruments": ["c-sar"],
        "gsd": 10,
        "processing:level": "L1",
        "sar:instrument_mode": "IW",
        "sar:frequency_band": "C",
        "sar:center_frequency": 5.405,
        "sar:polarizations": list(POLARISATIONS),
        "sar:product_type": "RTC",
    }
    # Named in full: power and decibel look alike, so a reader must not take plain "VV" for granted.
    bands = [{"name": f"gamma0 {name}, linear power"} for name in POLARISATIONS]
    fields = {"data_type": "float32", "nodata": 0, "unit": "linear"}
    item.add_asset("gamma0", _asset(href, "Gamma0 backscatter, linear power", ["data"], bands, fields))
    _project(item.assets["gamma0"], frame, 10)
    return item


def _item(
    collection: str, frame: SceneFrame, instant: datetime, captions: Sequence[str], extensions: Sequence[str]
) -> Item:
    outline = to_lonlat(frame.local)
    sensor = "Sentinel-2 L2A" if collection == OPTICAL_COLLECTION else "Sentinel-1 RTC"
    return Item(
        id=item_id(collection, frame, instant),
        geometry=mapping(outline),
        bbox=list(outline.bounds),
        datetime=instant,
        properties={
            "title": f"[Synthetic] {sensor}, {frame.title}, {instant:%Y-%m-%d}",
            "description": f"{NOTICE}. {frame.title[0].upper()}{frame.title[1:]}, drawn as {sensor} would see it.",
            "created": f"{instant:%Y-%m-%dT%H:%M:%SZ}",
            "synthetic": True,
            "swath:captions": list(captions),
            "proj:code": f"EPSG:{EPSG}",
        },
        stac_extensions=[_PROJECTION, _PROCESSING, *extensions],
    )


def _asset(href: str, title: str, roles: list[str], bands: list[dict[str, Any]], fields: dict[str, Any]) -> Asset:
    extra = {"bands": bands, "synthetic": True, **fields}
    return Asset(
        href=href, title=f"[Synthetic] {title}", description=NOTICE, media_type=COG, roles=roles, extra_fields=extra
    )


def _project(asset: Asset, frame: SceneFrame, metres: int) -> None:
    """Write grid and extent of a file."""
    grid = frame.grid(float(metres))
    size = SCENE_PIXELS * 10 // metres
    asset.extra_fields |= {
        "proj:code": f"EPSG:{EPSG}",
        "proj:shape": [size, size],
        "proj:transform": [float(metres), 0.0, grid.c, 0.0, -float(metres), grid.f],
    }


def build_catalog(optical: Sequence[Item], radar: Sequence[Item]) -> Catalog:
    """Return the catalog over all items."""
    catalog = Catalog(
        id="swath-demo",
        title="[Synthetic] Swath demo archive",
        description=f"{NOTICE}. A small invented landscape as Sentinel-2 L2A and Sentinel-1 RTC at three dates.",
        extra_fields={"synthetic": True},
    )
    catalog.add_children(
        [
            _collection(OPTICAL_COLLECTION, "Sentinel-2 L2A", "12 bands of surface reflectance (DN / 10,000)", optical),
            _collection(RADAR_COLLECTION, "Sentinel-1 RTC", "VV and VH gamma0 backscatter as linear power", radar),
        ]
    )
    return catalog


def _collection(name: str, sensor: str, content: str, items: Sequence[Item]) -> Collection:
    keys = (
        "constellation",
        "platform",
        "instruments",
        "gsd",
        "processing:level",
        "s2:product_type",
        "sar:product_type",
    )
    first = items[0].properties
    summaries = {key: first[key] if isinstance(first[key], list) else [first[key]] for key in keys if key in first}
    collection = Collection(
        id=name,
        title=f"[Synthetic] {sensor} of the Swath demo archive",
        description=f"{NOTICE}. {content}, 10 m, of a landscape that does not exist.",
        extent=Extent.from_items(items),
        license="Apache-2.0",
        keywords=["synthetic", "demo", sensor],
        providers=[Provider(name="Swath demo generator", roles=[ProviderRole.PRODUCER], description=NOTICE)],
        summaries=pystac.Summaries({**summaries, "synthetic": [True]}),
        extra_fields={"synthetic": True},
    )
    collection.add_items(list(items))
    return collection


def save_catalog(catalog: Catalog, folder: Path) -> None:
    """Write the catalog below ``folder`` with relative links only."""
    catalog.normalize_and_save(str(folder), catalog_type=CatalogType.SELF_CONTAINED)
