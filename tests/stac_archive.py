"""An index of 60 made-up tiles for tests of STAC: dated and undated, with and without a place, across the antimeridian.

Vectors are random but those of a few tiles, which are the encoder's own for a sentence, so that words find them.
"""

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from shapely.geometry import MultiPolygon, box
from shapely.geometry.base import BaseGeometry

from core import PixelWindow, Tile, load_sensor
from embeddings import open_encoder
from indexer import LedgerRow, SceneRows, Store, records_to_batch, scene_key

COAST, EDGE, PICTURES = "coast", "edge", "pictures"
TILES = {COAST: 40, EDGE: 8, PICTURES: 12}
"""Collection to number of tiles."""

SENTENCE = "a harbour with ships"
HARBOURS = ("coast~scene~r0000c0007", "coast~scene~r0000c0011")
"""Tiles whose vectors are the sentence's."""

FIRST = datetime(2021, 4, 8, 4, 39, 23, tzinfo=UTC)
"""Date of the first coast tile; each next is a day younger."""


def coast_box(place: int) -> BaseGeometry:
    """Footprint of a coast tile: 0.1 degrees wide, in rows of ten, with gaps as wide."""
    west, south = 10 + (place % 10) * 0.2, 44 + (place // 10) * 0.2
    return box(west, south, west + 0.1, south + 0.1)


def edge_shape(place: int) -> BaseGeometry:
    """Footprint of an edge tile: half on either side of the antimeridian."""
    south = -20 + place
    return MultiPolygon([box(179.9, south, 180, south + 0.5), box(-180, south, -179.9, south + 0.5)])


def build_stac_archive(into: Path) -> Path:
    """Fill an index and return its directory."""
    encoder = open_encoder("swath-mini")
    store = Store.create_or_open(into, space=encoder.space)
    rng = np.random.default_rng(5)
    sentence = encoder.encode_text([SENTENCE])[0]  # type: ignore[attr-defined]  # swath-mini reads words too
    for name, count in TILES.items():
        tiles = [_tile(name, place) for place in range(count)]
        vectors = rng.normal(size=(count, encoder.space.dim))
        for place, tile in enumerate(tiles):
            if tile.tile_id in HARBOURS:
                vectors[place] = sentence
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        batch = records_to_batch(tiles, vectors.astype(np.float32), [_preview()] * count, store.schema)
        store.commit([SceneRows(ledger=_ledger(name, count), batches=[batch])])
    return into


def _ledger(name: str, count: int) -> LedgerRow:
    return LedgerRow(
        scene_key=scene_key(name, "scene"), scene_id="scene", collection=name, href=f"/data/{name}", fingerprint="1",
        tiles=count, dropped=0, parameters="{}", committed=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def _tile(name: str, place: int) -> Tile:
    shape = {COAST: coast_box, EDGE: edge_shape}.get(name, lambda _: None)(place)
    centre = None if shape is None else shape.representative_point()
    return Tile(
        tile_id=f"{name}~scene~r0000c{place:04d}", scene_id="scene", collection=name,
        sensor=load_sensor("rgb" if name == PICTURES else "sentinel-2-l2a")[0], encoding="dn", bands=("red",),
        pixels=np.zeros((1, 1, 1), np.float32), mask=np.ones((1, 1), np.bool_),
        window=PixelWindow(col_off=place * 224, row_off=0, width=224, height=224), row=0, col=place,
        href=f"https://example.org/{name}/{place}.tif" if name == EDGE else f"/data/{name}/{place}.tif",
        datetime=None if name == PICTURES else FIRST + timedelta(days=place),
        gsd=None if shape is None else 10.0, crs=None if shape is None else "EPSG:32632", footprint=shape,
        centroid=None if centre is None else (centre.x, centre.y), valid=1.0,
        cloud=place / 100 if name == COAST else None, label=f"class-{place % 3}" if name == PICTURES else None,
    )  # fmt: skip


def _preview() -> bytes:
    file = BytesIO()
    Image.new("RGB", (128, 128), (20, 90, 160)).save(file, "WEBP")
    return file.getvalue()
