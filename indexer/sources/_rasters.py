"""One raster file, local or remote, as a scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from rasterio.io import DatasetReader

from core import Asset, Scene, SceneError
from indexer._gdal import check_complete, open_raster
from indexer._signatures import unsigned
from indexer.sources._dates import file_date
from indexer.sources._names import fingerprint
from indexer.sources._offsets import file_offset
from indexer.sources._reading import Reading
from indexer.sources._sensing import file_evidence, sense_file


@dataclass(frozen=True, kw_only=True)
class RasterFile:
    """A raster that was found, before it is opened."""

    href: str
    """Absolute path, ``s3://`` or ``https://``; signed where the host wants it."""
    scene_id: str
    """Of the scene it becomes."""
    collection: str
    """Of the scene it becomes."""
    stamp: object
    """JSON-able; changes with the file."""


def raster_scene(file: RasterFile, reading: Reading) -> Scene:
    """Open a georeferenced raster, read its metadata, and describe it as a scene.

    Raises:
        SceneError: It cannot be opened, is damaged, too large, or has no place on Earth.
        SensorError: No sensor, or more than one, fits its bands.
    """
    with open_raster(file.href) as dataset:
        check_complete(dataset, file.href)
        check_place(dataset, remote="://" in file.href)
        check_size(dataset, reading.settings.max_scene_pixels, "SWATH_MAX_SCENE_PIXELS")
        sensed = sense_file(file_evidence(dataset), reading.request)
        offset = file_offset(dataset, sensed)
        date = file_date(PurePosixPath(file.href.partition("?")[0]).stem, dataset, reading.pattern)
    return Scene(
        scene_id=file.scene_id,
        collection=file.collection,
        href=unsigned(file.href),
        assets=(Asset(href=file.href, bands=sensed.bands, indexes=sensed.indexes),),
        sensor=sensed.sensor,
        encoding=sensed.encoding,
        datetime=date,
        offset=offset,
        fingerprint=fingerprint(file.stamp, sensed.identity, (offset.value, offset.origin), date),
    )


def check_size(dataset: DatasetReader, limit: int, setting: str) -> None:
    """Raise where a raster has more pixels than the limit.

    Raises:
        SceneError: It has; the message names the setting.
    """
    if dataset.width * dataset.height > limit:
        raise SceneError(f"has {dataset.width} x {dataset.height} pixels; at most {limit:,} are accepted ({setting})")


def check_place(dataset: DatasetReader, *, remote: bool) -> None:
    """Raise where a raster does not say where on Earth it is.

    Args:
        dataset: The open file.
        remote: Whether the file would have to be fetched to be a plain picture.

    Raises:
        SceneError: No CRS or no geotransform.
    """
    hint = f"{'download it and ' if remote else ''}pass --pictures to index it as a plain picture"
    if dataset.crs is None and dataset.gcps[0]:
        raise SceneError("has ground control points only; warp it to a grid first, e.g. with gdalwarp")
    if dataset.crs is None:
        raise SceneError(f"has no CRS; {hint}")
    if dataset.transform.is_identity:
        raise SceneError(f"has a CRS but no geotransform; {hint}")
