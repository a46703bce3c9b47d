"""Files of datasets as tiles: pictures through Pillow, rasters through rasterio, arrays of archives as they come.

Every reader caps what it decodes (`SWATH_MAX_PICTURE_PIXELS`) and raises SceneError where a file cannot be used. The
functions `picture_view`, `raster_view` and `bands_view` wrap them for a sample: nothing is read until `View.read()`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core import (
    Encoding,
    Offset,
    SceneError,
    Sensor,
    Tile,
    View,
    array_tile,
    choose_encoding,
    load_sensor,
    picture_tile,
    to_physical,
)
from embeddings.datasets._opening import (
    check_pixels,
    decode_picture,
    decode_plane,
    opened_raster,
    path_errors,
    picture_errors,
)
from embeddings.datasets._place import place_of, tagged_date


def picture_view(dataset: str, sample_id: str, path: Path, *, role: str = "image", **known: Any) -> View:
    """Return a view of a JPEG, PNG or 8-bit TIFF picture; `known` are further fields of Tile (`label`, `gsd`...)."""
    known = {"name": f"{sample_id}.{role}", "collection": dataset, **known}
    return View(role=role, read=partial(read_picture, path, **known), files=(path,))


def raster_view(
    dataset: str, sample_id: str, path: Path, *, role: str, sensor: str, bands: Sequence[str] = (), **known: Any
) -> View:
    """Return a view of a GeoTIFF or other raster; arguments as for `read_raster`."""
    known = {"name": f"{sample_id}.{role}", "collection": dataset, "bands": tuple(bands), **known}
    return View(role=role, read=partial(read_raster, path, sensor=sensor, **known), files=(path,))


def bands_view(
    dataset: str, sample_id: str, paths: Mapping[str, Path], *, role: str, sensor: str, **known: Any
) -> View:
    """Return a view of one file a band; arguments as for `read_bands`."""
    known = {"name": f"{sample_id}.{role}", "collection": dataset, **known}
    return View(role=role, read=partial(read_bands, paths, sensor=sensor, **known), files=tuple(paths.values()))


def read_picture(path: Path, *, name: str, collection: str, **known: Any) -> Tile:
    """Read an 8-bit colour or gray picture as a tile of the rgb sensor.

    Raises:
        SceneError: Missing, damaged, too large, not 8 bits a channel, or not a picture format.
    """
    with path_errors(path), path.open("rb") as file:
        colours, mask = decode_picture(file)
    return picture_tile(colours, mask, name=name, collection=collection, href=str(path), **known)


def read_picture_bytes(file: BinaryIO, *, name: str, collection: str, href: str, **known: Any) -> Tile:
    """Read a picture out of an archive; see `read_picture`."""
    with picture_errors():
        colours, mask = decode_picture(file)
    return picture_tile(colours, mask, name=name, collection=collection, href=href, **known)


def read_classes(path: Path) -> NDArray[np.integer[Any]]:
    """Read the (h, w) integers of a one-band mask: PNG, BMP or TIFF, palette indexes as they are.

    Raises:
        SceneError: Missing, damaged, too large, or not one band of integers.
    """
    with path_errors(path), path.open("rb") as file:
        return decode_plane(file)


def read_raster(
    path: Path,
    *,
    sensor: str,
    name: str,
    collection: str,
    bands: Sequence[str] = (),
    indexes: Sequence[int] | None = None,
    offset: Offset | None = None,
    **known: Any,
) -> Tile:
    """Read a raster as one tile in physical units, with the place and the `datetime` tag the file has.

    Args:
        path: The file.
        sensor: Sensor and, after a slash, encoding: `sentinel-2-l2a/dn`.
        name: Scene id.
        collection: See Tile.
        bands: Names of the bands read, in file order; empty for all of the sensor's.
        indexes: 1-based band numbers to read; None for all of the file's.
        offset: Radiometric offset in stored numbers, added first and recorded.
        **known: Further fields of Tile; they win over what the file says.

    Raises:
        SceneError: Missing, damaged, too large, or of another number of bands.
    """
    with path_errors(path), opened_raster(path) as dataset:
        stored = dataset.read(indexes=None if indexes is None else list(indexes))
        masked = _hidden(dataset)
        found = {**place_of(dataset), "datetime": tagged_date(dataset.tags())}
    known = {**found, **known}
    return stored_tile(
        stored, sensor=sensor, bands=bands, offset=offset, masked=masked, name=name, collection=collection,
        href=str(path), **known,
    )  # fmt: skip


def read_bands(
    paths: Mapping[str, Path],
    *,
    sensor: str,
    name: str,
    collection: str,
    offset: Offset | None = None,
    **known: Any,
) -> Tile:
    """Read one file a band as one tile; coarser bands are brought to the finest band's grid (bilinear).

    Args:
        paths: The files by band name, in the order of the tile's bands; all cover the same ground.
        sensor: Sensor and, after a slash, encoding.
        name: Scene id.
        collection: See Tile.
        offset: See `read_raster`.
        **known: Further fields of Tile; they win over what the files say.

    Raises:
        SceneError: A file is missing, damaged or too large.
    """
    shapes = [_size(path) for path in paths.values()]
    height, width = max(shapes)
    planes, found = [], dict[str, Any]()
    for path, shape in zip(paths.values(), shapes, strict=True):
        with path_errors(path), opened_raster(path) as dataset:
            planes.append(_resampled(dataset, height, width))
            if shape == max(shapes):
                found = found or {**place_of(dataset), "datetime": tagged_date(dataset.tags())}
    known = {"href": str(next(iter(paths.values())).parent), **found, **known}
    return stored_tile(
        np.stack(planes), sensor=sensor, bands=tuple(paths), offset=offset, name=name, collection=collection, **known
    )


def stored_tile(
    stored: NDArray[Any],
    *,
    sensor: str,
    name: str,
    collection: str,
    href: str,
    bands: Sequence[str] = (),
    offset: Offset | None = None,
    masked: NDArray[np.bool_] | None = None,
    **known: Any,
) -> Tile:
    """Return stored numbers as one tile in physical units.

    A pixel is invalid where `masked` says so, where a number is not finite, or where every band is nodata.

    Args:
        stored: (bands, h, w) as files hold them.
        sensor: Sensor and, after a slash, encoding; without one, the only encoding of that dtype.
        name: Scene id.
        collection: See Tile.
        href: See Tile.
        bands: Names of the bands, in order; empty for all of the sensor's.
        offset: Radiometric offset in stored numbers, added first and recorded.
        masked: (h, w), True where there is no data; None where nothing says so.
        **known: Further fields of Tile.

    Raises:
        SceneError: Another number of bands, or nothing valid.
    """
    found, encoding = _described(sensor, stored.dtype)
    names = tuple(bands) or tuple(band.name for band in found.bands)
    if stored.ndim != 3 or len(stored) != len(names):
        raise SceneError(f"has an array of shape {stored.shape}; expected {len(names)} bands: {', '.join(names)}")
    check_pixels(*stored.shape[1:])
    valid = _valid(stored, found, names, masked)
    clean = np.where(valid, stored, 0)
    pixels = to_physical(clean, found, names, encoding, offset)
    known = {"encoding": encoding.name, "offset": offset or Offset(), **known}
    return array_tile(pixels, valid, sensor=found, bands=names, name=name, collection=collection, href=href, **known)


def _described(name: str, dtype: np.dtype[Any]) -> tuple[Sensor, Encoding]:
    """The sensor and the encoding named; where none is named, choose_encoding decides by the dtype."""
    sensor, encoding = load_sensor(name)
    return sensor, choose_encoding(sensor, dtype.name, encoding)


def _valid(
    stored: NDArray[Any], sensor: Sensor, names: Sequence[str], masked: NDArray[np.bool_] | None
) -> NDArray[np.bool_]:
    nodata = [sensor.band(name).nodata for name in names]
    blank = [plane == value for plane, value in zip(stored, nodata, strict=True) if value is not None]
    valid: NDArray[np.bool_] = np.isfinite(stored).all(axis=0)
    if len(blank) == len(stored):
        valid &= ~np.logical_and.reduce(blank)
    if masked is not None:
        valid &= ~masked
    return valid


def _size(path: Path) -> tuple[int, int]:
    with path_errors(path), opened_raster(path) as dataset:
        return dataset.height, dataset.width


def _resampled(dataset: Any, height: int, width: int) -> NDArray[Any]:
    from rasterio.enums import Resampling

    plane: NDArray[Any] = dataset.read(1, out_shape=(height, width), resampling=Resampling.bilinear)
    return plane


def _hidden(dataset: Any) -> NDArray[np.bool_] | None:
    """(h, w), True where the file's own nodata or mask says so; None where it declares neither."""
    from rasterio.enums import MaskFlags

    if all(flags == [MaskFlags.all_valid] for flags in dataset.mask_flag_enums):
        return None
    hidden: NDArray[np.bool_] = dataset.dataset_mask() == 0
    return hidden
