"""The Arrow layout of an index: one row a tile, one row a scene in the ledger.

Columns are plain and named in the field's words so that any Arrow, Lance or DuckDB user can read them.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Literal

import pyarrow as pa

from core import InputError, VectorSpace
from indexer._place import Place

SCHEMA_VERSION = 2
"""Raised when a column changes meaning or is added; ``indexer.migrations`` leads from one to the next.

1 is the first. Since 2 every scene in the ledger has the check sum of its tiles."""

OLDEST_READ = 1
"""Indexes of this schema version and later are read and written as they are; earlier ones must be migrated first."""

VERSIONED_FIELD = "tile_id"
"""Its metadata says the schema version of a migrated index: LanceDB changes that of a column, not of a table."""

VERSION_KEY = "swath:schema_version"

VectorType = Literal["float16", "float32"]
"""How vectors are stored."""

_METADATA_KEY = b"swath"

_TILE_FIELDS = (
    pa.field("tile_id", pa.string(), nullable=False),
    pa.field("scene_key", pa.string(), nullable=False),  # sha256 of collection~scene_id, 32 hexadecimal digits
    pa.field("scene_id", pa.string(), nullable=False),
    pa.field("collection", pa.string(), nullable=False),
    pa.field("sensor", pa.string(), nullable=False),
    pa.field("encoding", pa.string(), nullable=False),
    pa.field("datetime", pa.timestamp("us", tz="UTC")),
    pa.field("west", pa.float64()),
    pa.field("south", pa.float64()),
    pa.field("east", pa.float64()),  # smaller than west across the antimeridian
    pa.field("north", pa.float64()),
    pa.field("lon", pa.float64()),
    pa.field("lat", pa.float64()),
    pa.field("footprint", pa.binary()),  # WKB, lon lat
    pa.field("h3", pa.uint64()),  # centre cell, resolution 12
    pa.field("h3_cover", pa.list_(pa.uint64())),
    pa.field("gsd", pa.float64()),  # metres
    pa.field("crs", pa.string()),
    pa.field("href", pa.string(), nullable=False),
    pa.field("col_off", pa.int64(), nullable=False),
    pa.field("row_off", pa.int64(), nullable=False),
    pa.field("width", pa.int64(), nullable=False),
    pa.field("height", pa.int64(), nullable=False),
    pa.field("valid", pa.float64(), nullable=False),  # fraction 0..1
    pa.field("cloud", pa.float64()),  # fraction 0..1
    pa.field("offset", pa.float64(), nullable=False),
    pa.field("offset_origin", pa.string(), nullable=False),
    pa.field("label", pa.string()),
    pa.field("captions", pa.list_(pa.string())),
    pa.field("preview", pa.binary(), nullable=False),  # WebP
)

LEDGER_SCHEMA = pa.schema(
    [
        pa.field("scene_key", pa.string(), nullable=False),
        pa.field("scene_id", pa.string(), nullable=False),
        pa.field("collection", pa.string(), nullable=False),
        pa.field("href", pa.string(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),  # source files, parameters and encoder revision
        pa.field("tiles", pa.int64(), nullable=False),
        pa.field("dropped", pa.int64(), nullable=False),  # tiles under the minimum valid fraction
        pa.field("parameters", pa.string(), nullable=False),  # JSON: tiling, sensor, encoding
        pa.field("committed", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("digest", pa.string()),  # check sum of the tiles, see _digest.py; missing in ledgers of earlier days
    ]
)


def tile_schema(space: VectorSpace, dtype: VectorType) -> pa.Schema:
    """Return the layout of the tile table, with schema version, vector space and vector type in its metadata.

    Raises:
        InputError: ``dtype`` is neither float16 nor float32.
    """
    types = {"float16": pa.float16(), "float32": pa.float32()}
    if dtype not in types:
        raise InputError(f"vectors are stored as float16 or float32, got {dtype!r}")
    vector = pa.field("vector", pa.list_(types[dtype], space.dim), nullable=False)
    described = {"schema_version": SCHEMA_VERSION, "space": asdict(space), "dtype": dtype}
    return pa.schema([*_TILE_FIELDS, vector], metadata={_METADATA_KEY: json.dumps(described).encode()})


def read_metadata(schema: pa.Schema, path: Place, *, oldest: int = OLDEST_READ) -> tuple[VectorSpace, VectorType, int]:
    """Return what ``tile_schema`` recorded, and the schema version, which a migration may have raised since.

    Args:
        schema: Of the tile table.
        path: The index, for messages.
        oldest: Earlier schema versions are refused.

    Raises:
        InputError: No Swath metadata, or a schema version that this Swath does not read.
    """
    described = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}"))
    found = described.get("schema_version")
    if not isinstance(found, int):
        raise InputError(f"the index {path} has no schema version; index the scenes again")
    raised = (schema.field(VERSIONED_FIELD).metadata or {}).get(VERSION_KEY.encode())
    found = max(found, int(raised)) if raised else found
    if found > SCHEMA_VERSION:
        raise InputError(
            f"the index {path} was made by a newer Swath: it has schema version {found}, this one reads up to"
            f" {SCHEMA_VERSION}; install the newer Swath"
        )
    if found < oldest:
        raise InputError(
            f"the index {path} has schema version {found}, this Swath reads {oldest} to {SCHEMA_VERSION}; run: swath"
            f" migrate {path}"
        )
    return VectorSpace(**described["space"]), described["dtype"], found
