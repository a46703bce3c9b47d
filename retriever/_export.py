"""Hits in the formats other programs read: JSON, GeoJSON, CSV, Arrow and GeoParquet."""

from __future__ import annotations

import csv
import io
import json
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from core import Hit, InputError, Record, StoreError, rfc3339

if TYPE_CHECKING:
    import geopandas

    from retriever._hits import Format, Hits

ARROW_SCHEMA = pa.schema(
    [
        pa.field("rank", pa.int64()),
        pa.field("score", pa.float64()),
        pa.field("probability", pa.float64()),
        pa.field("tile_id", pa.string()),
        pa.field("scene_id", pa.string()),
        pa.field("collection", pa.string()),
        pa.field("sensor", pa.string()),
        pa.field("encoding", pa.string()),
        pa.field("datetime", pa.timestamp("us", tz="UTC")),
        pa.field("west", pa.float64()),
        pa.field("south", pa.float64()),
        pa.field("east", pa.float64()),
        pa.field("north", pa.float64()),
        pa.field("lon", pa.float64()),
        pa.field("lat", pa.float64()),
        pa.field("h3", pa.string()),
        pa.field("gsd", pa.float64()),
        pa.field("crs", pa.string()),
        pa.field("cloud", pa.float64()),
        pa.field("valid", pa.float64()),
        pa.field("label", pa.string()),
        pa.field("captions", pa.list_(pa.string())),
        pa.field("href", pa.string()),
        pa.field("col_off", pa.int64()),
        pa.field("row_off", pa.int64()),
        pa.field("width", pa.int64()),
        pa.field("height", pa.int64()),
        pa.field("preview", pa.binary()),
        pa.field("footprint", pa.binary()),
    ]
)
"""Columns of the flat formats; h3 in hexadecimal, footprint as WKB in lon, lat, preview as WebP."""

Texts = Mapping[str, Callable[[Hit], str]]
"""Further columns: name to what makes a hit's text."""

_NOT_IN_CSV = ("preview", "footprint", "captions")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_SUFFIXES = {".json": "json", ".geojson": "geojson", ".csv": "csv", ".parquet": "parquet", ".geoparquet": "parquet"}


def preview_uri(preview: bytes) -> str:
    """Return a WebP picture as a data URI."""
    return f"data:image/webp;base64,{b64encode(preview).decode('ascii')}"


def hit_dict(hit: Hit) -> dict[str, Any]:
    """Return a hit as JSON values: the contract of ``search --json``."""
    judged = {"rank": hit.rank, "score": hit.score, "probability": hit.probability}
    return {**judged, **record_dict(hit), "preview": preview_uri(hit.preview)}


def record_dict(record: Record) -> dict[str, Any]:
    """Return what is known of a tile as JSON values, without its preview."""
    window = record.window
    return {
        "tile_id": record.tile_id,
        "scene_id": record.scene_id,
        "collection": record.collection,
        "sensor": record.sensor,
        "datetime": None if record.datetime is None else rfc3339(record.datetime),
        "bbox": None if record.bbox is None else list(record.bbox),
        "centroid": None if record.centroid is None else list(record.centroid),
        "h3": record.h3,
        "cloud": record.cloud,
        "valid": record.valid,
        "label": record.label,
        "href": record.href,
        "window": {
            "col_off": window.col_off,
            "row_off": window.row_off,
            "width": window.width,
            "height": window.height,
        },
    }


def geojson_geometry(footprint: BaseGeometry | None) -> dict[str, Any] | None:
    """Return a footprint (lon, lat) as a GeoJSON geometry, or None where there is none."""
    # RFC 7946, 3.1.6: outer rings run counterclockwise.
    return None if footprint is None else mapping(shapely.orient_polygons(footprint))


def feature(hit: Hit, properties: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a hit as a GeoJSON Feature; its geometry is null where the tile is not georeferenced.

    Args:
        hit: The hit.
        properties: What is told of it; None tells what ``hit_dict`` does.
    """
    told = hit_dict(hit) if properties is None else dict(properties)
    found = {"type": "Feature", "id": hit.tile_id, "geometry": geojson_geometry(hit.footprint), "properties": told}
    return found if hit.bbox is None else found | {"bbox": list(hit.bbox)}


def _flat(hit: Hit) -> dict[str, Any]:
    row = {name: getattr(hit, name) for name in ARROW_SCHEMA.names if hasattr(hit, name)}
    row |= dict(zip(("west", "south", "east", "north"), hit.bbox or (None,) * 4, strict=True))
    row |= dict(zip(("lon", "lat"), hit.centroid or (None,) * 2, strict=True))
    row |= {name: getattr(hit.window, name) for name in ("col_off", "row_off", "width", "height")}
    footprint = None if hit.footprint is None else shapely.to_wkb(hit.footprint)
    return row | {"captions": list(hit.captions), "footprint": footprint}


def outlines(hits: Sequence[Hit]) -> list[BaseGeometry | None]:
    """Return the footprints with counterclockwise outer rings; None where there is none."""
    return [None if hit.footprint is None else shapely.orient_polygons(hit.footprint) for hit in hits]


def arrow_table(hits: Sequence[Hit]) -> pa.Table:
    """Return one row a hit."""
    return pa.Table.from_pylist([_flat(hit) for hit in hits], schema=ARROW_SCHEMA)


def geo_frame(hits: Sequence[Hit]) -> geopandas.GeoDataFrame:
    """Return one row a hit, with its footprint as the geometry."""
    import geopandas

    frame = arrow_table(hits).drop_columns(["footprint"]).to_pandas()
    geometry = geopandas.GeoSeries(outlines(hits), index=frame.index, crs="EPSG:4326")
    return geopandas.GeoDataFrame(frame, geometry=geometry)


def csv_text(hits: Sequence[Hit]) -> str:
    """Return one line a hit under a header; dates in RFC 3339, what is unknown left empty."""
    return "".join(csv_chunks([hits]))


def csv_chunks(groups: Iterable[Sequence[Hit]], *, texts: Texts | None = None) -> Iterator[str]:
    """Yield a CSV file piece by piece: its header, then a piece for each group of hits.

    Labels and hrefs come from foreign files: one that a spreadsheet would run as a formula is led by an apostrophe
    (https://owasp.org/www-community/attacks/CSV_Injection).

    Args:
        groups: Hits, best first.
        texts: Further columns: name to what makes a hit's text.
    """
    more = texts or {}
    names = [*(name for name in ARROW_SCHEMA.names if name not in _NOT_IN_CSV), *more]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for hits in groups:
        for hit in hits:
            writer.writerow(_cells(hit) | {name: make(hit) for name, make in more.items()})
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _cells(hit: Hit) -> dict[str, Any]:
    row = _flat(hit) | {"datetime": None if hit.datetime is None else rfc3339(hit.datetime)}
    return row | {name: _inert(row[name]) for name in ("label", "href", "crs")}


def _inert(text: str | None) -> str | None:
    if text is None:
        return None
    led = f"'{text}" if text.startswith(_FORMULA) else text
    # The csv module quotes only the line breaks it writes itself; a lone \r would begin a row.
    return led.replace("\r\n", "\n").replace("\r", "\n")


def write(hits: Hits, path: Path, kind: Format | None) -> Path:
    """Write hits to a file in the format given, or the one its suffix names."""
    chosen = kind or _SUFFIXES.get(path.suffix.lower())
    if chosen not in _WRITERS:
        shown = repr(kind) if kind else f"of {path.name!r}"
        raise InputError(f"unknown format {shown}; known: {', '.join(_WRITERS)}")
    try:
        _WRITERS[chosen](hits, path)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def _write_json(hits: Hits, path: Path) -> None:
    path.write_text(json.dumps(hits.to_dict()), encoding="utf-8")


def _write_geojson(hits: Hits, path: Path) -> None:
    path.write_text(json.dumps(hits.to_geojson()), encoding="utf-8")


def _write_csv(hits: Hits, path: Path) -> None:
    path.write_text(csv_text(hits), encoding="utf-8")


def _write_parquet(hits: Hits, path: Path) -> None:
    from retriever._geoparquet import ROW_GROUP, geoparquet_chunks

    groups = (hits[start : start + ROW_GROUP] for start in range(0, len(hits), ROW_GROUP))
    with path.open("wb") as file:
        file.writelines(geoparquet_chunks(groups))


_WRITERS: dict[str, Callable[[Hits, Path], None]] = {
    "json": _write_json,
    "geojson": _write_geojson,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
