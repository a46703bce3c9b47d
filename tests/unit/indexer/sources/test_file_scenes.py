from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rasterio
from rasterio.shutil import copy

from core import AmbiguousSensorError, BadScene, InputError, Offset, Scene, SceneError, Settings
from indexer._gdal import open_raster
from indexer.sources._names import local_stamp
from tests.unit.indexer.sources.samples import found, only_bad, scenes, write_picture, write_tif

DAY = datetime(2021, 7, 23, 13, 22, 41, tzinfo=UTC)


def ids(text: str | Path, **options: object) -> list[str]:
    return [scene.scene_id for scene in scenes(text, **options)]


def test_names_scenes_by_their_path_below_the_source(tmp_path: Path) -> None:
    for name in ("2021/june/a.tif", "2021/b c.tiff", "c.jp2.tif"):
        write_tif(tmp_path / name)
    assert ids(tmp_path) == ["2021.b_c", "2021.june.a", "c.jp2"]
    assert ids(f"{tmp_path}/2021/*/*.tif") == ["june.a"]
    assert ids(tmp_path / "2021" / "b c.tiff") == ["b_c"]


def test_keeps_names_of_other_scripts_apart(tmp_path: Path) -> None:
    write_tif(tmp_path / "河.tif")
    write_tif(tmp_path / "山.tif")
    assert len(set(ids(tmp_path))) == 2


def test_reports_a_name_that_no_index_could_hold(tmp_path: Path) -> None:
    write_tif(tmp_path / "a.tif").rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.tif"))
    (bad,) = found(tmp_path)
    assert isinstance(bad, BadScene)
    assert "not UTF-8" in str(bad.error)
    assert bad.href.encode("utf-8").endswith(rb"caf\xe9.tif")


def test_takes_the_collection_from_the_folder_or_the_caller(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "my archive" / "a.tif")
    assert [scenes(text)[0].collection for text in (path.parent, path, f"{path.parent}/*.tif")] == ["my_archive"] * 3
    assert scenes(path, collection="mine")[0].collection == "mine"


def test_refuses_a_collection_name_it_could_not_keep(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif")
    with pytest.raises(InputError, match="'x/ö' may hold only"):
        scenes(path, collection="x/ö")


def test_reports_names_that_collide(tmp_path: Path) -> None:
    write_tif(tmp_path / "a" / "b.tif")
    write_tif(tmp_path / "a.b.tif")
    first, second = found(tmp_path)
    assert not isinstance(first, BadScene)
    assert isinstance(second, BadScene)
    assert "duplicate scene 'a.b'" in str(second.error)
    assert first.href in str(second.error)


def test_skips_hidden_files_and_sidecars(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", size=64)
    for name in (".hidden/a.tif", ".a.tif"):
        write_tif(tmp_path / name)
    for name in ("a.tif.aux.xml", "a.tfw"):
        (tmp_path / name).write_bytes(b"x")
    for name in ("a.tif.ovr", "a.tif.msk"):  # GDAL opens these beside a raster: anything but a TIFF is refused
        (tmp_path / name).write_bytes(path.read_bytes())
    assert [scene.href for scene in scenes(tmp_path)] == [str(path)]


def test_follows_links_to_folders_once(tmp_path: Path) -> None:
    write_tif(tmp_path / "real" / "a.tif")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "archive" / "loop").symlink_to(tmp_path / "archive")
    (tmp_path / "archive" / "self.tif").symlink_to(tmp_path / "archive" / "self.tif")
    good, bad = found(tmp_path / "archive")
    assert not isinstance(good, BadScene)
    assert good.scene_id == "linked.a"
    assert isinstance(bad, BadScene)
    assert "cannot be read" in str(bad.error)


def test_reports_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tif(tmp_path / "a.tif")
    write_tif(tmp_path / "locked" / "b.tif")
    scandir = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    _, bad = found(tmp_path)
    assert isinstance(bad, BadScene)
    assert str(bad.error) == "folder cannot be listed: Permission denied"


def test_gives_one_clear_reason_for_each_damage(tmp_path: Path) -> None:
    whole = write_tif(tmp_path / "ok" / "a.tif", size=256).read_bytes()
    damaged = {
        "empty": (b"", "is empty (0 bytes)"),
        "text": (b"hello, this is no image\n" * 9, "is not a GeoTIFF, COG, JPEG 2000, PNG or JPEG file"),
        "header": (whole[:100], "cannot be read"),
        "tail": (whole[:-1000], "is truncated"),
    }
    for name, (content, reason) in damaged.items():
        path = tmp_path / f"{name}.tif"
        path.write_bytes(content)
        text = only_bad(path)
        assert text.startswith(reason)
        assert "\n" not in text
        assert str(path) not in text


def test_reports_a_file_that_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    assert only_bad(tmp_path) == "is not a regular file"


def test_refuses_a_virtual_raster_in_disguise(tmp_path: Path) -> None:
    secret = write_tif(tmp_path / "secret.tif")
    copy(secret, tmp_path / "mosaic.vrt", driver="VRT")
    (tmp_path / "mosaic.vrt").rename(tmp_path / "innocent.tif")
    assert only_bad(tmp_path / "innocent.tif").startswith("is not a GeoTIFF")


def test_refuses_gdal_virtual_paths() -> None:
    with pytest.raises(SceneError, match="virtual path"):
        open_raster("/vsicurl/https://example.com/a.tif")
    with pytest.raises(SceneError, match="unsupported scheme gs://"):
        open_raster("gs://bucket/a.tif")


def test_reports_rasters_without_a_place(tmp_path: Path) -> None:
    assert only_bad(write_tif(tmp_path / "a.tif", crs=None)) == (
        "has no CRS; pass --pictures to index it as a plain picture"
    )
    path = write_tif(tmp_path / "b.tif", crs=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.crs = "EPSG:4326"
    assert "no geotransform" in only_bad(path)
    points = [rasterio.control.GroundControlPoint(row, col, col, row) for row in (0, 9) for col in (0, 9)]
    path = write_tif(tmp_path / "c.tif", crs=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = points, rasterio.crs.CRS.from_epsg(4326)
    assert "ground control points" in only_bad(path)


def test_refuses_scenes_beyond_the_cap(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif")
    assert "SWATH_MAX_SCENE_PIXELS" in only_bad(path, settings=Settings(max_scene_pixels=100))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({"TIFFTAG_DATETIME": "2021:07:23 13:22:41"}, DAY),
        ({"datetime": "2021-07-23T13:22:41.000000000"}, DAY),
        ({"datetime": "2021-07-23T15:22:41+02:00", "TIFFTAG_DATETIME": "2022:01:01 00:00:00"}, DAY),
        ({"TIFFTAG_DATETIME": "0000:00:00 00:00:00"}, None),
        ({"datetime": "last summer"}, None),
    ],
)
def test_reads_dates_from_tags_and_leaves_the_rest_empty(
    tmp_path: Path, tags: dict[str, str], expected: datetime | None
) -> None:
    (scene,) = scenes(write_tif(tmp_path / "a_20200101.tif", tags=tags))
    assert scene.datetime == expected


def test_prefers_the_acquisition_date_over_the_date_of_the_file(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", tags={"TIFFTAG_DATETIME": "2024:01:01 00:00:00"})
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(ns="IMAGERY", ACQUISITIONDATETIME="2021-07-23 13:22:41")
    assert scenes(path)[0].datetime == DAY


def test_a_name_pattern_decides_alone(tmp_path: Path) -> None:
    tags = {"TIFFTAG_DATETIME": "2024:01:01 00:00:00"}
    for name in ("x_20210723", "undated", "20210101_20220202"):
        write_tif(tmp_path / f"{name}.tif", tags=tags)
    several, undated, dated = found(tmp_path, datetime_pattern="%Y%m%d")
    assert isinstance(several, BadScene)
    assert "several dates" in str(several.error)
    assert not isinstance(undated, BadScene)
    assert not isinstance(dated, BadScene)
    assert (undated.datetime, dated.datetime) == (None, datetime(2021, 7, 23, tzinfo=UTC))


def test_detects_or_obeys_and_never_guesses_the_sensor(tmp_path: Path) -> None:
    named = write_tif(tmp_path / "named.tif")
    radar = write_tif(tmp_path / "radar.tif", names=("VV", "VH"), dtype="float32")
    three = write_tif(tmp_path / "three.tif", names=(None, None, None))
    assert scenes(named)[0].sensor.name == "sentinel-2-l2a"
    (bad,) = found(radar)
    assert isinstance(bad, BadScene)
    assert isinstance(bad.error, AmbiguousSensorError)
    assert "sentinel-1-rtc/db" in bad.error.candidates
    (scene,) = scenes(radar, sensor="sentinel-1-rtc/db")
    assert (scene.sensor.name, scene.encoding.name) == ("sentinel-1-rtc", "db")
    assert scene.assets[0].bands == ("VV", "VH")
    assert "3 bands" in only_bad(three, sensor="sentinel-2-l2a")


def test_leaves_transparency_out_of_the_bands(tmp_path: Path) -> None:
    names = ("red", "green", "blue", None)
    path = write_tif(tmp_path / "a.tif", names=names, dtype="uint8", photometric="RGB", alpha="YES")
    (scene,) = scenes(path)
    assert scene.sensor.name == "rgb"
    assert scene.assets[0].indexes == (1, 2, 3)


def test_takes_an_offset_from_the_product_and_names_its_origin(tmp_path: Path) -> None:
    plain = write_tif(tmp_path / "plain.tif")
    product = write_tif(tmp_path / "product.tif", tags={"PROCESSING_BASELINE": "04.00"})
    early = write_tif(tmp_path / "early.tif", tags={"PROCESSING_BASELINE": "02.14"})
    assert scenes(plain)[0].offset == Offset()
    assert scenes(product)[0].offset == Offset(value=-1000, origin="tag:PROCESSING_BASELINE")
    assert scenes(early)[0].offset == Offset(value=0, origin="tag:PROCESSING_BASELINE")
    with rasterio.open(plain, "r+") as dataset:
        dataset.scales, dataset.offsets = [1e-4] * 12, [-0.1] * 12
    assert scenes(plain)[0].offset == Offset(value=-1000, origin="tag:offset")
    with rasterio.open(plain, "r+") as dataset:
        dataset.scales = [0.5] * 12
    assert "has scale 0.5" in only_bad(plain)


def test_the_fingerprint_follows_the_file_and_how_it_is_read(tmp_path: Path) -> None:
    path = write_tif(tmp_path / "a.tif", names=("VV", "VH"), dtype="float32")

    def fingerprint(sensor: str = "sentinel-1-rtc/db", **options: str) -> str:
        return scenes(path, sensor=sensor, **options)[0].fingerprint

    first = fingerprint()
    assert fingerprint() == first
    assert fingerprint("sentinel-1-rtc/linear") != first
    os.utime(path, ns=(1, 1))
    touched = fingerprint()
    assert touched != first
    path.rename(tmp_path / "b.tif")
    path = tmp_path / "b.tif"
    assert fingerprint() not in (first, touched)


def test_pictures_beside_rasters_are_counted_in_one_line(tmp_path: Path) -> None:
    write_tif(tmp_path / "scene.tif")
    for name in ("a.jpg", "below/b.PNG", "z.jpeg"):
        write_picture(tmp_path / name)
    scene, bad = found(tmp_path)
    assert isinstance(scene, Scene)
    assert isinstance(bad, BadScene)
    assert bad.href == str(tmp_path)
    assert str(bad.error).startswith("3 pictures beside rasters left out; index them by a glob")
    assert ids(f"{tmp_path}/**/*.tif") == ["scene"]
    assert ids(f"{tmp_path}/**/*.jpg", sensor="rgb") == ["a"]


def test_a_date_beyond_the_calendar_makes_one_bad_scene_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_tif(tmp_path / "a.tif")
    write_tif(tmp_path / "b.tif", tags={"datetime": "0001-01-01T00:00:00+05:00"})
    write_tif(tmp_path / "c.tif", tags={"datetime": "9999-12-31T23:59:59-05:00"})
    write_tif(tmp_path / "d.tif")
    reasons = [str(scene.error) if isinstance(scene, BadScene) else scene.scene_id for scene in found(tmp_path)]
    assert (reasons[0], reasons[3]) == ("a", "d")
    assert all("outside the years 1 to 9999" in reason for reason in reasons[1:3])


@pytest.mark.parametrize("kind", ["_files", "_pictures"])
def test_whatever_one_file_makes_a_library_raise_the_next_one_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def stamp(path: Path) -> object:
        if path.stem == "b":
            raise RuntimeError("tripped\nover it")
        return local_stamp(path)

    monkeypatch.setattr(f"indexer.sources.{kind}.local_stamp", stamp)
    for name in "abc":
        write_tif(tmp_path / f"{name}.tif", names=("gray",), dtype="uint8")
    first, bad, last = found(tmp_path, sensor="panchromatic", pictures=kind == "_pictures")
    assert isinstance(first, Scene)
    assert isinstance(last, Scene)
    assert isinstance(bad, BadScene)
    assert str(bad.error) == "cannot be described: RuntimeError: tripped over it"
