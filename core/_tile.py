"""The tile: what sources lead to and encoders start from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core._rendering import render
from core._sensors import load_sensor
from core._types import Offset, PixelWindow, Sensor


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Pixels ready for an encoder, and where and when they are."""

    tile_id: str
    """``collection~scene_id~r0003c0007``: from names and grid position, never from floats."""
    scene_id: str
    """See Scene."""
    collection: str
    """See Scene."""
    sensor: Sensor
    """See Scene."""
    encoding: str
    """Name of the sensor's encoding the file was read with."""
    bands: tuple[str, ...]
    """Band names, in the order of ``pixels``."""
    pixels: NDArray[np.float32]
    """(bands, h, w) in the bands' units; 0 where the mask is False."""
    mask: NDArray[np.bool_]
    """(h, w), True where the pixel is valid."""
    window: PixelWindow
    """Where to read the original pixels again."""
    row: int
    """Grid row, from the top."""
    col: int
    """Grid column, from the left."""
    href: str
    """See Scene."""
    datetime: datetime | None
    """See Scene."""
    gsd: float | None
    """Metres per pixel at the tile's centre; None for plain pictures."""
    crs: str | None
    """``EPSG:32619`` or WKT2 where there is no code; None for plain pictures."""
    footprint: BaseGeometry | None
    """Polygon or MultiPolygon (split at the antimeridian) in lon, lat; None for plain pictures."""
    centroid: tuple[float, float] | None
    """lon, lat of the centre pixel; None for plain pictures."""
    valid: float
    """Fraction of valid pixels, 0..1."""
    cloud: float | None
    """Fraction of cloudy pixels among the valid, 0..1; None when unknown."""
    offset: Offset = Offset()  # noqa: RUF009 - frozen, so one shared default is safe
    """Radiometric offset that was applied."""
    label: str | None = None
    """See Scene."""
    captions: tuple[str, ...] = ()
    """See Scene."""

    @cached_property
    def picture(self) -> NDArray[np.uint8]:
        """(h, w, 3): the sensor's first rendering whose bands are there, drawn once for preview and encoder alike.

        Raises:
            SensorError: No rendering of the sensor fits the bands.
        """
        return render(self.pixels, self.mask, self.sensor, self.bands)


def picture_tile(
    colours: NDArray[np.uint8], mask: NDArray[np.bool_], *, name: str, collection: str, href: str, **known: Any
) -> Tile:
    """Return a plain picture as one tile of the rgb sensor, without a place or a date.

    Args:
        colours: (h, w, 3) red, green, blue.
        mask: (h, w), True where the picture is visible.
        name: Scene id.
        collection: See Tile.
        href: See Tile.
        **known: Further fields of Tile, such as ``label``.
    """
    sensor, _ = load_sensor("rgb")
    bands = tuple(band.name for band in sensor.bands)
    pixels = colours.transpose(2, 0, 1).astype(np.float32)
    return array_tile(pixels, mask, sensor=sensor, bands=bands, name=name, collection=collection, href=href, **known)


def array_tile(
    pixels: NDArray[np.float32],
    mask: NDArray[np.bool_],
    *,
    sensor: Sensor,
    bands: tuple[str, ...],
    name: str,
    collection: str,
    href: str,
    **known: Any,
) -> Tile:
    """Return an array as one whole tile, without a place or a date unless `known` gives them.

    Args:
        pixels: (bands, h, w) in the bands' units, as `to_physical` returns them.
        mask: (h, w), True where the pixel is valid; the rest becomes 0.
        sensor: The sensor.
        bands: Names of its bands, in the order of `pixels`.
        name: Scene id.
        collection: See Tile.
        href: See Tile.
        **known: Further fields of Tile, such as ``label``, ``datetime``, ``centroid``.
    """
    height, width = mask.shape
    placed: dict[str, Any] = {"datetime": None, "gsd": None, "crs": None, "footprint": None, "centroid": None}
    placed |= {"encoding": sensor.encodings[0].name, "cloud": None, **known}
    return Tile(
        tile_id=f"{collection}~{name}~r0000c0000",
        scene_id=name,
        collection=collection,
        sensor=sensor,
        bands=bands,
        pixels=np.where(mask, pixels, 0).astype(np.float32),
        mask=mask,
        window=PixelWindow(col_off=0, row_off=0, width=width, height=height),
        row=0,
        col=0,
        href=href,
        valid=float(mask.mean()),
        **placed,
    )


def square_of(tile: Tile, side: int, row: int, col: int) -> Tile:
    """Return the square of `side` pixels at a row and column of the tile's own grid of such squares.

    Its place stays that of the whole tile.
    """
    top, left = row * side, col * side
    part = slice(top, top + side), slice(left, left + side)
    window = tile.window
    return dataclasses.replace(
        tile,
        tile_id=f"{tile.tile_id}.{side}r{row:04d}c{col:04d}",
        pixels=tile.pixels[:, *part],
        mask=tile.mask[part],
        window=PixelWindow(col_off=window.col_off + left, row_off=window.row_off + top, width=side, height=side),
        valid=float(tile.mask[part].mean()),
    )


def squares_of(tile: Tile, side: int) -> Iterator[tuple[int, int, Tile]]:
    """Yield row, column and tile of every whole square of `side` pixels, row by row; nothing of a smaller tile."""
    rows, cols = tile.mask.shape[0] // side, tile.mask.shape[1] // side
    for row in range(rows):
        for col in range(cols):
            yield row, col, square_of(tile, side, row, col)
