"""Real scenes in one index, checked against rasterio's own reading of the files."""

import json
import math
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image
from rasterio.warp import transform, transform_bounds
from rasterio.windows import Window

from tests.integration.real import REAL_COMMANDS, ROOT, Run, rows_of

TILE = 224
MIN_VALID = 0.1
FOLDERS = {
    "naip": "landsat_naip/naip",
    "landsat": "landsat_naip/landsat",
    "terramind-s1": "terramind/S1RTC",
    "terramind-s2": "terramind/S2L2A",
    "floods-s1": "sen1floods11/S1",
    "floods-s2": "sen1floods11/S2",
}


@pytest.fixture(scope="module")
def rows(real_index: Path) -> list[dict[str, Any]]:
    return rows_of(real_index)


def valid_share(dataset: rasterio.DatasetReader, window: Window) -> float:
    """Fraction of a padded tile that holds data, by rasterio alone."""
    pixels = dataset.read(window=window, masked=True).astype(float)
    masked = np.ma.getmaskarray(pixels).all(axis=0) | np.isnan(pixels.filled(0)).any(axis=0)
    if dataset.nodata is None and dataset.count == 12:
        masked |= (pixels.filled(0) == 0).all(axis=0)
    return float((~masked).sum()) / (TILE * TILE)


def expected_tiles(path: Path) -> dict[tuple[int, int], Window]:
    """The windows of a scene that hold enough data, keyed by offset."""
    with rasterio.open(path) as dataset:
        found = {}
        for row in range(math.ceil(dataset.height / TILE)):
            for col in range(math.ceil(dataset.width / TILE)):
                size = (min(TILE, dataset.width - col * TILE), min(TILE, dataset.height - row * TILE))
                window = Window(col * TILE, row * TILE, *size)
                if valid_share(dataset, window) >= MIN_VALID:
                    found[col * TILE, row * TILE] = window
        return found


@pytest.mark.parametrize("collection", FOLDERS)
def test_tiles_are_those_rasterio_finds(collection: str, rows: list[dict[str, Any]], real_data: Path) -> None:
    for path in sorted((real_data / FOLDERS[collection]).glob("*.tif")):
        expected = expected_tiles(path)
        got = {(r["col_off"], r["row_off"]): r for r in rows if r["href"] == str(path)}
        assert got.keys() == expected.keys(), path
        with rasterio.open(path) as dataset:
            for key, window in expected.items():
                assert got[key]["valid"] == pytest.approx(valid_share(dataset, window), abs=1e-9)


@pytest.mark.parametrize("collection", FOLDERS)
def test_footprints_are_where_rasterio_puts_them(collection: str, rows: list[dict[str, Any]], real_data: Path) -> None:
    for path in sorted((real_data / FOLDERS[collection]).glob("*.tif")):
        tiles = expected_tiles(path)
        with rasterio.open(path) as dataset:
            for row in (r for r in rows if r["href"] == str(path)):
                check_footprint(row, dataset, tiles[row["col_off"], row["row_off"]])


def check_footprint(row: dict[str, Any], dataset: rasterio.DatasetReader, window: Window) -> None:
    bounds = transform_bounds(dataset.crs, "EPSG:4326", *dataset.window_bounds(window), densify_pts=21)
    pixel = max((bounds[2] - bounds[0]) / window.width, (bounds[3] - bounds[1]) / window.height)
    stored = (row["west"], row["south"], row["east"], row["north"])
    assert stored == pytest.approx(bounds, abs=pixel)
    assert shapely.from_wkb(row["footprint"]).bounds == pytest.approx(stored, abs=1e-12)
    centre = dataset.window_transform(window) * (window.width / 2, window.height / 2)
    (lon,), (lat,) = transform(dataset.crs, "EPSG:4326", [centre[0]], [centre[1]])
    assert abs(row["lon"] - lon) < pixel * TILE
    assert abs(row["lat"] - lat) < pixel * TILE
    assert rasterio.crs.CRS.from_user_input(row["crs"]) == dataset.crs


def test_dates_come_from_names_and_tags_and_are_never_invented(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        stem = Path(row["href"]).stem
        match row["collection"]:
            case "naip":
                assert row["datetime"] == datetime.strptime(stem[-8:], "%Y%m%d").replace(tzinfo=UTC)
            case "landsat":
                assert row["datetime"] == datetime(int(stem), 1, 1, tzinfo=UTC)
            case "terramind-s1":
                with rasterio.open(row["href"]) as dataset:
                    tag = dataset.tags()["datetime"][:19]
                assert row["datetime"] == datetime.fromisoformat(tag).replace(tzinfo=UTC)
            case _:
                assert row["datetime"] is None


def test_sensors_and_units_are_as_told_or_proven(rows: list[dict[str, Any]]) -> None:
    found = {row["collection"]: (row["sensor"], row["encoding"]) for row in rows}
    assert found["naip"][0] == "naip"
    assert found["terramind-s1"] == ("sentinel-1-rtc", "db")
    assert found["terramind-s2"] == ("sentinel-2-l2a", "dn")
    assert found["floods-s1"] == ("sentinel-1-grd", "db")
    assert found["floods-s2"] == ("sentinel-2-l1c", "dn")
    assert found["aid"][0] == "rgb"


def test_pictures_keep_label_and_captions_and_have_no_place(rows: list[dict[str, Any]], real_data: Path) -> None:
    lines = (real_data / "aid_rsicd" / "captions.jsonl").read_text().splitlines()
    wanted = {
        str(real_data / "aid_rsicd" / entry["image"]): (entry["label"], entry["captions"])
        for entry in map(json.loads, lines)
        if entry["split"] == "val"
    }
    got = {row["href"]: (row["label"], row["captions"]) for row in rows if row["collection"] == "aid"}
    assert len(got) == 869
    assert got == wanted
    assert all(row["footprint"] is None and row["h3"] is None for row in rows if row["collection"] == "aid")


def test_gsd_is_metres_in_any_crs(rows: list[dict[str, Any]]) -> None:
    by_collection = {row["collection"]: row["gsd"] for row in rows}
    assert by_collection["naip"] == pytest.approx(5.0, rel=0.01)
    assert by_collection["terramind-s2"] == pytest.approx(10.0, rel=0.01)
    assert by_collection["landsat"] == pytest.approx(0.00080848 * 111_320, rel=0.02)


def test_a_second_run_embeds_nothing(real_index: Path, real_data: Path, swath: Run) -> None:
    before = rows_of(real_index)
    for folder, options in REAL_COMMANDS:
        done = swath("index", real_data / folder, "--into", real_index, *options, "--json", cwd=ROOT)
        report = json.loads(done.stdout)
        assert report["tiles_written"] == 0
        assert report["scenes_indexed"] == 0
        assert report["scenes_skipped"] > 0
    assert Counter(row["tile_id"] for row in rows_of(real_index)) == Counter(row["tile_id"] for row in before)


def test_info_agrees_with_the_rows(real_index: Path, rows: list[dict[str, Any]], swath: Run) -> None:
    info = json.loads(swath("info", "--index", real_index, "--json").stdout)
    assert info["tiles"] == len(rows)
    assert info["scenes"] == len({(row["collection"], row["scene_id"]) for row in rows}) == 869 + 10 + 8 + 5 + 5 + 2
    assert info["collections"] == dict(Counter(row["collection"] for row in rows))
    assert info["sensors"] == dict(Counter(row["sensor"] for row in rows))
    dates = [row["datetime"] for row in rows if row["datetime"]]
    assert info["datetime"] == [d.isoformat().replace("+00:00", "Z") for d in (min(dates), max(dates))]
    assert (info["encoder"], info["dim"]) == ("swath-mini", 384)


def test_words_and_pictures_find_what_they_mean(real_index: Path, real_data: Path, swath: Run) -> None:
    found = json.loads(swath("search", "airport", "--index", real_index, "--collection", "aid", "--json").stdout)
    assert [hit["label"] for hit in found["hits"]].count("Airport") >= 8
    picture = found["hits"][0]["href"]
    like = swath("search", "--image", picture, "--index", real_index, "--collection", "aid", "--json")
    assert json.loads(like.stdout)["hits"][0]["href"] == picture
    assert [hit["label"] for hit in json.loads(like.stdout)["hits"]].count("Airport") >= 6


def test_a_tile_is_shown_from_its_original_pixels(
    real_index: Path, real_data: Path, swath: Run, tmp_path: Path
) -> None:
    found = json.loads(
        swath("search", "a pond", "--index", real_index, "--collection", "naip", "-k", "1", "--json").stdout
    )
    hit = found["hits"][0]
    swath("show", hit["tile_id"], "--index", real_index, "--out", tmp_path / "tile.png")
    with rasterio.open(hit["href"]) as dataset, Image.open(tmp_path / "tile.png") as shown:
        offset = hit["window"]
        window = Window(offset["col_off"], offset["row_off"], offset["width"], offset["height"])
        pixels = dataset.read([1, 2, 3], window=window, boundless=True, fill_value=0)
        assert np.array_equal(np.moveaxis(np.asarray(shown), 2, 0), pixels)
