"""Scenes whose pixels are given, not opened: a view of a dataset, which may lie in an HDF5 file or a tar shard."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from core import PixelWindow, Scene, SceneError, Settings, Tile
from indexer._pixels import OpenScene
from indexer._tiling import TilingOptions, tile_id


class GivenScene:
    """A scene that is one tile, read by the scene itself; used like `OpenScene`.

    Args:
        scene: A scene with `read`.
        options: Only `min_valid` has a meaning: the tile keeps its size and its pixels.

    Raises:
        SceneError: The scene has no `read`.
    """

    rows = cols = 1

    def __init__(self, scene: Scene, options: TilingOptions) -> None:
        if scene.read is None:
            raise SceneError("has neither files nor a reader")
        self._scene = scene
        self._read = scene.read
        self._options = options

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def read(self, row: int, col: int) -> Tile | None:
        """Read the tile, named as the scene is; None where too little of it is valid.

        Raises:
            SceneError: A file is missing or damaged.
        """
        tile, scene = self._read(), self._scene
        if tile.valid == 0 or tile.valid < self._options.min_valid:
            return None
        return replace(
            tile,
            tile_id=tile_id(scene, row, col),
            scene_id=scene.scene_id,
            collection=scene.collection,
            href=scene.href,
            label=scene.label,
            captions=scene.captions,
        )

    def read_window(self, window: PixelWindow, row: int, col: int) -> Tile | None:
        """Read the tile; it has one window."""
        return self.read(row, col)


def open_any(scene: Scene, options: TilingOptions, settings: Settings | None = None) -> OpenScene | GivenScene:
    """Open a scene: its files, or the reader that stands in for them.

    Raises:
        SceneError: A file is missing, damaged, too large, or without a place on the globe.
    """
    return OpenScene(scene, options, settings) if scene.read is None else GivenScene(scene, options)
