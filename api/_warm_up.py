"""What is loaded at its first use is loaded before the first request, so that missing weights are said then."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np

from core import EncodesText, EncodesTiles, Sensor, SensorError, Tile, array_tile, builtin_sensors
from indexer import IndexInfo
from retriever import Searcher, SearchRequest
from retriever.engine import EngineRows

_SIDE = 64
"""Pixels of a side of the tile that is encoded; encoders bring every tile to their own size."""


def warm_up(encoder: EncodesTiles, searcher: Searcher, info: Callable[[], IndexInfo]) -> None:
    """Encode a sentence and a tile of each kind of sensor that an index holds, and search it.

    What does not wait for the interpreter goes on side by side.

    Args:
        encoder: Of the index.
        searcher: Of the index.
        info: Counts what it holds.

    Raises:
        WeightsNotFoundError: The encoder's weights are missing or damaged.
        MissingExtraError: It needs a package that is not installed.
        StoreError: The index cannot be read.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        waiting = [pool.submit(_words, encoder), pool.submit(_search, searcher)]
        counted = info()
        for each in waiting:
            each.result()
    _looks(encoder, counted)


def _words(encoder: EncodesTiles) -> None:
    if isinstance(encoder, EncodesText):
        encoder.encode_text(["water"])


def _search(searcher: Searcher) -> None:
    """Open the search snapshot and load its kernels; without one, a search would read the whole table."""
    rows = searcher.version().rows
    if isinstance(rows, EngineRows):
        searcher.find(SearchRequest.build(vector=np.eye(1, rows.space.dim)[0], k=1))


def _looks(encoder: EncodesTiles, info: IndexInfo) -> None:
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
