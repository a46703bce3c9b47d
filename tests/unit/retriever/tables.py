"""Small tile tables made up for tests of search."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from core import VectorSpace, centre_cell, geometry_bbox
from indexer import scene_key, tile_schema
from retriever import MemoryRows

DIM = 4
SPACE = VectorSpace(encoder="mean-colour", revision="1", dim=DIM)
_PLACE = ("west", "south", "east", "north", "lon", "lat", "footprint", "h3")


def row(tile_id: str, footprint: BaseGeometry | None = None, **values: Any) -> dict[str, Any]:
    """One tile's columns; its vector is the first axis unless given."""
    place: dict[str, Any] = dict.fromkeys(_PLACE)
    if footprint is not None:
        point = footprint.representative_point()
        place = dict(zip(_PLACE, (*geometry_bbox(footprint), point.x, point.y), strict=False))
        place |= {"footprint": shapely.to_wkb(footprint), "h3": centre_cell(point.x, point.y)}
    defaults = {
        "tile_id": tile_id, "scene_key": scene_key("c", tile_id), "scene_id": tile_id, "collection": "c",
        "sensor": "rgb", "encoding": "dn", "datetime": None, "h3_cover": [], "gsd": 10.0, "crs": None,
        "href": f"/data/{tile_id}.tif", "col_off": 0, "row_off": 0, "width": 224, "height": 224, "valid": 1.0,
        "cloud": None, "offset": 0.0, "offset_origin": "none", "label": None, "captions": [], "preview": b"",
        "vector": [1.0] + [0.0] * (DIM - 1),
    }  # fmt: skip
    return defaults | place | values


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=tile_schema(SPACE, "float32"))


def rows_in_memory(rows: Sequence[dict[str, Any]]) -> MemoryRows:
    return MemoryRows(table(rows), space=SPACE)


def unit_vectors(count: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIM))
    unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


class Archive:
    """Gives the same rows at every snapshot."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows

    def snapshot(self) -> MemoryRows:
        return self._rows
