"""An index of real scenes with awkward tiles planted among them, for the test of filters against brute force."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from core import PixelWindow, Settings, Tile, VectorSpace, load_sensor
from indexer import LedgerRow, SceneRows, Store, ingest, records_to_batch, scene_key
from indexer.sources import SourceOptions, open_source
from tests.integration.real import REAL_COMMANDS, ROOT

DIM = 16
LABELS = ("Forest", "forest", "it's", "100%", "a_b", "Straße", "Écluse", None)
DATES = (
    None,
    datetime(1959, 8, 7, tzinfo=UTC),
    datetime(2012, 7, 31, tzinfo=UTC),
    datetime(2012, 7, 31, 23, 59, 59, 999999, UTC),
    datetime(2020, 2, 29, 12, 30, 0, 5, UTC),
)


class ThumbnailEncoder:
    """Tiles of any sensor to unit vectors: an 8 x 8 gray thumbnail times a fixed random matrix."""

    space = VectorSpace(encoder="thumbnail", revision="1", dim=DIM)

    def __init__(self) -> None:
        self._matrix = np.random.default_rng(1).normal(size=(64, DIM))

    def prepare(self, tile: Tile) -> NDArray[np.float32]:
        gray = np.where(tile.mask, tile.pixels.mean(axis=0), 0)
        rows, cols = gray.shape[0] // 8, gray.shape[1] // 8
        blocks = gray[: rows * 8, : cols * 8].reshape(8, rows, 8, cols).mean(axis=(1, 3)).ravel()
        thumbnail: NDArray[np.float32] = ((blocks - blocks.mean()) / (blocks.std() + 1e-6)).astype(np.float32)
        return thumbnail

    def encode(self, batch: NDArray[np.generic]) -> NDArray[np.float32]:
        vectors = batch.astype(np.float64) @ self._matrix + 1e-3
        unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit


def build_archive(data: Path, into: Path) -> Path:
    """Every real folder through the real ingest, then the planted tiles."""
    for folder, options in REAL_COMMANDS:
        given = {name.removeprefix("--").replace("-", "_"): value for name, value in _pairs(options)}
        if given.get("sensor", "").endswith(".toml"):
            given["sensor"] = str(ROOT / given["sensor"])
        source = open_source(str(data / folder), SourceOptions(**given, settings=Settings()))  # type: ignore[arg-type]  # text options only
        assert not ingest([source], into=into, encoder=ThumbnailEncoder()).failures
    plant(into)
    return into


def _pairs(options: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    return zip(options[::2], options[1::2], strict=True)


def plant(index: Path) -> None:
    """Add the awkward tiles to an index."""
    store = Store.create_or_open(index, space=ThumbnailEncoder.space)
    rng = np.random.default_rng(2)
    tiles = [_tile(place, shape, rng) for place, shape in enumerate([*awkward_footprints(rng), *[None] * 20])]
    vectors = rng.normal(size=(len(tiles), DIM))
    vectors[1::10] = vectors[0]  # ties
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    key = scene_key("planted", "awkward")
    ledger = LedgerRow(
        scene_key=key, scene_id="awkward", collection="planted", href="/planted", fingerprint="1", tiles=len(tiles),
        dropped=0, parameters="{}", committed=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    batch = records_to_batch(tiles, vectors.astype(np.float32), [b""] * len(tiles), store.schema)
    store.commit([SceneRows(ledger=ledger, batches=[batch])])


def awkward_footprints(rng: np.random.Generator) -> list[BaseGeometry]:
    """Across the antimeridian, on it, round and near the poles, huge and tiny, with slanted sides."""
    found: list[BaseGeometry] = []
    for lat in (-89.5, -72.0, -17.0, 0.0, 40.0, 65.0, 88.0):
        half = float(rng.uniform(0.05, 0.6))
        found.append(MultiPolygon([box(180 - half, lat, 180, lat + 0.4), box(-180, lat, -180 + half / 2, lat + 0.4)]))
        found += [box(180 - half, lat, 180, lat + 0.2), box(-180, lat, -180 + half, lat + 0.3)]
    for pole in (-1, 1):
        cap = [(-180, 90), (-180, 89), (0, 88.5), (180, 89), (180, 90)]
        found.append(Polygon([(lon, lat * pole) for lon, lat in cap]))
        found.append(box(10, min(89 * pole, 90 * pole), 70, max(89 * pole, 90 * pole)))
        found += [box(lon, 87 * pole - 0.5, lon + 3, 87 * pole + 0.5) for lon in range(-180, 180, 45)]
    found += [box(-60, -30, 20, 35), box(-180, -5, 180, 5), box(2.0, 48.0, 2.0001, 48.0001)]
    for lon, lat in rng.uniform((-178, -80), (178, 80), (60, 2)):
        wide, high, skew = rng.uniform(0.01, 1.5, 3)
        ring = [(0, 0), (wide, skew / 2), (wide - skew / 5, high), (-skew / 4, high / 2)]
        found.append(Polygon([(lon + right, lat + up) for right, up in ring]))
    return [shape if shape.is_valid else shape.convex_hull for shape in found]


def _tile(place: int, footprint: BaseGeometry | None, rng: np.random.Generator) -> Tile:
    sensor, _ = load_sensor("rgb" if place % 3 else "sentinel-2-l2a")
    centre = None if footprint is None else footprint.representative_point()
    date = DATES[place % len(DATES)]
    return Tile(
        tile_id=f"planted~awkward~r0000c{place:04d}", scene_id="awkward", collection="planted", sensor=sensor,
        encoding="dn", bands=("red",), pixels=np.zeros((1, 1, 1), np.float32), mask=np.ones((1, 1), np.bool_),
        window=PixelWindow(col_off=place * 224, row_off=0, width=224, height=224), row=0, col=place,
        href=f"/planted/{place}.tif", datetime=date and date + timedelta(days=place // 5),
        gsd=None if footprint is None else float(10 * (1 + place % 3)), crs=None if footprint is None else "EPSG:4326",
        footprint=footprint, centroid=None if centre is None else (centre.x, centre.y),
        valid=float(rng.integers(1, 11)) / 10, cloud=None if place % 4 == 0 else float(rng.integers(0, 101)) / 100,
        label=LABELS[place % len(LABELS)],
    )  # fmt: skip
