"""One raster as an example to search with: the whole of it as one tile, in its sensor's units."""

from __future__ import annotations

from pathlib import Path

from core import Asset, Scene, SceneError, Settings, Tile
from indexer._gdal import check_complete, gdal_env, open_raster, scene_errors
from indexer._pixels import OpenScene
from indexer._tiling import TilingOptions
from indexer.sources._offsets import file_offset
from indexer.sources._options import SourceOptions
from indexer.sources._rasters import check_size
from indexer.sources._reading import Reading
from indexer.sources._sensing import file_evidence, sense_file


def example_tile(path: Path, *, sensor: str | None = None, settings: Settings | None = None) -> Tile:
    """Return a raster file as one tile; larger ones are read at 1024 pixels a side, through overviews.

    Args:
        path: GeoTIFF, with or without a place on Earth.
        sensor: As ``swath index --sensor`` takes it; None detects it.
        settings: Caps; None reads them from the environment.

    Raises:
        SceneError: It cannot be opened, is damaged, too large, or holds no valid pixel.
        SensorError: No sensor, or more than one, fits its bands.
        UnknownNameError: No such sensor.
    """
    settings = settings or Settings()
    reading = Reading.of(SourceOptions(sensor=sensor, settings=settings))
    # Its place does not matter to what it looks like, so it is read like a plain picture: whole.
    with gdal_env(settings), OpenScene(_scene(path, reading), TilingOptions(min_valid=0), settings) as opened:
        tile = opened.read(0, 0)
    if tile is None:
        raise SceneError("has no valid pixel")
    return tile


def _scene(path: Path, reading: Reading) -> Scene:
    with open_raster(str(path)) as dataset, scene_errors(str(path)):
        check_complete(dataset, str(path))
        check_size(dataset, reading.settings.max_picture_pixels, "SWATH_MAX_PICTURE_PIXELS")
        sensed = sense_file(file_evidence(dataset), reading.request)
        offset = file_offset(dataset, sensed)
    return Scene(
        scene_id="query",
        collection="query",
        href=str(path),
        assets=(Asset(href=str(path), bands=sensed.bands, indexes=sensed.indexes),),
        sensor=sensed.sensor,
        encoding=sensed.encoding,
        datetime=None,
        offset=offset,
        georeferenced=False,
        fingerprint="query",
    )
