"""Generated tiles and sentences on which an exported encoder is compared with the original. Synthetic, and seeded."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core import EncodesTiles, SensorError, Tile, array_tile, builtin_sensors

SENTENCES = (
    "water",
    "a satellite image of an airport",
    "Many green trees are in two sides of a curved river with a bridge over it .",
    "an SAR image of urban zones",
    "1 aircraft, 2 ships and a 100-metre pier: what's there?",
    "burnt area beside a village, after the fire of August 2021; smoke drifts to the north-east " * 6,
)
"""Short and long, with digits, punctuation and more tokens than any text network takes."""
KINDS = (
    ("rgb", ("red", "green", "blue"), 0.0, 255.0),
    ("sentinel-2-l2a", ("B02", "B03", "B04", "B05", "B08", "B11", "B12"), 0.0, 0.5),
    ("sentinel-1-grd", ("VV", "VH"), -30.0, 0.0),
)
"""Sensor, bands and the range of their values."""
SIDES = (96, 224, 300)


def sample_tiles(encoder: EncodesTiles) -> Iterator[Tile]:
    """Yield the generated tiles that an encoder takes: three sizes of each kind."""
    for sensor, bands, low, high in KINDS:
        for number, side in enumerate(SIDES):
            pixels = _landscape(len(bands), side, low, high, seed=number)
            known = builtin_sensors()[sensor]
            mask = np.ones((side, side), dtype=np.bool_)
            tile = array_tile(
                pixels,
                mask,
                sensor=known,
                bands=bands,
                name=f"{sensor}-{side}",
                collection="synthetic",
                href="synthetic",
            )
            if _takes(encoder, tile):
                yield tile


def _takes(encoder: EncodesTiles, tile: Tile) -> bool:
    try:
        encoder.prepare(tile)
    except SensorError:
        return False
    return True


def _landscape(bands: int, side: int, low: float, high: float, *, seed: int) -> NDArray[np.float32]:
    """Smooth patches with fine texture, different in every band."""
    random = np.random.default_rng(seed)
    planes = []
    for _ in range(bands):
        coarse = Image.fromarray(random.uniform(0, 1, (6, 6)).astype(np.float32))
        smooth = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
        planes.append(np.clip(smooth + random.normal(0, 0.05, (side, side)), 0, 1))
    pixels: NDArray[np.float32] = (low + (high - low) * np.stack(planes)).astype(np.float32)
    return pixels
