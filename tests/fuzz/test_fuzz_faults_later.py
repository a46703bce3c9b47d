"""More inputs that a reader once fell over: those of the first whole run of all targets."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
from shapely import Point

from core import InputError, QueryError, SceneError, SourceError, StoreError
from indexer._backup_document import DOCUMENT, read_document
from indexer._gdal import open_raster
from indexer.knowledge._chunks import pieces
from indexer.knowledge._fields import place_of
from indexer.knowledge._geometry import cells_of, extent
from indexer.knowledge._reading import read_file
from indexer.sources import SourceOptions, open_source
from retriever import SearchRequest


def test_wkt_that_geos_quotes_in_the_middle_of_a_letter_is_one_line() -> None:
    with pytest.raises(InputError, match="is not WKT"):
        place_of({"wkt": "POINT (" + "é" * 1000})


def test_a_circle_too_small_for_corners_is_its_centre() -> None:
    place = extent(Point(16.8, 47.8), 5e-324)
    assert place == Point(16.8, 47.8)
    assert len(cells_of(place)) >= 1


@pytest.mark.parametrize(
    "asked",
    [
        {"vector": [10**400, 1]},
        {"like": "a", "bbox": [10**400, 0, 1, 1]},
        {"like": "a", "near": [10**400, 0], "radius_km": 1},
        {"like": "a", "near": [0, 0], "radius_km": 10**400},
        {"like": "a", "max_cloud": 10**400},
        {"query": [{"like": "a", "weight": 10**400}]},
        {"query": [{"point": [10**400, 0]}]},
    ],
)
def test_numbers_beyond_all_floats_are_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(QueryError):
        SearchRequest.build(**asked)


def test_a_parquet_file_whose_columns_have_no_readable_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "items.parquet"
    pq.write_table(pa.table({"geometry": [1]}), path)
    path.write_bytes(path.read_bytes().replace(b"geometry", b"geom\xfftry"))
    with pytest.raises(SourceError, match=r"not a Parquet file that can be read|not stac-geoparquet"):
        open_source(str(path), SourceOptions())


def test_a_document_of_tens_of_thousands_of_short_paragraphs_is_cut_at_once() -> None:
    started = time.process_time()
    found = pieces("\n\n".join(["```e`."] * 90_000), lambda texts: [2] * len(texts), 200)
    assert time.process_time() - started < 2
    assert sum(piece.text.count("e`") for piece in found) >= 90_000


def test_a_small_file_with_a_huge_block_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint8", "compress": "deflate"}
    with rasterio.open(
        path, "w", **profile, tiled=True, blockxsize=32768, blockysize=34704, sparse_ok=True, interleave="pixel"
    ):
        pass
    assert path.stat().st_size < 10_000
    with pytest.raises(SceneError, match=r"has blocks of 32,768 x 34,704 px, 3,254 MB, at most 256 MB are read"):
        open_raster(str(path))


def test_names_of_columns_over_several_lines_are_told_in_one(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('"of two\nlines",b\n1,2\n')
    with pytest.raises(InputError) as told:
        read_file(path)
    assert "\n" not in str(told.value)


def test_a_backup_of_a_format_over_several_lines_is_told_in_one(tmp_path: Path) -> None:
    (tmp_path / DOCUMENT).write_text(json.dumps({"format": "a\r\nb"}))
    with pytest.raises(StoreError) as told:
        read_document(tmp_path)
    assert "\n" not in str(told.value)
