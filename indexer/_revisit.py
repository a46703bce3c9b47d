"""Back to the original pixels of a tile that was indexed before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from shapely.geometry import Polygon

from core import Asset, Record, Scene, SceneError, Sensor, Settings, Tile
from indexer._given import GivenScene, open_any
from indexer._pixels import OpenScene
from indexer._reach import Reach
from indexer._tiling import MAX_TILE_SIZE, MIN_TILE_SIZE, TilingOptions
from indexer.sources import SourceOptions, open_source

ChooseBands = Callable[[Sensor, tuple[str, ...]], tuple[str, ...]]
"""From the sensor and the bands its files hold to the bands wanted; raises where it finds none to want."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """A tile read again, and its pixel grid."""

    tile: Tile
    """The tile."""
    transform: Affine | None
    """From column, row of ``tile.pixels`` to ``tile.crs``; None for plain pictures."""


def read_original(record: Record, *, sensor: str | None = None) -> Tile:
    """Read a tile's window again, at full resolution, from the files it was cut from.

    Args:
        record: The tile.
        sensor: Sensor file, where the tile's sensor is not a built-in one; None takes the recorded name.

    Returns:
        The tile with ``pixels`` (bands, side, side), ``side`` being the window's longer side, at most 4096 pixels.

    Raises:
        InputError: The source cannot be opened, or the sensor is not known.
        SceneError: The files are gone, damaged, or no longer hold data there.
    """
    return revisit(record, sensor=sensor).tile


def revisit(
    record: Record,
    *,
    sensor: str | None = None,
    choose: ChooseBands | None = None,
    side: int = MAX_TILE_SIZE,
    reach: Reach | None = None,
) -> Original:
    """Read a tile's window again: some bands of it, at most so large, and only from where the index may reach.

    Args:
        record: The tile.
        sensor: See `read_original`.
        choose: Which bands to read; None reads all. A dataset gives all of its bands anyhow.
        side: Longer side of the result, at most; a window is averaged to it, never enlarged. A dataset gives its
            own size.
        reach: What may be opened; None opens whatever the record names.

    Raises:
        InputError: The source cannot be opened, or the sensor is not known.
        SceneError: The files are out of reach, gone, damaged, or no longer hold data there.
    """
    settings = Settings() if reach is None else reach.settings
    if reach is not None:
        reach.check(record.href)
    scene = _scene(record, sensor or f"{record.sensor}/{record.encoding}", settings)
    if reach is not None:
        reach.check_files(scene)
    scene = _reduced(scene, choose)
    window = record.window
    side = max(MIN_TILE_SIZE, min(MAX_TILE_SIZE, side, max(window.width, window.height)))
    with open_any(scene, TilingOptions(tile_size=side, min_valid=0.0), settings) as opened:
        tile = opened.read_window(window, 0, 0)
        if tile is None:
            raise SceneError(f"{record.href} holds no data in that window any more")
        if choose is not None and isinstance(opened, GivenScene):
            choose(tile.sensor, tile.bands)
        return Original(tile=tile, transform=_transform(opened, tile))


def _scene(record: Record, sensor: str, settings: Settings) -> Scene:
    pictures = record.footprint is None
    options = SourceOptions(collection=record.collection, sensor=sensor, pictures=pictures, settings=settings)
    for found in open_source(record.href, options).scenes():
        if isinstance(found, Scene):
            return found
        raise found.error
    raise SceneError(f"{record.href} holds no scene any more")


def _reduced(scene: Scene, choose: ChooseBands | None) -> Scene:
    """The scene with the bands wanted; a file without any stays, for the finest file makes the grid of the windows."""
    if choose is None or scene.read is not None:
        return scene
    wanted = set(choose(scene.sensor, tuple(name for asset in scene.assets for name in asset.bands)))
    return replace(scene, assets=tuple(_kept(asset, wanted) for asset in scene.assets), cloud_mask=None)


def _kept(asset: Asset, wanted: set[str]) -> Asset:
    pairs = [pair for pair in zip(asset.bands, asset.indexes, strict=True) if pair[0] in wanted]
    return replace(asset, bands=tuple(name for name, _ in pairs), indexes=tuple(index for _, index in pairs))


def _transform(opened: OpenScene | GivenScene, tile: Tile) -> Affine | None:
    height, width = tile.mask.shape
    if tile.crs is None:
        return None
    if isinstance(opened, GivenScene):
        return _north_up(tile)
    window = tile.window
    corner = opened.reference.transform @ Affine.translation(window.col_off, window.row_off)
    return corner @ Affine.scale(window.width / width, window.height / height)


def _north_up(tile: Tile) -> Affine | None:
    """The grid of a dataset's tile, whose corners are all that is told of it; None where they are no upright box."""
    from rasterio.warp import transform

    if not isinstance(tile.footprint, Polygon):
        return None
    lons, lats = zip(*tile.footprint.exterior.coords, strict=True)
    xs, ys = map(np.array, transform("EPSG:4326", tile.crs, lons, lats))
    left, right, bottom, top = xs.min(), xs.max(), ys.min(), ys.max()
    height, width = tile.mask.shape
    across, down = (right - left) / width, (top - bottom) / height
    # Corners lie on the corners of the box to a hundredth of a pixel, or the box is not the tile.
    upright = (
        np.minimum(xs - left, right - xs).max() < across / 100 and np.minimum(ys - bottom, top - ys).max() < down / 100
    )
    return Affine(across, 0, left, 0, -down, top) if upright else None
