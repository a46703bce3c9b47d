"""A tile's window as a GeoTIFF of its own: a COG of float32 numbers in physical units, nothing left to be applied.

Physical units rather than stored numbers with a scale: a window may be cut from several files of different encodings,
radar power becomes dB, which no scale expresses, and a reader that ignores scales still gets the right numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from core import InputError, Record, Sensor, Tile, printable, rfc3339
from indexer._legends import RenderingError
from indexer._reach import Reach
from indexer._rendered import reread
from indexer._revisit import Original
from indexer._tiling import MAX_TILE_SIZE

MAX_VALUES = 16 * 2**20
"""Most numbers of a window file, bands times pixels: 64 MB of float32; making it was measured to take 190 MB."""

_COLORS = {"red": ColorInterp.red, "green": ColorInterp.green, "blue": ColorInterp.blue}


def window_file(record: Record, *, bands: Sequence[str] = (), reach: Reach | None = None) -> bytes:
    """Return the original pixels of a tile as a GeoTIFF.

    Bands carry their name and unit; invalid pixels are NaN, which is declared as nodata. Sensor, encoding, date and
    the radiometric offset that was applied are tags. Where the scene's pixels are not square on the ground and the
    index has a fixed GSD, the pixels are those the encoder saw.

    Args:
        record: The tile.
        bands: Names or aliases of the bands wanted; all where empty.
        reach: What may be opened; None opens whatever the record names.

    Raises:
        RenderingError: The files hold no such band.
        InputError: Too many numbers for one file, or the source cannot be opened.
        SceneError: The files are out of reach, gone, damaged, or no longer hold data there.
    """

    def choose(sensor: Sensor, there: tuple[str, ...]) -> tuple[str, ...]:
        chosen = _chosen(sensor, there, bands)
        _check_amount(record, chosen)
        return chosen

    original = reread(record, choose, side=MAX_TILE_SIZE, reach=reach)
    return _written(original, _chosen(original.tile.sensor, original.tile.bands, bands))


def _chosen(sensor: Sensor, there: tuple[str, ...], wanted: Sequence[str]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_name(sensor, name) for name in wanted)) or there
    missing = [name for name in names if name not in there]
    if missing:
        raise RenderingError(f"no band {missing[0]!r:.100} in this tile's files; they hold {', '.join(there)}")
    return names


def _name(sensor: Sensor, name: str) -> str:
    try:
        return sensor.band(name).name
    except InputError:
        return name


def _check_amount(record: Record, bands: tuple[str, ...]) -> None:
    side = min(MAX_TILE_SIZE, max(record.window.width, record.window.height))
    if (values := side * side * len(bands)) > MAX_VALUES:
        raise WindowTooLargeError(
            f"{len(bands)} bands of {side} x {side} pixels are {values:,} numbers; at most {MAX_VALUES:,} are sent; "
            f"ask for fewer, e.g. ?bands={bands[0]}"
        )


class WindowTooLargeError(RenderingError):
    """A window of more numbers than one file may have."""


def _written(original: Original, bands: tuple[str, ...]) -> bytes:
    tile = original.tile
    height, width = tile.mask.shape
    place = {} if original.transform is None else {"crs": tile.crs, "transform": original.transform}
    layout = {"driver": "COG", "width": width, "height": height, "count": len(bands), "dtype": "float32"}
    options = {"nodata": np.nan, "compress": "deflate", "predictor": "floating_point", "overviews": "none"}
    described = [tile.sensor.band(name) for name in bands]
    with MemoryFile() as memory:
        with memory.open(**layout, **place, **options) as file:
            for at, name in enumerate(bands, start=1):  # one by one: a copy of all of them would cost as much again
                file.write(np.where(tile.mask, tile.pixels[tile.bands.index(name)], np.float32(np.nan)), at)
            file.descriptions = bands
            file.units = [band.unit for band in described]
            file.colorinterp = [_COLORS.get(band.common_name, ColorInterp.undefined) for band in described]
            file.update_tags(**_tags(tile))
        return bytes(memory.read())


def _tags(tile: Tile) -> Mapping[str, str]:
    dated = {} if tile.datetime is None else {"datetime": rfc3339(tile.datetime)}
    return {
        "tile_id": printable(tile.tile_id),
        "collection": printable(tile.collection),
        "sensor": tile.sensor.name,
        "encoding": tile.encoding,
        "radiometric_offset": f"{tile.offset.value:g} ({printable(tile.offset.origin)})",
        **dated,
    }
