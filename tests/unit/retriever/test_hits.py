"""Hits in every format they can be taken away in."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyarrow.parquet
import pytest
import shapely
from PIL import Image
from shapely.geometry import MultiPolygon, Polygon, box

from core import InputError, StoreError
from retriever import Hits, Searcher, SearchRequest
from tests.unit.retriever.tables import Archive, row, rows_in_memory

EVIL = "<script>alert('\"x\"')</script>"
KEYS = [
    "rank", "score", "probability", "tile_id", "scene_id", "collection", "sensor", "datetime", "bbox", "centroid", "h3",
    "cloud",
    "valid", "label", "href", "window", "preview",
]  # fmt: skip


def webp(colour: tuple[int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (128, 128), colour).save(file, "WEBP", lossless=True)
    return file.getvalue()


@pytest.fixture(scope="module")
def hits() -> Hits:
    clockwise = Polygon([(0, 0), (0, 1), (1, 1), (1, 0)])
    across = MultiPolygon([box(179.5, -17, 180, -16), box(-180, -17, -179, -16)])
    rows = [
        row("t1", clockwise, vector=[1, 0, 0, 0], datetime=datetime(2020, 6, 1, tzinfo=UTC), preview=webp((255, 0, 0))),
        row("t2", across, vector=[0.8, 0.6, 0, 0], datetime=datetime(2020, 6, 1, 1, 2, 3, 4, UTC), cloud=0.25,
            label=EVIL, captions=["a, b", 'c"d'], preview=webp((0, 255, 0))),
        row("t3", None, vector=[0, 1, 0, 0], preview=b"not a picture", gsd=None),
    ]  # fmt: skip
    return Searcher(Archive(rows_in_memory(rows))).search(SearchRequest.build(vector=[1, 0, 0, 0], k=3, min_valid=0.5))


def test_hits_are_a_sequence_of_records_with_rank_and_score(hits: Hits) -> None:
    assert [hit.tile_id for hit in hits] == ["t1", "t2", "t3"]
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert [hit.score for hit in hits] == pytest.approx([1, 0.8, 0])
    assert (len(hits), hits.matched, hits[-1].tile_id, len(hits[:2])) == (3, 3, "t3", 2)
    assert hits[1].bbox == (179.5, -17, -179, -16)
    assert "3 hits of 3" in repr(hits)


def test_json_has_exactly_the_agreed_keys(hits: Hits) -> None:
    document = json.loads(json.dumps(hits.to_dict(), allow_nan=False))
    assert list(document) == ["query", "hits", "matched", "took_ms", "why", "remarks"]
    first, second, third = document["hits"]
    assert list(first) == KEYS
    assert first["datetime"] == "2020-06-01T00:00:00Z"
    assert second["datetime"] == "2020-06-01T01:02:03.000004Z"
    assert first["window"] == {"col_off": 0, "row_off": 0, "width": 224, "height": 224}
    assert first["bbox"] == [0, 0, 1, 1]
    assert first["preview"].startswith("data:image/webp;base64,")
    assert int(first["h3"], 16) > 0
    assert (third["datetime"], third["bbox"], third["centroid"], third["h3"], third["cloud"]) == (None,) * 5
    assert document["query"]["min_valid"] == 0.5


def test_geojson_is_valid_by_rfc_7946(hits: Hits) -> None:
    document = json.loads(json.dumps(hits.to_geojson(), allow_nan=False))
    assert document["type"] == "FeatureCollection"
    assert [feature["id"] for feature in document["features"]] == ["t1", "t2", "t3"]
    for feature in document["features"]:
        assert {"type", "geometry", "properties"} <= feature.keys()
    first, second, third = document["features"]
    assert Polygon(first["geometry"]["coordinates"][0]).exterior.is_ccw
    assert first["geometry"]["coordinates"][0][0] == first["geometry"]["coordinates"][0][-1]
    assert second["geometry"]["type"] == "MultiPolygon"
    assert second["bbox"] == [179.5, -17, -179, -16]
    assert third["geometry"] is None
    assert "bbox" not in third
    assert second["properties"]["label"] == EVIL


def test_geojson_opens_in_geopandas(hits: Hits, tmp_path: Path) -> None:
    frame = geopandas.read_file(hits.write(tmp_path / "hits.geojson"))
    assert frame["tile_id"].tolist() == ["t1", "t2", "t3"]
    assert frame.geometry[0].equals(box(0, 0, 1, 1))


def test_geopandas_holds_footprints_in_lon_lat(hits: Hits) -> None:
    frame = hits.to_geopandas()
    assert frame.crs == "EPSG:4326"
    assert frame["tile_id"].tolist() == ["t1", "t2", "t3"]
    assert frame.geometry.bounds.iloc[0].tolist() == [0, 0, 1, 1]
    assert frame.geometry[2] is None
    assert str(frame["datetime"].dtype).endswith("UTC]")


def test_parquet_is_geoparquet(hits: Hits, tmp_path: Path) -> None:
    path = hits.write(tmp_path / "hits.parquet")
    described = json.loads(pyarrow.parquet.read_schema(path).metadata[b"geo"])
    assert described["primary_column"] == "geometry"
    assert set(described["columns"]["geometry"]["geometry_types"]) <= {"Polygon", "MultiPolygon"}
    frame = geopandas.read_parquet(path)
    assert frame["score"].tolist() == pytest.approx([1, 0.8, 0])
    assert frame.geometry[1].geom_type == "MultiPolygon"
    assert frame["preview"][0][8:12] == b"WEBP"


def test_csv_has_a_line_a_hit(hits: Hits, tmp_path: Path) -> None:
    rows = list(csv.DictReader(hits.write(tmp_path / "hits.csv").open(newline="")))
    assert [each["tile_id"] for each in rows] == ["t1", "t2", "t3"]
    assert rows[1]["datetime"] == "2020-06-01T01:02:03.000004Z"
    assert (rows[1]["label"], rows[2]["lon"], rows[0]["east"]) == (EVIL, "", "1.0")
    assert "preview" not in rows[0]


def test_arrow_has_a_row_a_hit_with_footprints_as_wkb(hits: Hits) -> None:
    table = hits.to_arrow()
    assert table["rank"].to_pylist() == [1, 2, 3]
    assert shapely.from_wkb(table["footprint"][0].as_py()).equals(box(0, 0, 1, 1))
    assert table["captions"][1].as_py() == ["a, b", 'c"d']


def test_no_hits_can_be_written_too(tmp_path: Path) -> None:
    empty = Searcher(Archive(rows_in_memory([]))).search(SearchRequest.build(vector=[1, 0, 0, 0]))
    assert (len(empty), empty.matched) == (0, 0)
    for suffix in ("json", "geojson", "csv", "parquet"):
        assert empty.write(tmp_path / f"none.{suffix}").stat().st_size > 0
    assert len(geopandas.read_parquet(tmp_path / "none.parquet")) == 0
    assert empty.contact_sheet().size[0] > 100
    assert "0 hits" in empty._repr_html_()


def test_a_format_nobody_knows_and_a_folder_that_is_not_there_are_refused(hits: Hits, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hits\.txt.*json, geojson, csv, parquet"):
        hits.write(tmp_path / "hits.txt")
    assert hits.write(tmp_path / "hits.txt", "csv").read_text().startswith("rank,score")
    for suffix in ("json", "parquet"):
        with pytest.raises(StoreError, match="cannot write"):
            hits.write(tmp_path / "nowhere" / f"hits.{suffix}")


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_notebook_grid_escapes_what_came_from_files(hits: Hits) -> None:
    page = Reader()
    page.feed(hits._repr_html_())
    assert {tag for tag, _ in page.tags} <= {"p", "div", "figure", "img", "figcaption", "br", "b"}
    assert EVIL in page.text
    pictures = [attributes for tag, attributes in page.tags if tag == "img"]
    assert [picture["alt"] for picture in pictures] == ["t1", "t2", "t3"]
    assert all(str(picture["src"]).startswith("data:image/webp;base64,") for picture in pictures)


def test_the_notebook_grid_has_bars_as_long_as_the_scores(hits: Hits) -> None:
    page = Reader()
    page.feed(hits._repr_html_())
    styles = [str(attributes.get("style")) for tag, attributes in page.tags if tag == "div"]
    assert [style.rpartition("width:")[2] for style in styles if "width:" in style] == ["100%", "80%", "0%"]
    assert "2020-06-01" in page.text
    assert "0.500° N, 0.500° E" in page.text
    assert "no date" in page.text


def test_the_notebook_grid_shows_a_limited_number_and_takes_its_colours_from_the_page(hits: Hits) -> None:
    many = replace(hits, hits=hits.hits * 100)
    page = Reader()
    page.feed(many._repr_html_())
    assert sum(tag == "img" for tag, _ in page.tags) == 100
    assert "first 100 shown" in page.text
    styles = " ".join(str(attributes.get("style")) for _, attributes in page.tags)
    assert "color:inherit" in styles
    assert not any(colour in styles for colour in ("#fff", "#000", "white", "black"))


def test_the_contact_sheet_shows_previews_from_the_best_on(hits: Hits) -> None:
    sheet = np.asarray(hits.contact_sheet()).astype(int)
    third = sheet.shape[1] // 3
    reds = [(sheet[:192, part * third : (part + 1) * third] == colour).all(axis=2).mean()
            for part, colour in enumerate([(255, 0, 0), (0, 255, 0), (200, 200, 200)])]  # fmt: skip
    assert min(reds) > 0.7  # each preview in its place, gray for the one that cannot be read
    assert (sheet[200:] < 100).any()  # and something written below


def test_a_very_long_result_still_makes_a_sheet() -> None:
    rows: list[dict[str, Any]] = [row(f"t{place:04d}") for place in range(500)]
    many = Searcher(Archive(rows_in_memory(rows))).search(SearchRequest.build(vector=[1, 0, 0, 0], k=500))
    width, height = many.contact_sheet().size
    assert width * height < 20_000_000
