"""The archive as a Swath index: its tile table, from which the search snapshot is made."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from benchmarks.engine._archive import SENSORS, Archive
from core import VectorSpace
from indexer import LedgerRow, SceneRows, Store, scene_key, tile_schema

SCENE = 20_000
"""Tiles of a scene."""

CHUNK = 10_000
"""Tiles written at once."""

COLLECTION = "made-up"


def space_of(archive: Archive) -> VectorSpace:
    """Return the vector space its index is made for."""
    return VectorSpace(encoder="synthetic", revision="1", dim=archive.dim)


def fill(archive: Archive, path: Path) -> Store:
    """Write all rows into an index, in the order they were made in; tiles are points and have no preview."""
    store = Store.create_or_open(path, space=space_of(archive))
    firsts = range(0, archive.rows, SCENE)
    scenes = (scene_of(archive, np.arange(first, min(first + SCENE, archive.rows)), f"s{first}") for first in firsts)
    store.commit(list(scenes))
    store.compact()
    return store


def scene_of(archive: Archive, rows: NDArray[np.int64], name: str) -> SceneRows:
    """Return some rows as a scene."""
    key = scene_key(COLLECTION, name)
    ledger = LedgerRow(
        scene_key=key, scene_id=name, collection=COLLECTION, href="none", fingerprint="1", tiles=len(rows), dropped=0,
        parameters="{}", committed=datetime.now(UTC),
    )  # fmt: skip
    return SceneRows(ledger=ledger, batches=_batches(archive, rows, name))


def number_of(tile_id: str) -> int:
    """Return which row a tile is."""
    return int(tile_id[-9:])


def _batches(archive: Archive, rows: NDArray[np.int64], scene: str) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), CHUNK):
        yield _batch(archive, rows[start : start + CHUNK], scene)


def _batch(archive: Archive, rows: NDArray[np.int64], scene: str) -> pa.RecordBatch:
    count = len(rows)
    lon, lat, cells = archive.lon[rows], archive.lat[rows], archive.cells[rows]
    columns = {
        "tile_id": [f"{COLLECTION}~{scene}~{row:09d}" for row in rows],
        "scene_key": [scene_key(COLLECTION, scene)] * count, "scene_id": [scene] * count,
        "collection": [COLLECTION] * count, "sensor": np.array(SENSORS)[archive.sensor[rows]],
        "encoding": ["dn"] * count, "datetime": archive.seconds[rows] * 1_000_000,
        "west": lon, "south": lat, "east": lon, "north": lat, "lon": lon, "lat": lat,
        "footprint": shapely.to_wkb(shapely.points(lon, lat)), "h3": cells, "h3_cover": cells[:, None].tolist(),
        "gsd": np.full(count, 10.0), "crs": ["EPSG:4326"] * count, "href": ["none"] * count,
        "col_off": np.zeros(count, int), "row_off": np.zeros(count, int), "width": np.full(count, 224),
        "height": np.full(count, 224), "valid": np.ones(count), "cloud": archive.cloud[rows].astype(np.float64),
        "offset": np.zeros(count), "offset_origin": ["none"] * count, "label": [None] * count,
        "captions": [[]] * count, "preview": [b""] * count,
    }  # fmt: skip
    schema = tile_schema(space_of(archive), "float16")
    vectors = pa.array(archive.vectors[rows].astype(np.float16).ravel())
    columns["vector"] = pa.FixedSizeListArray.from_arrays(vectors, archive.dim)
    return pa.RecordBatch.from_arrays([_array(columns[field.name], field.type) for field in schema], schema=schema)


def _array(values: object, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)
