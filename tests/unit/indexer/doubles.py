"""Scenes, tiles and rows made up for tests of the store and the pipeline."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from core import Asset, Band, Display, Encoding, PixelWindow, Rendering, Scene, Sensor, Tile, VectorSpace
from indexer import LedgerRow, SceneRows, records_to_batch, scene_key

SPACE = VectorSpace(encoder="mean-colour", revision="1", dim=4)
WHEN = datetime(2020, 6, 1, 12, 30, tzinfo=UTC)
AXES = np.eye(4, dtype=np.float32)


def band(name: str) -> Band:
    return Band(
        name=name, aliases=(), common_name=name, center_wavelength_um=None, unit="dn", scale=1, offset=0,
        nodata=None, display=Display(minimum=0, maximum=255), source="made up",
    )  # fmt: skip


SENSOR = Sensor(
    name="toy", title="Made up for tests", kind="optical", gsd=10, source="made up",
    bands=(band("red"), band("green"), band("blue")), encodings=(Encoding(name="dn", dtypes=("uint8",)),),
    renderings=(Rendering(name="true-color", channels=()),), layouts=(("red", "green", "blue"),),
)  # fmt: skip


def tile(
    *, scene_id: str = "s1", collection: str = "c", row: int = 0, col: int = 0,
    colour: Sequence[float] = (255, 0, 0), when: datetime | None = WHEN, footprint: BaseGeometry | None = None,
    placed: bool = True,
) -> Tile:  # fmt: skip
    shape = footprint or box(col, -row - 1, col + 1, -row)
    pixels = np.empty((3, 4, 4), np.float32)
    pixels[:] = np.asarray(colour, np.float32)[:, None, None]
    return Tile(
        tile_id=f"{collection}~{scene_id}~r{row:04d}c{col:04d}", scene_id=scene_id, collection=collection,
        sensor=SENSOR, encoding="dn", bands=("red", "green", "blue"), pixels=pixels, mask=np.ones((4, 4), np.bool_),
        window=PixelWindow(col_off=col * 4, row_off=row * 4, width=4, height=4), row=row, col=col,
        href=f"/data/{scene_id}.tif", datetime=when, gsd=10.0 if placed else None,
        crs="EPSG:32632" if placed else None, footprint=shape if placed else None,
        centroid=(shape.centroid.x, shape.centroid.y) if placed else None, valid=0.75, cloud=None,
        label="forest", captions=("a forest", "trees, 'quoted'"),
    )  # fmt: skip


def scene(scene_id: str = "s1", *, collection: str = "c", fingerprint: str = "f1", href: str | None = None) -> Scene:
    href = href or f"/data/{scene_id}.tif"
    return Scene(
        scene_id=scene_id, collection=collection, href=href, sensor=SENSOR, encoding=SENSOR.encodings[0],
        assets=(Asset(href=href, bands=("red", "green", "blue"), indexes=(1, 2, 3)),), datetime=WHEN,
        fingerprint=fingerprint,
    )  # fmt: skip


def rows(
    tiles: Sequence[Tile], *, schema: pa.Schema, vectors: np.ndarray | None = None, fingerprint: str = "f1",
    count: int | None = None, batches: Iterable[pa.RecordBatch] | None = None,
) -> SceneRows:  # fmt: skip
    """Tiles of one scene as the store takes them; by default every vector is the first axis."""
    vectors = AXES[np.zeros(len(tiles), int)] if vectors is None else vectors
    first = tiles[0]
    ledger = LedgerRow(
        scene_key=scene_key(first.collection, first.scene_id), scene_id=first.scene_id, collection=first.collection,
        href=first.href, fingerprint=fingerprint, tiles=len(tiles) if count is None else count, dropped=0,
        parameters="{}", committed=WHEN,
    )  # fmt: skip
    made = [records_to_batch(tiles, vectors, [b"webp"] * len(tiles), schema)]
    return SceneRows(ledger=ledger, batches=made if batches is None else batches)
