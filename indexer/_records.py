"""Tiles to rows of the table, and rows back to records."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from core import (
    BBox,
    InputError,
    Offset,
    PixelWindow,
    Record,
    Tile,
    cell_text,
    centre_cell,
    cover_cells,
    geometry_bbox,
)

NORM_TOLERANCE = 1e-3
"""How far a vector's length may be from 1; float16 storage moves it by at most 5e-4 (IEEE 754 half precision)."""

RECORD_COLUMNS = (
    "tile_id", "scene_id", "collection", "sensor", "encoding", "datetime", "west", "south", "east", "north",
    "lon", "lat", "footprint", "h3", "h3_cover", "gsd", "crs", "href", "col_off", "row_off", "width", "height",
    "valid", "cloud", "offset", "offset_origin", "label", "captions", "preview",
)  # fmt: skip
"""The columns ``record_from_row`` reads: all but the scene key and the vector."""

Row = dict[str, Any]
"""One row of the tile table by column name, without its vector."""


def scene_key(collection: str, scene_id: str) -> str:
    """Return the 32 hexadecimal digits that name a scene in the table and in the staging folder."""
    return hashlib.sha256(f"{collection}~{scene_id}".encode()).hexdigest()[:32]


def tile_row(tile: Tile, preview: bytes) -> Row:
    """Return the row of a tile, all but its vector."""
    return {
        **_identity(tile),
        **_place(tile),
        "href": tile.href,
        "col_off": tile.window.col_off,
        "row_off": tile.window.row_off,
        "width": tile.window.width,
        "height": tile.window.height,
        "valid": tile.valid,
        "cloud": tile.cloud,
        "offset": tile.offset.value,
        "offset_origin": tile.offset.origin,
        "label": tile.label,
        "captions": list(tile.captions),
        "preview": preview,
    }


def _identity(tile: Tile) -> Row:
    return {
        "tile_id": tile.tile_id,
        "scene_key": scene_key(tile.collection, tile.scene_id),
        "scene_id": tile.scene_id,
        "collection": tile.collection,
        "sensor": tile.sensor.name,
        "encoding": tile.encoding,
        "datetime": tile.datetime,
    }


def _place(tile: Tile) -> Row:
    place: Row = dict.fromkeys(("west", "south", "east", "north", "lon", "lat", "footprint", "h3"))
    place |= {"h3_cover": [], "gsd": tile.gsd, "crs": tile.crs}
    if tile.footprint is not None:
        place["west"], place["south"], place["east"], place["north"] = geometry_bbox(tile.footprint)
        place["footprint"] = shapely.to_wkb(tile.footprint)
        place["h3_cover"] = cover_cells(tile.footprint)
    if tile.centroid is not None:
        place["lon"], place["lat"] = tile.centroid
        place["h3"] = centre_cell(*tile.centroid)
    return place


def records_to_batch(
    tiles: Sequence[Tile], vectors: NDArray[np.floating[Any]], previews: Sequence[bytes], schema: pa.Schema
) -> pa.RecordBatch:
    """Return the table rows of encoded tiles.

    Args:
        tiles: n tiles; their pixels are not looked at.
        vectors: (n, dim) unit vectors.
        previews: n WebP pictures.
        schema: From ``tile_schema``.

    Raises:
        InputError: A vector is not finite, not of unit length or of another dimension than the schema's.
    """
    return rows_to_batch([tile_row(*pair) for pair in zip(tiles, previews, strict=True)], vectors, schema)


def rows_to_batch(rows: Sequence[Row], vectors: NDArray[np.floating[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Return the table rows of ``tile_row`` rows and their (n, dim) unit vectors.

    Raises:
        InputError: A vector is not finite, not of unit length or of another dimension than the schema's.
    """
    vector = schema.field("vector").type
    check_vectors(vectors, vector.list_size)
    flat = pa.array(np.ascontiguousarray(vectors).astype(vector.value_type.to_pandas_dtype()).ravel())
    columns = [
        pa.array([row[field.name] for row in rows], type=field.type) for field in schema if field.name != "vector"
    ]
    return pa.RecordBatch.from_arrays([*columns, pa.FixedSizeListArray.from_arrays(flat, type=vector)], schema=schema)


def check_vectors(vectors: NDArray[np.floating[Any]], dim: int) -> None:
    """Accept (n, dim) finite vectors of unit length.

    Raises:
        InputError: Anything else; the message says what was found.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise InputError(f"vectors of shape {vectors.shape} do not fit an index of (n, {dim}) vectors")
    bad = unfit_rows(vectors)
    if bad.any():
        norm = float(np.linalg.norm(vectors[bad][0].astype(np.float64)))
        raise InputError(f"{int(bad.sum())} of {len(vectors)} vectors are not of unit length (the first has {norm:g})")


def unfit_rows(vectors: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return (n,) True where a vector is not finite or not of unit length."""
    norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
    with np.errstate(invalid="ignore"):
        fit: NDArray[np.bool_] = np.abs(norms - 1) <= NORM_TOLERANCE
    return ~fit  # NaN compares false, so it is unfit


def record_from_row(row: Mapping[str, Any]) -> Record:
    """Return the record of one row with the columns ``RECORD_COLUMNS``, as ``pa.Table.to_pylist`` gives it."""
    footprint = row["footprint"]
    return Record(
        tile_id=row["tile_id"],
        scene_id=row["scene_id"],
        collection=row["collection"],
        sensor=row["sensor"],
        encoding=row["encoding"],
        datetime=_utc(row["datetime"]),
        bbox=_bbox(row),
        centroid=None if row["lon"] is None else (row["lon"], row["lat"]),
        footprint=None if footprint is None else shapely.from_wkb(footprint),
        h3=None if row["h3"] is None else cell_text(row["h3"]),
        h3_cover=tuple(cell_text(cell) for cell in row["h3_cover"] or ()),
        gsd=row["gsd"],
        crs=row["crs"],
        href=row["href"],
        window=PixelWindow(**{name: row[name] for name in ("col_off", "row_off", "width", "height")}),
        valid=row["valid"],
        cloud=row["cloud"],
        offset=Offset(value=row["offset"], origin=row["offset_origin"]),
        label=row["label"],
        captions=tuple(row["captions"] or ()),
        preview=row["preview"],
    )


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.astimezone(UTC)


def _bbox(row: Mapping[str, Any]) -> BBox | None:
    return None if row["west"] is None else (row["west"], row["south"], row["east"], row["north"])
