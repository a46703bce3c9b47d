"""Back to the original pixels of a tile that was indexed before."""

from __future__ import annotations

from core import Record, Scene, SceneError, Settings, Tile
from indexer._given import open_any
from indexer._tiling import MAX_TILE_SIZE, MIN_TILE_SIZE, TilingOptions
from indexer.sources import SourceOptions, open_source


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
    settings = Settings()
    scene = _scene(record, sensor or f"{record.sensor}/{record.encoding}", settings)
    side = min(MAX_TILE_SIZE, max(MIN_TILE_SIZE, record.window.width, record.window.height))
    with open_any(scene, TilingOptions(tile_size=side, min_valid=0.0), settings) as opened:
        tile = opened.read_window(record.window, 0, 0)
    if tile is None:
        raise SceneError(f"{record.href} holds no data in that window any more")
    return tile


def _scene(record: Record, sensor: str, settings: Settings) -> Scene:
    pictures = record.footprint is None
    options = SourceOptions(collection=record.collection, sensor=sensor, pictures=pictures, settings=settings)
    for found in open_source(record.href, options).scenes():
        if isinstance(found, Scene):
            return found
        raise found.error
    raise SceneError(f"{record.href} holds no scene any more")
