"""What an encoder loads at its first use is loaded before the first request, so that missing weights are said then."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from core import EncodesText, EncodesTiles, Sensor, SensorError, Tile, array_tile, builtin_sensors
from indexer import IndexInfo

_SIDE = 64
"""Pixels of a side of the tile that is encoded; encoders bring every tile to their own size."""


def warm_up(encoder: EncodesTiles, info: IndexInfo) -> None:
    """Encode a sentence and a tile of each kind of sensor that an index holds.

    Raises:
        WeightsNotFoundError: The encoder's weights are missing or damaged.
        MissingExtraError: It needs a package that is not installed.
    """
    if isinstance(encoder, EncodesText):
        encoder.encode_text(["water"])
    known = builtin_sensors()
    kinds = {(known[name].kind, len(known[name].bands)): known[name] for name in info.sensors if name in known}
    for sensor in kinds.values():
        # An index may hold tiles that some other program put there.
        with suppress(SensorError):
            encoder.encode(encoder.prepare(_tile(sensor))[np.newaxis])


def _tile(sensor: Sensor) -> Tile:
    bands = tuple(band.name for band in sensor.bands)
    pixels = np.full((len(bands), _SIDE, _SIDE), 0.1, dtype=np.float32)
    mask = np.ones((_SIDE, _SIDE), dtype=bool)
    return array_tile(pixels, mask, sensor=sensor, bands=bands, name="warm-up", collection="warm-up", href="")
