"""Stored numbers to physical units, and physical units to fixed colours.

Stretches are fixed by the sensor and never fitted to a tile, so that two pictures can be compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core._errors import SensorError, UnknownNameError
from core._types import Channel, Display, Encoding, Offset, Rendering, Sensor

POWER_FLOOR = 1e-6
"""Least linear power kept when it becomes dB, i.e. -60 dB: well under Sentinel-1's noise floor of about -22 dB
(https://sentiwiki.copernicus.eu/web/s1-mission)."""

_LN10_TENTH = np.float32(math.log(10) / 10)


def to_physical(
    stored: NDArray[Any], sensor: Sensor, bands: Sequence[str], encoding: Encoding, offset: Offset | None = None
) -> NDArray[np.float32]:
    """Return pixels in the units of the sensor's bands.

    ``transform((stored + offset.value) * scale + offset)``, where scale and offset are the encoding's, or else the
    band's; ``power-to-db`` is ``10 * log10(max(x, 1e-6))`` and ``amplitude-to-db`` the same of the square.

    Args:
        stored: (bands, h, w) as read from the file, any numeric dtype.
        sensor: The sensor.
        bands: Names of its bands, in the order of ``stored``.
        encoding: How the numbers are stored.
        offset: Radiometric offset in stored numbers, added first; None adds nothing.

    Returns:
        (bands, h, w) float32; nodata is converted like any other number, NaN stays NaN.

    Raises:
        SensorError: ``stored`` does not have one plane a band.
        InputError: The sensor has no such band.
    """
    _require_planes(stored, bands)
    described = [sensor.band(name) for name in bands]
    scale = _column(band.scale if encoding.scale is None else encoding.scale for band in described)
    shift = _column(band.offset if encoding.offset is None else encoding.offset for band in described)
    pixels = stored.astype(np.float32)
    if offset is not None and offset.value:
        pixels += np.float32(offset.value)
    pixels *= scale
    pixels += shift
    if encoding.transform != "identity":
        _to_db(pixels, 20 if encoding.transform == "amplitude-to-db" else 10)
    return pixels


def render(
    pixels: NDArray[np.float32],
    mask: NDArray[np.bool_],
    sensor: Sensor,
    bands: Sequence[str],
    *,
    rendering: str | None = None,
) -> NDArray[np.uint8]:
    """Return the pixels as a picture in the sensor's fixed stretch.

    Args:
        pixels: (bands, h, w) in the bands' units, as ``Tile.pixels``.
        mask: (h, w), True where the pixel is valid; the rest becomes black.
        sensor: The sensor.
        bands: Names of its bands, in the order of ``pixels``.
        rendering: One of the sensor's renderings; None takes the first whose bands are all present.

    Returns:
        (h, w, 3) uint8, red, green, blue; gray renderings repeat one channel.

    Raises:
        UnknownNameError: The sensor has no such rendering.
        SensorError: The bands of the rendering, or of every rendering, are not all present, or shapes disagree.
    """
    _require_planes(pixels, bands)
    if mask.shape != pixels.shape[1:]:
        raise SensorError(
            f"the mask is {mask.shape}, the pixels are {pixels.shape[1:]}; expected the same height, width"
        )
    recipe = _choose(sensor, bands, rendering)
    picture = np.empty((*mask.shape, 3), dtype=np.uint8)
    for position, channel in enumerate(recipe.channels):
        picture[..., position] = _eight_bit(pixels, sensor, list(bands), channel)
    if len(recipe.channels) == 1:
        picture[..., 1:] = picture[..., :1]
    picture[~mask] = 0
    return picture


def _choose(sensor: Sensor, bands: Sequence[str], name: str | None) -> Rendering:
    offered = [item for item in sensor.renderings if name in (None, item.name)]
    if not offered:
        raise UnknownNameError(f"rendering of {sensor.name}", str(name), tuple(item.name for item in sensor.renderings))
    for item in offered:
        if _needed(item) <= set(bands):
            return item
    needs = "; ".join(f"{item.name} needs {', '.join(sorted(_needed(item)))}" for item in offered)
    raise SensorError(f"cannot draw {sensor.name} from the bands {', '.join(bands)}: {needs}")


def _needed(rendering: Rendering) -> set[str]:
    return {name for channel in rendering.channels for name in (channel.band, channel.over) if name}


def _eight_bit(pixels: NDArray[np.float32], sensor: Sensor, bands: list[str], channel: Channel) -> NDArray[np.uint8]:
    band = sensor.band(channel.band)
    plane = pixels[bands.index(channel.band)]
    in_db = band.unit == "dB"
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if channel.over:
            under = pixels[bands.index(channel.over)]
            plane = plane - under if in_db else plane / under
        linear = np.exp(plane * _LN10_TENTH) if in_db else plane
        return _stretched(linear, channel.display or band.display)


def _stretched(values: NDArray[np.float32], display: Display) -> NDArray[np.uint8]:
    """``clip(gain * ((x - minimum) / (maximum - minimum)) ** gamma, 0, 1)`` in 256 steps; NaN is black."""
    unit = (values - np.float32(display.minimum)) * np.float32(1 / (display.maximum - display.minimum))
    np.fmax(unit, np.float32(0), out=unit)  # fmax, not maximum: it turns NaN into 0
    if display.gamma != 1:
        np.power(unit, np.float32(display.gamma), out=unit)
    unit *= np.float32(255 * display.gain)
    unit += np.float32(0.5)
    np.minimum(unit, np.float32(255), out=unit)
    return unit.astype(np.uint8)


def _to_db(pixels: NDArray[np.float32], factor: int) -> None:
    np.maximum(pixels, np.float32(POWER_FLOOR ** (10 / factor)), out=pixels)  # maximum, not fmax: NaN stays NaN
    np.log10(pixels, out=pixels)
    pixels *= np.float32(factor)


def _column(values: Any) -> NDArray[np.float32]:
    return np.array(list(values), dtype=np.float32)[:, None, None]


def _require_planes(pixels: NDArray[Any], bands: Sequence[str]) -> None:
    if pixels.ndim != 3 or len(pixels) != len(bands):
        raise SensorError(f"pixels of shape {pixels.shape} for {len(bands)} bands; expected (bands, height, width)")
