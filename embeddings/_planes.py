"""From a tile to the planes that swath-mini sees: twelve wavelength ranges, or two polarisations for SAR.

Whatever bands a sensor has, each goes to the range its centre wavelength falls into, as SMARTIES projects
(https://arxiv.org/abs/2506.19585, one projection per range); ranges without a band stay empty and the network is told
so by the number 0. Optical values pass through the band's fixed display stretch, which is a function of the physical
unit, so plain 8-bit pictures and reflectances meet on one scale. SAR values stay in dB, from the band's white point.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from core import Band, SensorError, Tile

from ._picture import square_planes

PLANES_VERSION = 1
"""Part of the revision of an encoder that looks through this module: raise it when the same tile looks different."""

RANGES = (
    ("coastal", 0.400, 0.455),
    ("blue", 0.455, 0.525),
    ("green", 0.525, 0.600),
    ("red", 0.600, 0.690),
    ("red edge 1", 0.690, 0.725),
    ("red edge 2", 0.725, 0.765),
    ("red edge 3", 0.765, 0.810),
    ("near infrared", 0.810, 0.900),
    ("water vapour", 0.900, 1.000),
    ("cirrus", 1.000, 1.450),
    ("shortwave infrared 1", 1.450, 1.900),
    ("shortwave infrared 2", 1.900, 2.500),
)
"""Name, first and last wavelength in micrometres. The borders lie midway between the bands of Sentinel-2
(https://sentiwiki.copernicus.eu/web/s2-mission), widened where Landsat and EnMAP have theirs."""

COLOURS = (3, 2, 1)
"""Ranges of red, green and blue: the planes of a tile that has no others."""

NOMINAL = {"red": 0.665, "green": 0.560, "blue": 0.490, "nir": 0.833}
"""Wavelength in micrometres of common names whose sensor defines none; STAC's ranges, midpoints rounded
(https://github.com/stac-extensions/eo#common-band-names)."""

CO_POLARISED = ("vv", "hh")
CROSS_POLARISED = ("vh", "hv")
LEVELS = 16_384
"""Steps of the stretch's table: at gamma 0.6 the first one is 1 of 255 grey levels."""

DB_LOW, DB_HIGH = -32.0, 12.0
"""Range of dB from the white point that 8 bits hold, in steps of 0.17 dB: from the noise floor of Sentinel-1 (-22 dB,
https://sentiwiki.copernicus.eu/web/s1-mission, 17 dB under white) with room for calm water, to corner reflectors."""


def planes(tile: Tile, size: int) -> NDArray[np.uint8]:
    """Return what the networks see of a tile.

    Args:
        tile: A tile of any optical or SAR sensor.
        size: Side in pixels.

    Returns:
        (3, size, size) red, green, blue where the tile has just these; (12, size, size) in the order of RANGES for
        other optical tiles; (2, size, size) co- and cross-polarised for SAR. 1 to 255 are values, 0 is absent.

    Raises:
        SensorError: No band of the tile has a place among the planes.
    """
    pixels = square_planes(tile.pixels, tile.mask, size)  # averaged in the band's unit, before any stretch
    return radar_planes(tile, pixels) if tile.sensor.kind == "sar" else optical_planes(tile, pixels)


def optical_planes(tile: Tile, pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return (3 or 12, h, w): each range is the mean of the stretched bands that fall into it."""
    gathered: dict[int, list[NDArray[np.float32]]] = {}
    for band, plane in zip(_bands(tile), pixels, strict=True):
        for number in _ranges(band):
            gathered.setdefault(number, []).append(_stretched(band, plane))
    if not gathered:
        limits = f"{RANGES[0][1]} and {RANGES[-1][2]} um"
        raise SensorError(f"{tile.sensor.name} has no band between {limits} among {', '.join(tile.bands)}")
    order: Sequence[int] = COLOURS if set(gathered) == set(COLOURS) else range(len(RANGES))
    return np.stack([_one_plane(gathered.get(number, []), pixels.shape[1:]) for number in order])


def radar_planes(tile: Tile, pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return (2, h, w): dB from the white point of the co- and the cross-polarised band."""
    out = np.zeros((2, *pixels.shape[1:]), dtype=np.uint8)
    for band, plane in zip(_bands(tile), pixels, strict=True):
        for row, names in enumerate((CO_POLARISED, CROSS_POLARISED)):
            if band.common_name in names and not out[row].any():
                out[row] = _db_from_white(band, plane)
    if not out.any():
        raise SensorError(f"{tile.sensor.name}: no VV, VH, HH or HV among {', '.join(tile.bands)}")
    return out


def _bands(tile: Tile) -> list[Band]:
    return [tile.sensor.band(name) for name in tile.bands]


def _ranges(band: Band) -> tuple[int, ...]:
    if band.common_name == "pan":
        return COLOURS
    wavelength = band.center_wavelength_um or NOMINAL.get(band.common_name)
    if wavelength is None:
        return ()
    return tuple(row for row, (_, low, high) in enumerate(RANGES) if low <= wavelength < high)


def _stretched(band: Band, plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (h, w), 0..1: the fixed display stretch, read from a table because powers are slow."""
    display = band.display
    unit = (plane - np.float32(display.minimum)) * np.float32(LEVELS / (display.maximum - display.minimum))
    np.fmax(unit, np.float32(0), out=unit)
    steps = np.minimum(unit, np.float32(LEVELS), out=unit).astype(np.uint16)
    stretched: NDArray[np.float32] = _table(display.gamma, display.gain)[steps]
    return stretched


@cache
def _table(gamma: float, gain: float) -> NDArray[np.float32]:
    """Return gain * x ** gamma, at most 1, at LEVELS + 1 places from 0 to 1."""
    unit = np.arange(LEVELS + 1) / LEVELS
    table: NDArray[np.float32] = np.minimum(gain * unit**gamma, 1.0).astype(np.float32)
    return table


def _one_plane(members: list[NDArray[np.float32]], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    if not members:
        return np.zeros(shape, dtype=np.uint8)
    mean = members[0] if len(members) == 1 else np.mean(members, axis=0)
    plane: NDArray[np.uint8] = np.maximum(mean * np.float32(255) + np.float32(0.5), np.float32(1)).astype(np.uint8)
    return plane


def _db_from_white(band: Band, plane: NDArray[np.float32]) -> NDArray[np.uint8]:
    white = 10 * np.log10(band.display.maximum)
    unit = (np.nan_to_num(plane, nan=-100.0) - np.float32(white + DB_LOW)) * np.float32(254 / (DB_HIGH - DB_LOW))
    steps: NDArray[np.uint8] = (np.clip(unit, 0, 254) + np.float32(1.5)).astype(np.uint8)
    return steps
