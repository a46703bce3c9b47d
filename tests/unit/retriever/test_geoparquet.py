"""Hits as GeoParquet, read back by other programs; CSV that spreadsheets may open."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from shapely.geometry import MultiPolygon, Polygon, box

from core import Hit
from retriever import Hits, Searcher, SearchRequest
from retriever._export import csv_chunks
from retriever._geoparquet import geoparquet_chunks
from tests.unit.retriever.tables import Archive, row, rows_in_memory, unit_vectors

ACROSS = MultiPolygon([box(179.5, -17, 180, -16), box(-180, -17, -179, -16)])
CLOCKWISE = Polygon([(0, 0), (0, 1), (1, 1), (1, 0)])


@pytest.fixture(scope="module")
def hits() -> Hits:
    vectors = unit_vectors(40).tolist()
    places = [box(n, n / 2, n + 1.5, n / 2 + 1) if n % 5 else None for n in range(40)]
    rows = [
        row(f"t{n:02d}", place, vector=vector, cloud=n / 50 if n % 3 else None, captions=["a, b"], preview=b"RIFF")
        for n, (place, vector) in enumerate(zip(places, vectors, strict=True))
    ]
    rows += [row("clockwise", CLOCKWISE, datetime=datetime(2020, 6, 1, tzinfo=UTC)), row("across", ACROSS)]
    return Searcher(Archive(rows_in_memory(rows))).search(SearchRequest.build(vector=[1, 0, 0, 0], k=100))


def groups(hits: Hits, size: int) -> list[Sequence[Hit]]:
    return [hits[start : start + size] for start in range(0, len(hits), size)]


def test_geopandas_reads_back_what_the_hits_are(hits: Hits, tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    path.write_bytes(b"".join(geoparquet_chunks(groups(hits, 7))))
    assert_geodataframe_equal(geopandas.read_parquet(path), hits.to_geopandas())
    assert_geodataframe_equal(geopandas.read_parquet(hits.write(tmp_path / "x.parquet")), hits.to_geopandas())


def test_each_group_is_a_row_group_and_goes_out_at_once(hits: Hits, tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    pieces = list(geoparquet_chunks(groups(hits, 10)))
    path.write_bytes(b"".join(pieces))
    assert pq.ParquetFile(path).metadata.num_row_groups == 5
    assert len(pieces) == 6
    assert all(len(piece) > 1000 for piece in pieces)


def test_metadata_are_those_of_geoparquet_1_1(hits: Hits, tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    path.write_bytes(b"".join(geoparquet_chunks(groups(hits, 10))))
    document = json.loads(pq.read_metadata(path).metadata[b"geo"])
    column = document["columns"]["geometry"]
    assert (document["version"], document["primary_column"]) == ("1.1.0", "geometry")
    assert (column["encoding"], column["edges"], column["orientation"]) == ("WKB", "planar", "counterclockwise")
    assert column["geometry_types"] == ["MultiPolygon", "Polygon"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4326}
    west, south, east, north = column["bbox"]
    assert (west > east, south, north) == (True, -17, 20.5)
    assert column["covering"] == {"bbox": {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}}
    codecs = pq.read_metadata(path).row_group(0).column(0).compression
    assert codecs == "ZSTD"


def test_the_covering_holds_every_outline_and_only_those(hits: Hits, tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    path.write_bytes(b"".join(geoparquet_chunks(groups(hits, 10))))
    table = pq.read_table(path)
    shapes = shapely.from_wkb(np.array(table["geometry"].to_pylist(), dtype=object))
    for covering, shape in zip(table["bbox"].to_pylist(), shapes, strict=True):
        assert (covering is None) == (shape is None)
        if shape is not None:
            assert tuple(covering.values()) == shape.bounds
            assert all(part.exterior.is_ccw for part in shapely.get_parts(shape))
    inside = geopandas.read_parquet(path, bbox=(179.6, -16.9, 179.7, -16.8))
    assert inside["tile_id"].tolist() == ["across"]


def test_pictures_can_be_left_out_and_texts_added(hits: Hits, tmp_path: Path) -> None:
    path = tmp_path / "hits.parquet"
    chunks = geoparquet_chunks([hits[:3]], previews=False, texts={"link": lambda hit: f"/{hit.tile_id}"})
    path.write_bytes(b"".join(chunks))
    frame = geopandas.read_parquet(path)
    assert "preview" not in frame
    assert frame["link"].tolist() == [f"/{hit.tile_id}" for hit in hits[:3]]


def test_no_hits_make_a_file_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "none.parquet"
    path.write_bytes(b"".join(geoparquet_chunks([])))
    frame = geopandas.read_parquet(path)
    assert (len(frame), frame.crs) == (0, "EPSG:4326")


def test_csv_comes_in_pieces_with_one_header(hits: Hits) -> None:
    pieces = list(csv_chunks(groups(hits, 10), texts={"link": lambda hit: f"/{hit.tile_id}"}))
    assert len(pieces) == 6
    rows = list(csv.DictReader(io.StringIO("".join(pieces))))
    assert [each["tile_id"] for each in rows] == [hit.tile_id for hit in hits]
    assert rows[0]["link"] == f"/{hits[0].tile_id}"
    assert list(csv_chunks([])) == [hits.to_csv().splitlines()[0] + "\n"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_csv_holds_no_formulas_from_foreign_files(text: str) -> None:
    rows = [row("t", label=text, href=text), row("u", label="a=b")]
    found = Searcher(Archive(rows_in_memory(rows))).search(SearchRequest.build(vector=[1, 0, 0, 0]))
    first, second = csv.DictReader(io.StringIO(found.to_csv(), newline=""))
    shown = "'" + text.replace("\r", "\n")
    assert (first["label"], first["href"], second["label"]) == (shown, shown, "a=b")
    assert first["score"] == "1.0"
