"""Questions of known selectivity for an archive of any size, and their true answers, in memory that does not grow.

Windows of place and time are chosen from a sample of the rows; which rows pass, and which of them are best, is then
found by reading the whole tile table once, with numpy and nothing of the search engine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.synthetic_archive import FIRST, LAST
from benchmarks.synthetic_tiles import SENSORS
from core import rfc3339
from indexer import Snapshot, vector_matrix

SIDES = ("west", "south", "east", "north")
COLUMNS = ("tile_id", "datetime", "sensor", *SIDES, "vector")

BATCH = 65_536
"""Rows read at once: 50 MB of vectors, 100 MB as float32."""

SAMPLE = 500_000
"""About as many rows choose the windows."""

K = 100
"""True answers kept of each question."""

WINDOWS = 5
"""Different filters of each family; the queries are dealt out to them."""

FAMILIES: dict[str, tuple[float, float, str | None]] = {
    "no filter": (1, 1, None),
    "area, 10 %": (0.1, 1, None),
    "area, 1 %": (0.01, 1, None),
    "area, 0.01 %": (0.0001, 1, None),
    "time, 10 %": (1, 0.1, None),
    "time, 0.1 %": (1, 0.001, None),
    "area x time x sensor, 1 %": (0.05, 1 / 3, SENSORS[1]),
}
"""Name to share of the area, share of the time, and sensor."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """A vector and a filter."""

    family: str
    """One of FAMILIES."""
    text_like: bool
    """Whether the vector lies off those of the archive."""
    vector: NDArray[np.float32]
    """(dim,)"""
    bbox: tuple[float, float, float, float] | None
    """west, south, east, north that the footprint must touch."""
    seconds: tuple[int, int] | None
    """First and last second, both included."""
    sensor: str | None
    """Of the tile."""

    def fields(self) -> dict[str, Any]:
        """Return it as arguments of ``SearchRequest.build``."""
        asked = {"vector": self.vector, "bbox": self.bbox, "sensor": self.sensor}
        times = None if self.seconds is None else "/".join(rfc3339(_instant(second)) for second in self.seconds)
        return {name: value for name, value in (asked | {"datetime": times}).items() if value is not None}


@dataclass(kw_only=True, eq=False)
class Truth:
    """What is right for one question."""

    passed: int = 0
    """Rows that pass the filter."""
    scores: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    """Of the best, falling."""
    tile_ids: list[str] = field(default_factory=list)
    """Of the best."""

    def take(self, scores: NDArray[np.float32], tile_ids: pa.Array) -> None:
        """Take the passing rows of a batch: (n,) scores and tile ids."""
        self.passed += len(scores)
        best = np.argsort(-scores)[:K]
        if len(self.scores) == K:
            best = best[scores[best] > self.scores[-1]]
        everything = np.concatenate([self.scores, scores[best]])
        names = self.tile_ids + tile_ids.take(pa.array(best)).to_pylist()
        order = np.argsort(-everything, kind="stable")[:K]
        self.scores, self.tile_ids = everything[order], [names[place] for place in order]

    def recall(self, tile_ids: Sequence[str], k: int) -> float:
        """Return the share of the true k best that is among the first k of these."""
        right = set(self.tile_ids[:k])
        return len(right & set(tile_ids[:k])) / len(right) if right else 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Window:
    """A filter, and the test of rows against it."""

    bbox: tuple[float, float, float, float] | None
    seconds: tuple[int, int] | None
    sensor: str | None

    def holds(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Return (n,) whether rows pass."""
        passed = np.ones(batch.num_rows, bool)
        if self.bbox is not None:
            west, south, east, north = (batch[side].to_numpy() for side in SIDES)
            passed &= (west <= self.bbox[2]) & (east >= self.bbox[0])
            passed &= (south <= self.bbox[3]) & (north >= self.bbox[1])
        if self.seconds is not None:
            seconds = _seconds(batch)
            passed &= (seconds >= self.seconds[0]) & (seconds <= self.seconds[1])
        if self.sensor is not None:
            passed &= pa.compute.equal(batch["sensor"], self.sensor).to_numpy(zero_copy_only=False)
        return passed


def questions(rows: Snapshot, images: NDArray[np.float32], texts: NDArray[np.float32]) -> list[Question]:
    """Return every family's questions for (n, dim) image-like and (n, dim) text-like vectors."""
    rng = np.random.default_rng(11)
    places = _sampled_places(rows)
    found = []
    for family, shares in FAMILIES.items():
        windows = [_window(places, *shares, rng) for _ in range(WINDOWS)]
        for text_like, vectors in ((False, images), (True, texts)):
            for number, vector in enumerate(vectors):
                window = windows[number % WINDOWS]
                found.append(
                    Question(
                        family=family,
                        text_like=text_like,
                        vector=vector,
                        bbox=window.bbox,
                        seconds=window.seconds,
                        sensor=window.sensor,
                    )
                )
    return found


def _sampled_places(rows: Snapshot) -> NDArray[np.float64]:
    """(n, 2) lon, lat of rows here and there."""
    step = max(1, rows.count() // SAMPLE)
    parts = [np.stack([batch[name].to_numpy() for name in ("lon", "lat")], axis=1)[::step]
             for batch in rows.scan(["lon", "lat"], batch_size=BATCH)]  # fmt: skip
    return np.concatenate(parts)


def _window(
    places: NDArray[np.float64], area: float, span: float, sensor: str | None, rng: np.random.Generator
) -> _Window:
    bbox = None if area == 1 else _box(places, area, rng)
    length = int((LAST - FIRST) * span)
    start = int(rng.integers(FIRST, LAST - length + 1))
    return _Window(bbox=bbox, seconds=None if span == 1 else (start, start + length), sensor=sensor)


def _box(places: NDArray[np.float64], share: float, rng: np.random.Generator) -> tuple[float, float, float, float]:
    """The box round a random place, twice as wide as high in degrees, that holds this share of the places."""
    lon, lat = places[rng.integers(len(places))]
    reach = np.maximum(np.abs(places[:, 0] - lon) / 2, np.abs(places[:, 1] - lat))
    half = float(np.quantile(reach, share))
    return max(lon - 2 * half, -180), max(lat - half, -90), min(lon + 2 * half, 180), min(lat + half, 90)


def truths(rows: Snapshot, asked: Sequence[Question]) -> list[Truth]:
    """Return the true answers, read from the whole tile table."""
    vectors = {id(question.vector): number for number, question in enumerate(asked)}
    columns = {key: place for place, key in enumerate(vectors)}
    matrix = np.stack([asked[number].vector for number in vectors.values()], axis=1)
    found = [Truth() for _ in asked]
    for batch in rows.scan(COLUMNS, batch_size=BATCH):
        scores = vector_matrix(batch["vector"]).astype(np.float32) @ matrix
        for window, members in _by_window(asked):
            passed = np.flatnonzero(window.holds(batch))
            if not len(passed):
                continue
            names = batch["tile_id"].take(pa.array(passed))
            for number in members:
                found[number].take(scores[passed, columns[id(asked[number].vector)]], names)
    return found


def _by_window(asked: Sequence[Question]) -> Iterator[tuple[_Window, list[int]]]:
    """Yield each different filter with the numbers of its questions."""
    groups: dict[Any, list[int]] = {}
    for number, question in enumerate(asked):
        groups.setdefault((question.bbox, question.seconds, question.sensor), []).append(number)
    for (bbox, seconds, sensor), members in groups.items():
        yield _Window(bbox=bbox, seconds=seconds, sensor=sensor), members


def _seconds(batch: pa.RecordBatch) -> NDArray[np.int64]:
    micro: NDArray[np.int64] = batch["datetime"].cast(pa.int64()).to_numpy()
    return micro // 1_000_000


def _instant(second: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
