"""Which radiometric offset stored numbers need, and who said so.

From processing baseline 04.00 on (25 January 2022) Sentinel-2 numbers carry a shift of 1,000: reflectance is
``(DN - 1000) / 10000`` (https://sentinels.copernicus.eu/web/sentinel/-/copernicus-sentinel-2-major-products-upgrade-upcoming).
Some catalogs remove the shift from the pixels, some publish it as ``offset``, some do both. The order of trust, first
that speaks wins:

1. ``earthsearch:boa_offset_applied`` true: the shift is gone already, whatever ``offset`` says.
2. ``scale`` and ``offset`` of the bands, in STAC (``bands``, ``raster:bands``) or in the file.
3. The processing baseline, in STAC (``s2:processing_baseline``, ``processing:version``) or in the file
   (``PROCESSING_BASELINE``, as GDAL copies it from the product).
4. Nothing: 0, origin ``none``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from rasterio.io import DatasetReader

from core import Offset, SceneError
from indexer.sources._sensing import Sensed

SHIFT = -1000.0
"""RADIO_ADD_OFFSET and BOA_ADD_OFFSET of baseline 04.00, in DN; source as above."""

_BASELINE = re.compile(r"N?0*(\d{1,2})\.\d{1,2}|N(\d\d)\d\d")
"""``05.09``, ``5.09``, and ``N0509`` as in product names."""


def file_offset(dataset: DatasetReader, sensed: Sensed) -> Offset:
    """Return the offset a file speaks of: of its bands, or through its processing baseline.

    Raises:
        SceneError: Its bands have another scale than the sensor, or different offsets, or its baseline is unreadable.
    """
    pairs = [(dataset.scales[index - 1], dataset.offsets[index - 1]) for index in sensed.indexes]
    if (value := band_offset(pairs, sensed)) is not None:
        return Offset(value=value, origin="tag:offset")
    if not _shifts(sensed):
        return Offset()
    return _from_baseline("PROCESSING_BASELINE", dataset.tags().get("PROCESSING_BASELINE"), "tag:PROCESSING_BASELINE")


def item_offset(
    properties: Mapping[str, Any], pairs: Iterable[tuple[float | None, float | None]], sensed: Sensed
) -> Offset:
    """Return the offset a STAC item speaks of.

    Args:
        properties: Of the item.
        pairs: Scale and offset of each band used, as published.
        sensed: Sensor, encoding and bands of the item.

    Raises:
        SceneError: The bands have another scale than the sensor, or different offsets, or the baseline is unreadable.
    """
    if properties.get("earthsearch:boa_offset_applied") is True and _shifts(sensed):
        return Offset(value=0.0, origin="stac:boa-offset-applied")
    if (value := band_offset(pairs, sensed)) is not None:
        return Offset(value=value, origin="stac:raster:offset")
    if not _shifts(sensed):
        return Offset()
    baseline, version = properties.get("s2:processing_baseline"), properties.get("processing:version")
    # the version of some processing software, which need not be a baseline
    if baseline is None and _BASELINE.fullmatch(str(version).strip()):
        baseline = version
    return _from_baseline("s2:processing_baseline", baseline, "stac:processing-baseline")


def band_offset(pairs: Iterable[tuple[float | None, float | None]], sensed: Sensed) -> float | None:
    """Return what published scales and offsets add to the stored numbers beyond the sensor's own; None if unsaid.

    A scale of 1 with an offset of 0 says nothing: it is what formats write where nobody set them.

    Raises:
        SceneError: The scale contradicts the sensor's, or the bands have different offsets.
    """
    found = set()
    for name, (scale, offset) in zip(sensed.bands, pairs, strict=True):
        if (scale, offset) in ((None, None), (1, 0), (1, None), (None, 0)):
            continue
        own_scale, own_offset = sensed.scaling(name)
        if scale is not None and not math.isclose(scale, own_scale, rel_tol=1e-3):
            raise SceneError(
                f"says that band {name} has scale {scale:g}, {sensed.name} has {own_scale:g}; "
                "pass --sensor with the fitting encoding or your own TOML file"
            )
        found.add(round(((offset or 0.0) - own_offset) / own_scale, 6))
    if len(found) > 1:
        raise SceneError(f"has bands with different offsets ({', '.join(f'{value:g}' for value in sorted(found))})")
    return found.pop() if found else None


def _from_baseline(name: str, baseline: Any, origin: str) -> Offset:
    if baseline is None:
        return Offset()
    match = _BASELINE.fullmatch(str(baseline).strip())
    if not match:
        raise SceneError(f"has {name} {baseline!r}, from which no offset can be told; expected e.g. 05.09 or N0509")
    return Offset(value=SHIFT if int(match.group(1) or match.group(2)) >= 4 else 0.0, origin=origin)


def _shifts(sensed: Sensed) -> bool:
    """Only integer Sentinel-2 numbers carry the shift."""
    return sensed.sensor.name.startswith("sentinel-2") and sensed.encoding.scale is None
