"""One large scene as a pyramid of tiles: at full resolution, and halved again and again until one tile holds all of it.

Each level is a collection of one small index, so whatever searches an archive searches a scene. JPEG and PNG can only
be read from the top, so they are written out as a tiled GeoTIFF first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from core import EncodesTiles, InputError, SceneError, Settings, SourceError
from indexer._gdal import gdal_env, open_raster, reason
from indexer._pipeline import ingest
from indexer._report import IngestReport, Progress
from indexer._tiling import TilingOptions
from indexer.sources import SourceOptions, open_source

LEVEL = "level-"
"""What the collection of a level is called, before the scene pixels a side of one of its pixels: ``level-4``."""

MAX_LEVELS = 12
"""Halvings at most: beyond 2^11 times 224 pixels no raster is accepted."""

_FROM_THE_TOP = ("JPEG", "PNG")
"""Drivers that decode everything above a window to read it."""


def is_level(collection: str) -> bool:
    """Return whether tiles of a collection are regions of one scene that was cut into a pyramid."""
    return collection.startswith(LEVEL) and collection.removeprefix(LEVEL).isdecimal()


@dataclass(frozen=True, kw_only=True)
class Pyramid:
    """A scene that was cut."""

    width: int
    """Columns of the scene."""
    height: int
    """Rows of the scene."""
    levels: tuple[int, ...]
    """Scene pixels a side of one tile pixel, finest first."""
    tiles: int
    """Tiles of all levels."""


@dataclass(frozen=True, kw_only=True)
class _Scene:
    """What is known of the file before it is cut."""

    path: Path
    width: int
    height: int
    placed: bool


def index_pyramid(
    path: Path,
    *,
    into: Path,
    encoder: EncodesTiles,
    sensor: str | None = None,
    tile_size: int = 224,
    progress: Callable[[Progress], None] | None = None,
) -> Pyramid:
    """Index one scene at every level.

    Args:
        path: GeoTIFF, JPEG 2000, JPEG or PNG on this machine, with or without a place.
        into: Index directory to be made; a file that has to be written out first goes beside it.
        encoder: Makes the vectors.
        sensor: As for ``swath index``; None takes what the file proves.
        tile_size: Pixels a side of a tile.
        progress: Called after every batch, with counts over all levels.

    Raises:
        SourceError: There is no such file, or it is no raster.
        InputError: The sensor is wrong or not known, or the file holds nothing but nodata.
        SceneError: The file is damaged.
        StoreError: The index cannot be written.
    """
    scene = _tiled(_look(path), into)
    levels = tuple(_levels(scene, tile_size))
    options = SourceOptions(sensor=sensor, pictures=not scene.placed, settings=Settings())
    tiles = 0
    for reduce in levels:
        source = open_source(str(scene.path), replace(options, collection=f"{LEVEL}{reduce}"))
        # A scene that is small in its frame fills no coarse tile by a tenth, and is to be found all the same.
        tiling = TilingOptions(tile_size=tile_size, reduce=reduce, min_valid=0)
        tiles += _checked(ingest([source], into=into, encoder=encoder, tiling=tiling, progress=progress))
    return Pyramid(width=scene.width, height=scene.height, levels=levels, tiles=tiles)


def scene_size(path: Path) -> tuple[int, int]:
    """Return columns and rows of a scene.

    Raises:
        SourceError: There is no such file, or it is no raster.
        SceneError: The file is damaged.
    """
    scene = _look(path)
    return scene.width, scene.height


def check_scene_file(path: Path) -> None:
    """Do nothing where there is a file.

    Raises:
        SourceError: There is none; the message says what would work.
    """
    if not path.is_file():
        raise SourceError(f"{str(path)!r} is no file; give a GeoTIFF, JPEG 2000, JPEG or PNG on this machine")


def _look(path: Path) -> _Scene:
    check_scene_file(path)
    with _named(path), gdal_env(Settings()), open_raster(str(path)) as dataset:
        return _Scene(path=path, width=dataset.width, height=dataset.height, placed=dataset.crs is not None)


def _tiled(scene: _Scene, into: Path) -> _Scene:
    """Return the scene as a file any window of which is read at once."""
    from rasterio._err import CPLE_BaseError  # what copying raises has no public name
    from rasterio.errors import RasterioError
    from rasterio.shutil import copy

    settings = Settings()
    with ExitStack() as files:
        files.enter_context(_named(scene.path))
        files.enter_context(gdal_env(settings))
        dataset = files.enter_context(open_raster(str(scene.path)))
        if dataset.driver not in _FROM_THE_TOP:
            return scene
        if scene.width * scene.height > settings.max_picture_pixels:
            raise SceneError(
                f"has {scene.width:,} x {scene.height:,} pixels; at most"
                f" {settings.max_picture_pixels:,} are accepted (SWATH_MAX_PICTURE_PIXELS)"
            )
        tiled = into.parent / f"{scene.path.stem}.tif"
        layout = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "zstd", "zstd_level": 1}
        try:
            copy(dataset, tiled, driver="GTiff", **layout)
        except (RasterioError, CPLE_BaseError, OSError) as error:
            raise SceneError(reason(error, str(scene.path))) from None
    return replace(scene, path=tiled)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say which file an error is about."""
    try:
        yield
    except SceneError as error:
        raise SceneError(f"{path.name} {error}") from None


def _levels(scene: _Scene, tile_size: int) -> Iterator[int]:
    for level in range(MAX_LEVELS):
        yield 2**level
        # A strip ends where the next level would have no whole pixel across it.
        if tile_size * 2**level >= max(scene.width, scene.height) or 2 ** (level + 1) > min(scene.width, scene.height):
            return


def _checked(report: IngestReport) -> int:
    for failure in report.failures:
        raise InputError(f"the scene cannot be used: {failure.reason}")
    return report.tiles_written
