"""Archives made up for tests of evidence: tiles of three sensors on a grid of places, with known probabilities."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from core.testing import MeanColourEncoder
from retriever import Calibration, MemoryRows, Searcher, SensorLine
from retriever.rag import Archive, SearchesKnowledge
from tests.unit.retriever import tables

SENSORS = ("naip", "sentinel-1-rtc", "sentinel-2-l2a")
SIDE = 0.02
"""Degrees of a tile."""

CALIBRATION = Calibration(
    space=tables.SPACE,
    method="platt",
    sensors={
        "naip": SensorLine(slope=8.0, intercept=-4.0),
        "sentinel-1-rtc": SensorLine(slope=12.0, intercept=-7.0, centre=(0.1, 0.0, -0.1, 0.0)),
        "sentinel-2-l2a": SensorLine(slope=10.0, intercept=-6.0),
    },
    threshold=0.5,
    source="made up",
)


def square(lon: float, lat: float, side: float = SIDE) -> BaseGeometry:
    return box(lon, lat, lon + side, lat + side)


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def colour(red: float, green: float, blue: float) -> list[float]:
    """The unit vector that the mean-colour encoder gives such a tile."""
    vector = np.array([red, green, blue, 0.1])
    return [float(value) for value in vector / np.linalg.norm(vector)]


RED, GREEN, BLUE = colour(1, 0, 0), colour(0, 1, 0), colour(0, 0, 1)


def random_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Tiles at random places of a grid, on random days and by random sensors; some without date, place or cloud."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        column, line = random.integers(0, 8, 2)
        where = None if random.random() < 0.05 else square(10 + column * SIDE, 45 + line * SIDE)
        vector = np.abs(random.normal(size=4)) * (1, 1, 1, 0.1)
        found.append(
            tables.row(
                f"t{number:04d}",
                where,
                scene_id=f"s{number % 7}",
                sensor=SENSORS[int(random.integers(3))],
                collection=f"c{random.integers(2)}",
                datetime=None
                if random.random() < 0.05
                else day("2015-03-01") + timedelta(days=int(random.integers(3000))),
                cloud=None if random.random() < 0.2 else float(random.random()),
                vector=[float(value) for value in vector / np.linalg.norm(vector)],
            )
        )
    return found


def archive_of(
    rows: Sequence[dict[str, Any]],
    *,
    calibration: Calibration | None = CALIBRATION,
    knowledge: SearchesKnowledge | None = None,
    batch_rows: int = 50,
) -> Archive:
    """An archive in memory, searched with the mean-colour encoder."""
    memory = MemoryRows(tables.table(rows), space=tables.SPACE, batch_rows=batch_rows)
    searcher = Searcher(tables.Archive(memory), MeanColourEncoder(), calibration=calibration)
    return Archive(searcher=searcher, rows=memory, knowledge=knowledge)
