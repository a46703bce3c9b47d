from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core import BadScene, Scene, Settings, SourceError
from indexer.sources import SourceOptions, open_source
from tests.unit.indexer.sources.samples import found, only_bad, scenes, write_picture, write_tif


def write_captions(folder: Path, *records: dict[str, Any] | str) -> None:
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    (folder / "captions.jsonl").write_text("\n".join(lines) + "\n")


def test_a_picture_has_no_place_and_takes_its_label_from_its_folder(tmp_path: Path) -> None:
    for name in ("top.jpg", "Forest/a.jpg", "images/Port/b.png", "images/c.jpeg"):
        write_picture(tmp_path / name)
    result = {scene.scene_id: scene for scene in scenes(tmp_path)}
    labels = {name: scene.label for name, scene in result.items()}
    assert labels == {"Forest.a": "Forest", "images.Port.b": "Port", "images.c": None, "top": None}
    for scene in result.values():
        assert not scene.georeferenced
        assert scene.sensor.name == "rgb"
        assert scene.datetime is None
        assert scene.captions == ()


def test_captions_and_labels_come_from_the_file_beside_the_pictures(tmp_path: Path) -> None:
    for name in ("x/a.jpg", "x/b.jpg", "x/c.jpg"):
        write_picture(tmp_path / name)
    write_captions(
        tmp_path,
        {"image": "x/a.jpg", "label": "Port", "split": "val", "captions": ["a ship .", " two ships . ", ""]},
        {"file_name": "./x/b.jpg", "text": "a field"},
        {"file_name": "x/b.jpg", "text": "a green field"},
    )
    first, second, third = scenes(tmp_path)
    assert (first.label, first.captions) == ("Port", ("a ship .", "two ships ."))
    assert (second.label, second.captions) == ("x", ("a field", "a green field"))
    assert (third.label, third.captions) == ("x", ())


def test_a_split_selects_its_records_only(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        write_picture(tmp_path / name)
    write_captions(tmp_path, {"image": "b.jpg", "split": "val"}, {"image": "a.jpg", "split": "train"})
    assert [scene.scene_id for scene in scenes(tmp_path, split="val")] == ["b"]
    with pytest.raises(SourceError, match="known: train, val"):
        open_source(str(tmp_path), SourceOptions(split="test"))


def test_a_split_without_captions_is_refused(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    with pytest.raises(SourceError, match="known: none"):
        open_source(str(tmp_path), SourceOptions(split="val"))


def test_reports_wrong_lines_and_pictures_that_are_missing(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    write_captions(
        tmp_path,
        "{no json",
        '"text"',
        {"label": "Port"},
        {"image": "../secret.jpg"},
        {"image": "/etc/passwd"},
        {"image": "a.jpg", "captions": [1]},
        {"image": "a.jpg", "label": 3},
        "",
        {"image": "gone.jpg", "split": "val"},
    )
    result = found(tmp_path)
    bad = {scene.href: str(scene.error) for scene in result if isinstance(scene, BadScene)}
    lines = {href.partition(":")[2]: reason for href, reason in bad.items() if ":" in href}
    assert sorted(lines) == ["1", "2", "3", "4", "5", "6", "7"]
    assert "not JSON" in lines["1"]
    assert "outside the folder" in lines["4"]
    assert "outside the folder" in lines["5"]
    assert bad[str(tmp_path / "gone.jpg")].startswith("cannot be read: No such file")
    assert [scene.scene_id for scene in result if isinstance(scene, Scene)] == ["a"]
    assert [type(scene) for scene in found(tmp_path, split="val")] == [BadScene] * 8


def test_refuses_captions_that_are_too_large_or_no_text(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    write_captions(tmp_path, {"image": "a.jpg"})
    with pytest.raises(SourceError, match="SWATH_MAX_METADATA_BYTES"):
        found(tmp_path, settings=Settings(max_metadata_bytes=5))
    (tmp_path / "captions.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="UTF-8"):
        found(tmp_path)


@pytest.mark.parametrize(
    ("name", "mode", "sensor", "indexes"),
    [
        ("a.jpg", "RGB", "rgb", (1, 2, 3)),
        ("a.png", "RGBA", "rgb", (1, 2, 3)),
        ("a.jpg", "L", "panchromatic", (1,)),
        ("a.png", "LA", "panchromatic", (1,)),
        ("a.jpg", "CMYK", "rgb", (1, 2, 3)),
    ],
)
def test_reads_the_usual_kinds_of_picture(
    tmp_path: Path, name: str, mode: str, sensor: str, indexes: tuple[int, ...]
) -> None:
    (scene,) = scenes(write_picture(tmp_path / name, mode))
    assert (scene.sensor.name, scene.assets[0].indexes) == (sensor, indexes)


def test_refuses_a_palette_whose_numbers_are_no_brightness(tmp_path: Path) -> None:
    Image.new("P", (8, 8)).save(tmp_path / "a.png")
    assert "palette" in only_bad(tmp_path / "a.png")


def test_reads_tiff_as_pictures_only_on_request(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    write_tif(tmp_path / "b.tif", names=(None,) * 3, dtype="uint8", crs=None, photometric="RGB")
    write_tif(tmp_path / "c.tif", names=(None,) * 4, dtype="uint8", crs=None, photometric="MINISBLACK")
    jpeg, rgb, four = found(tmp_path, pictures=True)
    assert isinstance(jpeg, Scene)
    assert isinstance(rgb, Scene)
    assert not rgb.georeferenced
    assert isinstance(four, BadScene)
    assert "--sensor" in str(four.error)
    assert scenes(tmp_path / "c.tif", pictures=True, sensor="naip")[0].assets[0].bands == ("R", "G", "B", "NIR")


@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_reports_truncated_and_empty_pictures(tmp_path: Path, name: str) -> None:
    path = write_picture(tmp_path / name, size=128)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is truncated" in only_bad(path)
    path.write_bytes(b"")
    assert only_bad(path) == "is empty (0 bytes)"


def test_reads_a_picture_whose_ending_lies_about_its_format(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg").rename(tmp_path / "a.png")
    assert scenes(tmp_path)[0].sensor.name == "rgb"


def test_refuses_pictures_beyond_the_cap_before_decoding_them(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", size=64)
    assert "SWATH_MAX_PICTURE_PIXELS" in only_bad(path, settings=Settings(max_picture_pixels=64))


def test_dates_pictures_by_their_names(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "site_2020-06-01.jpg")
    assert scenes(path)[0].datetime is None
    assert scenes(path, datetime_pattern="%Y-%m-%d")[0].datetime == datetime(2020, 6, 1, tzinfo=UTC)


def test_the_fingerprint_follows_label_and_captions(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    prints = set()
    for record in ({"label": "x"}, {"label": "y"}, {"label": "y", "captions": ["z"]}):
        write_captions(tmp_path, {"image": "a.jpg", **record})
        prints.add(scenes(tmp_path)[0].fingerprint)
    assert len(prints) == 3
