"""Every kind of bad input gives one clear line, the right exit code, and no traceback."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from tests.integration.real import Run, rows_of


def write_scene(
    path: Path, *, bands: int = 3, dtype: str = "uint8", fill: str = "noise", crs: str | None = "EPSG:32632"
) -> Path:
    """A 300 x 260 GeoTIFF that declares red, green and blue where it has three bands."""
    rng = np.random.default_rng(1)
    pixels = {"noise": rng.integers(1, 255, (bands, 260, 300)), "zero": np.zeros((bands, 260, 300))}.get(
        fill, np.full((bands, 260, 300), np.nan)
    )
    profile = {"driver": "GTiff", "width": 300, "height": 260, "count": bands, "dtype": dtype, "tiled": True}
    place = {"crs": crs, "transform": from_origin(500_000, 4_900_000, 10, 10)} if crs else {}
    with rasterio.open(path, "w", **profile, **place, nodata=0 if dtype == "uint8" else None) as dataset:
        dataset.write(pixels.astype(dtype))
        if bands == 3:
            dataset.colorinterp = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    return path


@pytest.fixture(scope="module")
def small_index(tmp_path_factory: pytest.TempPathFactory, swath: Run) -> Path:
    folder = tmp_path_factory.mktemp("small")
    (folder / "scenes").mkdir()
    write_scene(folder / "scenes" / "one.tif")
    swath("index", folder / "scenes", "--into", folder / "index")
    return folder / "index"


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    return lines[0]


SEARCHES = {
    "k of zero": (["river", "-k", "0"], "got 0"),
    "k too large": (["river", "-k", "10001"], "10,000"),
    "k not a number": (["river", "-k", "many"], "integer"),
    "no query": ([], "text"),
    "two queries": (["river", "--like", "x"], "text"),
    "empty text": (["  "], "text"),
    "bbox of three": (["river", "--bbox", "1,2,3"], "west,south,east,north"),
    "bbox of words": (["river", "--bbox", "a,b,c,d"], "west,south,east,north"),
    "bbox of nan": (["river", "--bbox", "nan,0,1,1"], "finite"),
    "bbox upside down": (["river", "--bbox", "0,10,1,5"], "south > north"),
    "datetime of words": (["river", "--datetime", "last summer"], "RFC 3339"),
    "datetime backwards": (["river", "--datetime", "2021-01-01/2020-01-01"], "starts after it ends"),
    "datetime without zone": (["river", "--datetime", "2021-01-01T00:00:00"], "time zone"),
    "cql2 that does not parse": (["river", "--filter", "cloud <"], "CQL2"),
    "cql2 of an unknown column": (["river", "--filter", "colour = 'red'"], "colour"),
    "cql2 that compares a number with a word": (["river", "--filter", "cloud < 'much'"], "cloud"),
    "cql2 as json that is none": (["river", "--filter", '{"op":'], "CQL2"),
    "area that is missing": (["river", "--within", "no-such.geojson"], "no-such.geojson"),
    "area that is a point": (["river", "--within", '{"type":"Point","coordinates":[1,2]}'], "Polygon"),
    "near without radius": (["river", "--near", "1,2"], "radius"),
    "radius without near": (["river", "--radius", "2"], "near"),
    "near off the globe": (["river", "--near", "91,2", "--radius", "2"], "91"),
    "cell that is none": (["river", "--h3", "zzz"], "H3"),
    "cloud over a hundred": (["river", "--max-cloud", "101"], "101"),
    "tile that is not there": (["--like", "no~such~tile"], "no~such~tile"),
    "picture that is missing": (["--image", "no-such.jpg"], "no-such.jpg"),
    "picture that is text": (["--image", __file__], "picture"),
    "unknown sensor": (["river", "--sensor", "sentinel-9"], "sentinel-9"),
    "unknown collection": (["river", "--collection", "nowhere"], "nowhere"),
    "unknown option": (["river", "--colour", "red"], "--colour"),
    "unknown format": (["river", "--format", "xml"], "xml"),
    "parquet to the terminal": (["river", "--format", "parquet"], "--out"),
    "contact sheet of another kind": (["river", "--contact-sheet", "sheet.txt"], ".png"),
    "contact sheet into no folder": (["river", "--contact-sheet", "no/such/x.png"], "does not exist"),
    "list as a value": (["river", "--filter", "captions = 'x'"], "list"),
    "output into no folder": (["river", "--out", "no/such/folder/x.csv"], "does not exist"),
}


@pytest.mark.parametrize("case", SEARCHES)
def test_bad_search_says_what_would_work(case: str, small_index: Path, swath: Run) -> None:
    arguments, expected = SEARCHES[case]
    assert expected in complaint(swath("search", *arguments, "--index", small_index, code=2))


@pytest.mark.parametrize("command", ["info", "search river", "remove --scene x", "compact"])
def test_a_directory_that_is_no_index(command: str, tmp_path: Path, swath: Run) -> None:
    line = complaint(swath(*command.split(), "--index", tmp_path / "nothing", code=2))
    assert "nothing" in line
    assert "swath index" in line
    (tmp_path / "file.txt").write_text("not an index")
    assert str(tmp_path) in complaint(swath(*command.split(), "--index", tmp_path, code=2))


INDEXES = {
    "source that is missing": (["no-such-folder"], "no-such-folder"),
    "host that is not allowed": (["https://internal.example/scene.tif"], "SWATH_ALLOWED_HOSTS"),
    "tile size of zero": (["{scenes}", "--tile-size", "0"], "tile"),
    "overlap of one": (["{scenes}", "--overlap", "1"], "overlap"),
    "gsd below zero": (["{scenes}", "--gsd", "-10"], "gsd"),
    "workers of zero": (["{scenes}", "--workers", "0"], "workers"),
    "unknown sensor": (["{scenes}", "--sensor", "sentinel-9"], "known"),
    "sensor file that is missing": (["{scenes}", "--sensor", "./none.toml"], "none.toml"),
    "unknown encoder": (["{scenes}", "--encoder", "clap"], "swath-mini"),
    "pattern without a year": (["{scenes}", "--datetime-pattern", "%m%d"], "year"),
    "collection with a slash": (["{scenes}", "--collection", "a/b"], "a/b"),
}


@pytest.mark.parametrize("case", INDEXES)
def test_bad_ingest_says_what_would_work(case: str, tmp_path: Path, swath: Run) -> None:
    arguments, expected = INDEXES[case]
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    write_scene(scenes / "one.tif")
    filled = [argument.format(scenes=scenes) for argument in arguments]
    assert expected in complaint(swath("index", *filled, "--into", tmp_path / "index", code=2))
    assert not (tmp_path / "index" / "tiles.lance").exists()


def test_an_empty_folder_is_an_error_not_an_empty_index(tmp_path: Path, swath: Run) -> None:
    (tmp_path / "scenes").mkdir()
    assert ".tif" in complaint(swath("index", tmp_path / "scenes", "--into", tmp_path / "index", code=2))


def test_bad_scenes_are_reported_and_counted_and_the_rest_goes_on(tmp_path: Path, swath: Run) -> None:
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    whole = write_scene(scenes / "good.tif")
    (scenes / "empty.tif").touch()
    (scenes / "text.tif").write_text("this is not a picture")
    (scenes / "truncated.tif").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    write_scene(scenes / "nowhere.tif", crs=None)
    write_scene(scenes / "black.tif", fill="zero")
    write_scene(scenes / "nan.tif", dtype="float32", fill="nan")
    write_scene(scenes / "five.tif", bands=5)
    (scenes / "sub").mkdir()
    done = swath("index", scenes, "--into", tmp_path / "index", "--json", code=3)
    report = json.loads(done.stdout)
    reasons = {Path(failure["href"]).name: failure["reason"] for failure in report["failures"]}
    assert set(reasons) == {"empty.tif", "text.tif", "truncated.tif", "nowhere.tif", "black.tif", "nan.tif", "five.tif"}
    assert "--pictures" in reasons["nowhere.tif"]
    assert "valid" in reasons["black.tif"]
    assert all("\n" not in reason and "Traceback" not in reason for reason in reasons.values())
    assert {Path(row["href"]).name for row in rows_of(tmp_path / "index")} == {"good.tif"}


def test_wrong_band_count_names_both(tmp_path: Path, swath: Run) -> None:
    write_scene(tmp_path / "five.tif", bands=5)
    done = swath("index", tmp_path, "--sensor", "naip", "--into", tmp_path / "index", "--json", code=3)
    reason = json.loads(done.stdout)["failures"][0]["reason"]
    assert "5" in reason
    assert "4" in reason


def test_pictures_flag_takes_rasters_without_a_crs(tmp_path: Path, swath: Run) -> None:
    write_scene(tmp_path / "nowhere.tif", crs=None)
    swath("index", tmp_path, "--pictures", "--into", tmp_path / "index")
    assert [row["footprint"] for row in rows_of(tmp_path / "index")] == [None]


def test_the_same_scene_twice_is_one_scene(tmp_path: Path, swath: Run) -> None:
    (tmp_path / "scenes").mkdir()
    path = write_scene(tmp_path / "scenes" / "one.tif")
    done = swath("index", path, tmp_path / "scenes", "--into", tmp_path / "index", "--json")
    report = json.loads(done.stdout)
    assert (report["scenes_indexed"], report["scenes_skipped"]) == (1, 1)
    ids = [row["tile_id"] for row in rows_of(tmp_path / "index")]
    assert len(ids) == len(set(ids)) == report["tiles_written"]


def test_two_files_that_claim_to_be_one_scene_are_reported(tmp_path: Path, swath: Run) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_scene(tmp_path / folder / "one.tif")
    options = ("--collection", "same", "--into", tmp_path / "index", "--json")
    done = swath("index", tmp_path / "a", tmp_path / "b", *options, code=3)
    failure = json.loads(done.stdout)["failures"][0]
    assert failure["href"] == str(tmp_path / "b" / "one.tif")
    assert str(tmp_path / "a" / "one.tif") in failure["reason"]


def test_nan_pixels_are_masked_not_embedded(tmp_path: Path, swath: Run) -> None:
    path = write_scene(tmp_path / "half.tif", bands=2, dtype="float32")
    with rasterio.open(path, "r+") as dataset:
        pixels = dataset.read() / 255
        pixels[:, :, :112] = np.nan
        dataset.write(pixels)
    swath("index", path, "--sensor", "sentinel-1-rtc/linear", "--into", tmp_path / "index")
    first = min(rows_of(tmp_path / "index"), key=lambda row: row["col_off"] + row["row_off"])
    assert first["valid"] == pytest.approx(0.5)
    assert np.isfinite(np.array(first["vector"], dtype=float)).all()


def test_another_encoder_is_refused_with_both_names(small_index: Path, swath: Run, tmp_path: Path) -> None:
    import lancedb
    import pyarrow as pa

    other = tmp_path / "other"
    subprocess.run(["cp", "-r", small_index, other], check=True)
    table = lancedb.connect(other).open_table("tiles")
    metadata = {k.decode(): v.decode().replace("swath-mini", "clip-maxi") for k, v in table.schema.metadata.items()}
    lancedb.connect(other).create_table(
        "tiles", table.to_arrow().replace_schema_metadata(metadata), mode="overwrite", schema=None
    )
    assert isinstance(table.schema, pa.Schema)
    write_scene(tmp_path / "two.tif")
    line = complaint(swath("index", tmp_path / "two.tif", "--into", other, "--encoder", "swath-mini", code=2))
    assert "clip-maxi" in line
    assert "swath-mini" in line


def test_a_full_disk_is_one_line_and_leaves_the_index_searchable(tmp_path: Path, swath: Run) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small disk can be mounted only with administrator rights")
    try:
        write_scene(tmp_path / "one.tif")
        swath("index", tmp_path / "one.tif", "--into", disk / "index")
        (disk / "filler").write_bytes(bytes(shutil.disk_usage(disk).free - 8192))
        write_scene(tmp_path / "two.tif")
        done = swath("index", tmp_path / "two.tif", "--into", disk / "index", code=1)
        assert "space" in complaint(done)
        assert json.loads(swath("search", "river", "--index", disk / "index", "--json").stdout)["matched"] == 3
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_senseless_setting_is_one_line(small_index: Path, swath: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_HTTP_TIMEOUT_S", "-1")
    line = complaint(swath("index", small_index, "--into", small_index, code=2))
    assert "SWATH_HTTP_TIMEOUT_S" in line
