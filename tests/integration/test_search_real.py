"""Search on real imagery, as a user runs it: the command line, the Python front door, and other programs' readers."""

import csv
import json
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.warp import transform_bounds

import swath as front
from retriever import Hits
from tests.integration.real import DATA, Run, rows_of


@pytest.fixture(scope="module")
def index(real_index: Path) -> Any:
    return front.open(real_index)


def test_a_picture_finds_itself_first(index: Any) -> None:
    pictures = sorted((DATA / "aid_rsicd" / "images").glob("*/*.jpg"))
    hrefs = {row["href"] for row in rows_of(index.path)}
    chosen = [path for path in pictures if str(path) in hrefs][::150]
    assert len(chosen) > 4
    for path in chosen:
        hits = index.search(image=path, collection="aid", k=3)
        assert hits[0].href == str(path)
        assert hits[0].score > 0.98


def test_words_find_pictures_of_their_class_far_above_chance(index: Any) -> None:
    names = {"Forest": "a dense forest", "Beach": "a beach with waves", "Parking": "a parking lot with many cars"}
    for label, words in names.items():
        labels = [hit.label.lower() for hit in index.search(text=words, collection="aid", k=10)]
        assert labels.count(label.lower()) >= 5, (words, labels)


def test_more_like_a_tile_stays_with_its_kind_and_leaves_it_out(index: Any) -> None:
    start = index.search(text="a beach with waves", label="Beach", k=1)[0]
    hits = index.search(like=start.tile_id, collection="aid", k=10)
    assert start.tile_id not in {hit.tile_id for hit in hits}
    assert [hit.label for hit in hits].count("Beach") >= 5  # chance is 0.4


def test_a_box_round_a_scene_finds_its_tiles_and_no_others(index: Any) -> None:
    path = min((DATA / "terramind" / "S2L2A").glob("*.tif"))
    with rasterio.open(path) as raster:
        bounds = transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    hits = index.search(text="anything", bbox=bounds, k=10_000)
    inside = {row["tile_id"] for row in rows_of(index.path) if row["href"] == str(path)}
    assert inside <= {hit.tile_id for hit in hits}
    assert {hit.scene_id for hit in hits} == {path.stem}  # the same place in Sentinel-1 and Sentinel-2
    assert {hit.collection for hit in hits} == {"terramind-s1", "terramind-s2"}


def test_years_of_one_place_are_told_apart_by_date(index: Any) -> None:
    for year in (1985, 2000, 2020):
        hits = index.search(text="a river", collection="landsat", datetime=f"{year}-01-01/{year}-12-31", k=100)
        assert len(hits) == hits.matched > 0
        assert {hit.datetime.year for hit in hits} == {year}


def test_undated_and_unplaced_tiles_match_no_date_and_no_place(index: Any) -> None:
    everywhere = index.search(text="x", bbox=(-180, -90, 180, 90), k=10_000)
    always = index.search(text="x", datetime="1900-01-01/..", k=10_000)
    rows = rows_of(index.path)
    assert everywhere.matched == sum(row["footprint"] is not None for row in rows) < len(rows)
    assert always.matched == sum(row["datetime"] is not None for row in rows) < len(rows)
    assert index.search(text="x", k=1).matched == len(rows)


def test_the_command_line_writes_what_other_programs_read(swath: Run, real_index: Path, tmp_path: Path) -> None:
    ask = ("search", "water", "--index", real_index, "--bbox", "-180,-90,180,90", "-k", 12)
    printed = json.loads(swath(*ask, "--json").stdout)
    assert len(printed["hits"]) == 12
    assert printed["matched"] > 12
    for name in ("hits.geojson", "hits.parquet", "hits.csv"):
        swath(*ask, "--format", name.rpartition(".")[2], "--out", tmp_path / name)
    wanted = [hit["tile_id"] for hit in printed["hits"]]
    assert geopandas.read_file(tmp_path / "hits.geojson")["tile_id"].tolist() == wanted
    frame = geopandas.read_parquet(tmp_path / "hits.parquet")
    assert frame["tile_id"].tolist() == wanted
    assert frame.geometry.is_valid.all()
    with (tmp_path / "hits.csv").open(newline="") as lines:
        assert [row["tile_id"] for row in csv.DictReader(lines)] == wanted


def test_the_contact_sheet_is_a_picture_of_the_hits(swath: Run, real_index: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    swath("search", "farmland", "--index", real_index, "--contact-sheet", sheet)
    with Image.open(sheet) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    tile = pixels[12:204, 12:204]
    assert 20 < tile.mean() < 235
    assert tile.std() > 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-k", "0"), "k must be between 1 and 10,000, got 0"),
        (("--bbox", "1,2,3"), "west,south,east,north"),
        (("--near", "40,-3"), "near and radius_km go together"),
        (("--datetime", "soon"), "cannot be read"),
        (("--filter", "cloudy < 1"), "unknown column 'cloudy'"),
        (("--filter", "((("), "parentheses do not match"),
        (("--within", "nowhere.geojson"), "nowhere.geojson"),
        (("--like", "no-such-tile"), "text and like"),
        (("--max-cloud", "200"), "between 0 and 100"),
    ],
)
def test_bad_input_ends_in_one_line_and_exit_code_2(
    swath: Run, real_index: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = swath("search", "water", "--index", real_index, *arguments, code=2)
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_hits_keep_their_order_and_number_for_every_k(index: Any) -> None:
    whole: Hits = index.search(text="a road", k=10_000)
    ids = [hit.tile_id for hit in whole]
    assert len(ids) == whole.matched == len(set(ids))
    for k in (1, 10, 500):
        assert [hit.tile_id for hit in index.search(text="a road", k=k)] == ids[:k]
