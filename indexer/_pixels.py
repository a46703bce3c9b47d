"""From a scene to its tiles: window reads on one grid, a validity mask, and what is known about the place.

The grid is that of the scene's finest file. Files on another grid or in another CRS are warped to it as they are read
(bilinear; nearest for classes), so every tile is a window of whole pixels that can be read again. Nothing is ever read
but the window of one tile, through overviews where the wanted ground sample distance is coarser.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window

from core import Asset, CloudMask, PixelWindow, Scene, SceneError, Settings, Tile, to_physical
from indexer._assets import AssetReader, ReferenceGrid, Stored, valid_pixels
from indexer._footprint import Georeference, Whereabouts
from indexer._gdal import gdal_env, open_raster, scene_errors
from indexer._tiling import TINY, Grid, TilingOptions, make_grid, picture_shape, reduced_grid, tile_id, whole_grid

_LOG = logging.getLogger(__name__)


class OpenScene:
    """A scene opened for reading tiles, for use as a context manager in one thread: GDAL handles are not shared.

    Args:
        scene: What to read.
        options: How to cut it.
        settings: Caps and timeouts; None reads them from the environment.

    Raises:
        SceneError: A file is missing, damaged, too large, or without a place on the globe.
    """

    def __init__(self, scene: Scene, options: TilingOptions, settings: Settings | None = None) -> None:
        self._scene = scene
        self._options = options
        self._settings = settings or Settings()
        self._files = ExitStack()
        with ExitStack() as undo:
            undo.callback(self._files.close)
            with gdal_env(self._settings):
                self._open_grid()
                self._open_readers()
            undo.pop_all()

    @property
    def rows(self) -> int:
        """Tiles from top to bottom."""
        return self._grid.rows

    @property
    def cols(self) -> int:
        """Tiles from left to right."""
        return self._grid.cols

    @property
    def reference(self) -> ReferenceGrid:
        """The pixel grid that windows are given in."""
        return self._reference

    def close(self) -> None:
        """Close the files."""
        self._files.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def read(self, row: int, col: int) -> Tile | None:
        """Read the tile at a grid position; None where too little of it is valid.

        Raises:
            InputError: No such position.
            SceneError: A file is damaged there.
        """
        return self.read_window(self._grid.window(row, col), row, col)

    def read_window(self, window: PixelWindow, row: int, col: int) -> Tile | None:
        """Read any window as the tile at a grid position; None where too little of it is valid.

        Raises:
            SceneError: A file is damaged there.
        """
        source, shape = self._visible(window)
        if min(shape) < 1:
            return None
        with gdal_env(self._settings):
            stored = self._read_assets(source, shape)
            valid = valid_pixels(stored)
            fraction = float(np.count_nonzero(valid)) / math.prod(self._shape(window))
            if fraction == 0 or fraction < self._options.min_valid:
                return None
            cloud = self._cloud_fraction(source, shape, valid)
        pixels, mask = self._finish(stored, valid, self._shape(window))
        return self._tile(window, row=row, col=col, pixels=pixels, mask=mask, valid=fraction, cloud=cloud)

    def _open_grid(self) -> None:
        """Open the bands' files, find the finest, and lay the grid over it."""
        self._datasets = [self._open(asset.href) for asset in self._scene.assets]
        places = self._find_places() if self._scene.georeferenced else []
        finest = min(range(len(places)), key=lambda at: _gsd(places[at], self._datasets[at]), default=0)
        self._reference = ReferenceGrid.of(self._datasets[finest])
        width, height = self._reference.width, self._reference.height
        self._place = places[finest] if places else None
        self._grid = self._lay(width, height)

    def _lay(self, width: int, height: int) -> Grid:
        if self._options.reduce is not None:
            return reduced_grid(width, height, self._options)
        if self._place is None:
            return whole_grid(width, height)
        return make_grid(width, height, self._place.pixel_size(width / 2, height / 2), self._options)

    def _shape(self, window: PixelWindow) -> tuple[int, int]:
        """Height and width of a window's tile; a plain picture that is not cut keeps its proportions."""
        width, height = self._grid.width, self._grid.height
        cut = self._place is not None or self._options.reduce is not None
        if not cut and (window.width, window.height) == (width, height):
            return picture_shape(width, height)
        return self._options.tile_size, self._options.tile_size

    def _open_readers(self) -> None:
        """Make every file readable on the grid; a file of which no band is wanted only had a say in the grid."""
        self._readers: list[tuple[Asset, AssetReader]] = []
        wanted = (pair for pair in zip(self._scene.assets, self._datasets, strict=True) if pair[0].indexes)
        for asset, dataset in wanted:
            nodata = [self._scene.sensor.band(name).nodata for name in asset.bands]
            with self._named(asset.href):
                reader = AssetReader(asset.href, dataset, asset.indexes, self._reference, nodata=nodata)
            self._files.callback(reader.close)
            self._readers.append((asset, reader))
        self._bands = tuple(name for asset in self._scene.assets for name in asset.bands)
        self._clouds = self._open_clouds(self._scene.cloud_mask)
        coarse = self._options.gsd is not None and self._grid.window_width >= 2 * self._options.tile_size
        with self._named(self._scene.assets[0].href):
            if coarse and self._place is not None and not self._datasets[0].overviews(1):
                _warn_of_slow_reads()

    def _open_clouds(self, mask: CloudMask | None) -> AssetReader | None:
        if mask is None:
            return None
        dataset = self._open(mask.href)
        with self._named(mask.href):
            reader = AssetReader(mask.href, dataset, [mask.index], self._reference, nodata=[None], classes=True)
        self._files.callback(reader.close)
        return reader

    def _open(self, href: str) -> DatasetReader:
        cap = self._settings.max_scene_pixels if self._scene.georeferenced else self._settings.max_picture_pixels
        with self._named(href):
            dataset = self._files.enter_context(open_raster(href))
            if dataset.width * dataset.height > cap:
                raise SceneError(f"has {dataset.width:,} x {dataset.height:,} pixels; at most {cap:,} are accepted")
        return dataset

    def _find_places(self) -> list[Georeference]:
        places = []
        for asset, dataset in zip(self._scene.assets, self._datasets, strict=True):
            with self._named(asset.href):
                if dataset.crs is None:
                    raise SceneError("has no CRS; write one with gdal_edit -a_srs, or index it as a plain picture")
                places.append(Georeference(dataset.crs, dataset.transform))
        return places

    @contextmanager
    def _named(self, href: str) -> Iterator[None]:
        """Say which file an error is about where the scene has several."""
        several = len(self._scene.assets) > 1 or self._scene.cloud_mask is not None
        try:
            with scene_errors(href):
                yield
        except SceneError as error:
            raise SceneError(f"{_file_name(href)} {error}" if several else str(error)) from None

    def _visible(self, window: PixelWindow) -> tuple[Window, tuple[int, int]]:
        """The part of a window that lies in the scene, and the height and width it has in the tile.

        A tile pixel that lies only partly in the scene is left out, so that those kept stay exactly in place.
        """
        (tile_height, tile_width), (width, height) = self._shape(window), self._inside(window)
        step_x, step_y = window.width / tile_width, window.height / tile_height
        cols, rows = math.floor(width / step_x + TINY), math.floor(height / step_y + TINY)
        return Window(window.col_off, window.row_off, cols * step_x, rows * step_y), (rows, cols)

    def _inside(self, window: PixelWindow) -> tuple[int, int]:
        """Columns and rows of a window that lie in the scene."""
        return (
            min(window.width, self._grid.width - window.col_off),
            min(window.height, self._grid.height - window.row_off),
        )

    def _read_assets(self, source: Window, shape: tuple[int, int]) -> list[Stored]:
        parts = []
        for asset, reader in self._readers:
            with self._named(asset.href):
                parts.append(reader.read(source, shape))
        return parts

    def _cloud_fraction(self, source: Window, shape: tuple[int, int], valid: NDArray[np.bool_]) -> float | None:
        mask = self._scene.cloud_mask
        if mask is None or self._clouds is None:
            return self._scene.cloud
        with self._named(mask.href):
            classes = self._clouds.read(source, shape).pixels[0]
        cloudy = np.isin(classes, mask.values)
        if mask.bits:
            cloudy |= (classes & sum(1 << bit for bit in mask.bits)) != 0
        return float(np.count_nonzero(cloudy & valid)) / np.count_nonzero(valid)

    def _finish(
        self, parts: list[Stored], valid: NDArray[np.bool_], shape: tuple[int, int]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Physical units, zero where invalid, padded to the size of a tile."""
        stored = parts[0].pixels if len(parts) == 1 else np.concatenate([part.pixels for part in parts])
        scene = self._scene
        hidden = None if valid.all() else ~valid
        if hidden is not None:
            np.copyto(stored, 0, where=hidden)  # so that NaN and fill values cannot overflow on the way
        pixels = to_physical(stored, scene.sensor, self._bands, scene.encoding, scene.offset)
        if hidden is not None:
            np.copyto(pixels, 0, where=hidden)
        if valid.shape == shape:
            return pixels, valid
        beyond = [(0, whole - part) for whole, part in zip(shape, valid.shape, strict=True)]
        return np.pad(pixels, [(0, 0), *beyond]), np.pad(valid, beyond)

    def _tile(
        self,
        window: PixelWindow,
        *,
        row: int,
        col: int,
        pixels: NDArray[np.float32],
        mask: NDArray[np.bool_],
        valid: float,
        cloud: float | None,
    ) -> Tile:
        scene = self._scene
        where = self._whereabouts(window)
        return Tile(
            tile_id=tile_id(scene, row, col),
            scene_id=scene.scene_id,
            collection=scene.collection,
            sensor=scene.sensor,
            bands=self._bands,
            pixels=pixels,
            mask=mask,
            window=window,
            row=row,
            col=col,
            href=scene.href,
            datetime=scene.datetime,
            valid=valid,
            cloud=cloud,
            encoding=scene.encoding.name,
            offset=scene.offset,
            label=scene.label,
            captions=scene.captions,
            gsd=where.gsd if where else None,
            crs=where.crs if where else None,
            footprint=where.footprint if where else None,
            centroid=where.centroid if where else None,
        )

    def _whereabouts(self, window: PixelWindow) -> Whereabouts | None:
        """Where the part of a window that lies in the scene is; None for plain pictures."""
        if self._place is None:
            return None
        width, height = self._inside(window)
        coarser = math.sqrt(window.width * window.height / math.prod(self._shape(window)))
        left, top = window.col_off, window.row_off
        return self._place.whereabouts(left, top, left + width, top + height, coarser=coarser)


def _gsd(place: Georeference, dataset: DatasetReader) -> float:
    return place.gsd(dataset.width / 2, dataset.height / 2)


def _file_name(href: str) -> str:
    """The last part of a path or URL, without the query of a URL, which may hold a signature."""
    return Path(urlsplit(href).path if "://" in href else href).name


@lru_cache(maxsize=1)
def _warn_of_slow_reads() -> None:
    _LOG.warning("a scene without overviews is read at a coarser GSD: slow; gdaladdo -r average FILE makes it fast")
