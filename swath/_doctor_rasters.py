"""Whether GDAL reads what archives are made of: a small raster of each kind is written and read back."""

from __future__ import annotations

import warnings
from typing import Any

from swath._doctor_check import Check

FORMATS = {
    "GTiff": "GeoTIFF and COG: every sensor",
    "JP2OpenJPEG": "JPEG 2000: Sentinel-2 as ESA delivers it",
    "PNG": "plain pictures",
    "JPEG": "plain pictures",
}
"""GDAL drivers that Swath opens files with, and what for."""

COMPRESSIONS = ("DEFLATE", "LZW", "ZSTD", "LERC_ZSTD", "JPEG", "WEBP")
"""Of GeoTIFF, as public archives use them; a missing one concerns only files that are compressed so."""

SIDE = 64
"""Pixels a side of what is written and read."""


def drivers() -> Check:
    """Read a raster in each format and compression."""
    import rasterio

    lost = [f"{name} ({what})" for name, what in FORMATS.items() if _problem(name)]
    missing = [name for name in COMPRESSIONS if _problem("GTiff", compress=name)]
    version = f"GDAL {rasterio.__gdal_version__}"
    if lost:
        found = f"{version} cannot read {', '.join(lost)}"
        return Check(name="raster formats", state="fail", found=found, advice="pip install --force-reinstall rasterio")
    if missing:
        found = f"{version} cannot read GeoTIFF compressed with {', '.join(missing)}"
        return Check(
            name="raster formats", state="warn", found=found, advice="pip install rasterio, not one built by hand"
        )
    return Check(name="raster formats", state="ok", found=f"{version} reads {', '.join(FORMATS)}; all compressions")


def _problem(driver: str, **options: Any) -> str | None:
    """Return why a raster cannot be written and read back, if it cannot."""
    import numpy as np
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)  # it lies nowhere, and need not
    pixels = np.arange(3 * SIDE * SIDE, dtype=np.uint8).reshape(3, SIDE, SIDE)
    shape = {"count": 3, "height": SIDE, "width": SIDE, "dtype": "uint8"}
    try:
        with MemoryFile() as memory:
            with memory.open(driver=driver, **shape, **options) as raster:
                raster.write(pixels)
            with memory.open() as raster:
                return None if raster.read().shape == pixels.shape else "other pixels came back"
    except Exception as error:
        return str(error)


def coordinate_systems() -> Check:
    """Look a coordinate system up in GDAL's and in pyproj's own database, which other installations may hide."""
    from pyproj import Transformer
    from rasterio.crs import CRS

    x, y = Transformer.from_crs("EPSG:4326", CRS.from_epsg(32633).to_wkt(), always_xy=True).transform(15.0, 0.0)
    # On its central meridian a UTM zone has the easting 500 km, https://epsg.io/32633
    if abs(x - 500_000) > 1 or abs(y) > 1:
        raise RuntimeError(f"15°E 0°N lies at {x:.0f}, {y:.0f} in UTM zone 33, not at 500000, 0")
    return Check(name="coordinate systems", state="ok", found="PROJ finds its database")
