"""Georeferenced files on this machine: one, a folder of them, or a glob pattern."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from core import BadScene, Scene, SceneError
from indexer._gdal import gdal_env
from indexer.sources._describing import described
from indexer.sources._names import folder_name, local_stamp, scene_name, shown, unique
from indexer.sources._options import SourceOptions
from indexer.sources._rasters import RasterFile, raster_scene
from indexer.sources._reading import Reading
from indexer.sources._walk import PICTURE_ENDINGS, RASTER_ENDINGS, find


class FileSource:
    """GeoTIFF, COG and JPEG 2000 files of this machine.

    Args:
        text: Path or glob pattern.
        options: ``bbox``, ``datetime`` and ``split`` have no meaning here.

    Raises:
        SourceError: Nothing to read there.
    """

    def __init__(self, text: str, options: SourceOptions) -> None:
        self._reading = Reading.of(options)
        self._found = find(text, RASTER_ENDINGS)
        self._collection = self._reading.collection or folder_name(self._found.root)

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield one scene a file, in the order of names; last a BadScene that counts pictures beside them, if any."""
        yield from unique(self._all())

    def _all(self) -> Iterator[Scene | BadScene]:
        pictures = 0
        for path in replace(self._found, endings=RASTER_ENDINGS + PICTURE_ENDINGS).files():
            if isinstance(path, BadScene):
                yield path
            elif path.name.lower().endswith(RASTER_ENDINGS):
                yield described(shown(path), partial(self._scene, path))
            else:
                pictures += 1
        if pictures:
            yield BadScene(shown(self._found.root), SceneError(_left_out(pictures)))

    def _scene(self, path: Path) -> Scene:
        file = RasterFile(
            href=str(path),
            scene_id=scene_name(path, self._found.root),
            collection=self._collection,
            stamp=local_stamp(path),
        )
        with gdal_env(self._reading.settings):
            return raster_scene(file, self._reading)


def _left_out(pictures: int) -> str:
    number = "1 picture" if pictures == 1 else f"{pictures:,} pictures"
    return (
        f"{number} beside rasters left out; index them by a glob such as 'folder/**/*.jpg', "
        "or name the rasters alone, 'folder/**/*.tif'"
    )
