"""A tile as a picture: original pixels through one of its renderings to a PNG, invalid pixels transparent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from core import Record, Tile, render
from indexer._legends import Legend, index_named, legend_of, sensor_of, sensor_reference
from indexer._reach import Reach
from indexer._revisit import Original, revisit

MAX_PICTURE_SIDE = 2048
"""Longer side of a picture in pixels: three float32 bands of it take 50 MB."""

COLOR_STOPS = 11
"""Colours of a colour map that a legend lists: one every tenth of its range."""

_PNG_LEVEL = 3
"""Of deflate."""


ColorTable = dict[int, tuple[int, int, int, int]]
"""Red, green, blue, alpha of each step 0..255."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A tile drawn from its original pixels."""

    png: bytes
    """RGBA."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    legend: Legend
    """How it was drawn."""


def draw(record: Record, rendering: str | None, size: int, *, reach: Reach | None = None) -> Picture:
    """Return a tile's picture from its original pixels.

    Args:
        record: The tile.
        rendering: Name of a legend; None takes the sensor's first whose bands are there.
        size: Longer side in pixels, at most; a smaller original is not enlarged.
        reach: What may be opened; None opens whatever the record names.

    Raises:
        RenderingError: The sensor, or the bands that its files hold, do not allow that rendering.
        InputError: The source cannot be opened, or the sensor is not known.
        SceneError: The files are out of reach, gone, damaged, or no longer hold data there.
    """
    original = reread(record, lambda sensor, bands: legend_of(sensor, rendering, bands).bands, side=size, reach=reach)
    tile = original.tile
    legend = legend_of(tile.sensor, rendering, tile.bands)
    planes, mask = _index(tile, legend) if legend.kind == "index" else (_colors(tile, legend), tile.mask)
    png, width, height = _encoded(planes, mask, size)
    return Picture(png=png, width=width, height=height, legend=legend)


def reread(record: Record, choose: Any, *, side: int, reach: Reach | None) -> Original:
    """Return `revisit` with the sensor the server knows by that name.

    Raises:
        RenderingError: ``choose`` found no bands that fit.
        InputError: See `revisit`.
        SceneError: See `revisit`.
    """
    sensor = f"{sensor_reference(record.sensor)}/{record.encoding}"
    return revisit(record, sensor=sensor, choose=choose, side=side, reach=reach)


def check_rendering(record: Record, rendering: str | None) -> None:
    """Do nothing where a tile's sensor has a rendering, or is not known here; nothing is opened.

    Raises:
        RenderingError: It has not; the message lists those it has.
    """
    from core import SwathError

    try:
        sensor = sensor_of(record.sensor)
    except SwathError:
        return
    legend_of(sensor, rendering)


def color_stops(legend: Legend) -> tuple[tuple[float, str], ...]:
    """Return values and colours (``#rrggbb``) at equal steps over the range of an index; nothing for the others."""
    if legend.range is None:
        return ()
    steps = np.linspace(0, 255, COLOR_STOPS)
    values = np.linspace(*legend.range, COLOR_STOPS)
    table = _color_table(legend)
    return tuple((round(float(value), 4), _hex(table[round(step)])) for value, step in zip(values, steps, strict=True))


def _hex(color: tuple[int, ...]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color[:3])


def _color_table(legend: Legend) -> ColorTable:
    from rio_tiler.colormap import cmap

    return cast("ColorTable", cmap.get(str(legend.colormap)))


def _colors(tile: Tile, legend: Legend) -> NDArray[np.uint8]:
    """(3, h, w) in the sensor's fixed stretch."""
    return render(tile.pixels, tile.mask, tile.sensor, tile.bands, rendering=legend.name).transpose(2, 0, 1)


def _index(tile: Tile, legend: Legend) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(3, h, w) colours and the (h, w) mask of where the index has a value."""
    from rio_tiler.colormap import apply_cmap

    first, second = (tile.pixels[tile.bands.index(name)] for name in legend.bands)
    known = tile.mask & (first + second > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.where(known, (first - second) / (first + second), 0)
    index = index_named(legend.name)
    steps = np.clip((values - index.minimum) / (index.maximum - index.minimum), 0, 1) * 255
    colors, _ = apply_cmap(np.rint(steps).astype(np.uint8)[np.newaxis], _color_table(legend))
    return colors, known


def _encoded(planes: NDArray[np.uint8], mask: NDArray[np.bool_], size: int) -> tuple[bytes, int, int]:
    """The PNG and its width and height; what a dataset gave larger than asked for is averaged."""
    from rio_tiler.models import ImageData

    hidden = np.broadcast_to(~mask, planes.shape)
    image = ImageData(np.ma.MaskedArray(planes, mask=hidden))
    longer = max(mask.shape)
    if longer > size:
        height, width = (max(1, round(side * size / longer)) for side in mask.shape)
        image = image.resize(height, width, resampling_method="average")
    return image.render(True, "PNG", None, ZLEVEL=_PNG_LEVEL), image.width, image.height
