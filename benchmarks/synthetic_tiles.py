"""Made-up tiles as rows of the tile table: every column filled as ingest fills it, with nothing read or embedded.

Footprints are rectangles of about 2.24 km, which is 224 pixels of 10 m. The benchmarks that need a large archive put
their own places, dates and vectors into them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from PIL import Image

from core import centre_cell
from indexer import LedgerRow, SceneRows, scene_key

SENSORS = ("sentinel-1-rtc", "sentinel-2-l2a", "naip")
"""Sensors, and collections of the same names."""

ENCODINGS = ("linear", "dn", "dn")
"""How the pixels of each would be stored."""

GSD = (10.0, 10.0, 1.0)
"""Metres of a pixel of each."""

SIDE = 2.24 / 111.0
"""Degrees of latitude that a tile covers: 2.24 km at 111 km a degree."""

LOOKS = 64
"""Different preview pictures."""

_COVER_RESOLUTION = 7
"""H3 resolution whose cells are about as large as a tile."""

_BATCH = 10_000
"""Most rows of one batch."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeScene:
    """A scene that was made up: n tiles of one sensor."""

    scene_id: str
    """Its name."""
    sensor: int
    """Place in SENSORS."""
    lon: NDArray[np.float64]
    """(n,) degrees of the centres."""
    lat: NDArray[np.float64]
    """(n,) degrees of the centres, -85 to 85."""
    seconds: NDArray[np.int64]
    """(n,) since 1970."""
    cloud: NDArray[np.float64]
    """(n,) fraction 0..1; NaN where it is not known."""
    vectors: NDArray[np.floating[Any]]
    """(n, dim) unit vectors."""
    looks: NDArray[np.integer[Any]]
    """(n,) which of the LOOKS pictures is the preview."""


def scene_rows(scene: MadeScene, schema: pa.Schema) -> SceneRows:
    """Return a made-up scene on its way into a store of this schema."""
    collection = SENSORS[scene.sensor]
    ledger = LedgerRow(
        scene_key=scene_key(collection, scene.scene_id),
        scene_id=scene.scene_id,
        collection=collection,
        href="none",
        fingerprint="synthetic",
        tiles=len(scene.lon),
        dropped=0,
        parameters="{}",
        committed=datetime.now(UTC),
    )
    return SceneRows(ledger=ledger, batches=_batches(scene, schema))


def _batches(scene: MadeScene, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(scene.lon), _BATCH):
        part = slice(start, start + _BATCH)
        columns = _names(scene, part) | _place(scene, part) | _rest(scene, part)
        vectors = np.ascontiguousarray(scene.vectors[part])
        kind = schema.field("vector").type
        flat = pa.array(vectors.astype(kind.value_type.to_pandas_dtype()).ravel())
        columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, kind.list_size)
        arrays = [_array(columns[field.name], field.type) for field in schema]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind, from_pandas=True)


def _names(scene: MadeScene, part: slice) -> dict[str, Any]:
    collection, numbers = SENSORS[scene.sensor], range(len(scene.lon))[part]
    prefix = f"{collection}~{scene.scene_id}~"
    same = {
        "scene_key": scene_key(collection, scene.scene_id),
        "scene_id": scene.scene_id,
        "collection": collection,
        "sensor": collection,
        "encoding": ENCODINGS[scene.sensor],
    }
    ids = [f"{prefix}r{number // 100:04d}c{number % 100:04d}" for number in numbers]
    return {"tile_id": ids} | {name: [value] * len(ids) for name, value in same.items()}


def _place(scene: MadeScene, part: slice) -> dict[str, Any]:
    lon, lat = scene.lon[part], scene.lat[part]
    across, up = SIDE / 2 / np.maximum(0.2, np.cos(np.radians(lat))), SIDE / 2
    west, south, east, north = lon - across, lat - up, lon + across, lat + up
    west, east = np.maximum(west, -180), np.minimum(east, 180)
    return {
        "west": west, "south": south, "east": east, "north": north, "lon": lon, "lat": lat,
        "footprint": shapely.to_wkb(shapely.box(west, south, east, north)),
        "h3": np.array([centre_cell(*place) for place in zip(lon, lat, strict=True)], np.uint64),
        # The cells that touch the footprint would take 0.7 ms a tile; nothing searches by them.
        "h3_cover": [h3.grid_disk(h3.latlng_to_cell(y, x, _COVER_RESOLUTION), 1)
                     for x, y in zip(lon, lat, strict=True)],
        "crs": ["EPSG:4326"] * len(lon),
    }  # fmt: skip


def _rest(scene: MadeScene, part: slice) -> dict[str, Any]:
    count, numbers = len(scene.lon[part]), np.arange(len(scene.lon))[part]
    return {
        "datetime": pa.array(scene.seconds[part] * 1_000_000, pa.timestamp("us", tz="UTC")),
        "gsd": np.full(count, GSD[scene.sensor]), "href": ["none"] * count,
        "col_off": numbers % 100 * 224, "row_off": numbers // 100 * 224,
        "width": np.full(count, 224), "height": np.full(count, 224), "valid": np.ones(count),
        "cloud": scene.cloud[part], "offset": np.zeros(count), "offset_origin": ["none"] * count,
        "label": [None] * count, "captions": [[]] * count,
        "preview": [_picture(int(look) % LOOKS) for look in scene.looks[part]],
    }  # fmt: skip


@cache
def _picture(look: int) -> bytes:
    """A tiny WebP picture, about 150 bytes; those of ingest have 4 kB."""
    rng = np.random.default_rng(look)
    colors = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(colors).resize((16, 16)).save(buffer, format="WEBP", quality=50)
    return buffer.getvalue()
