"""Sources on real imagery, checked against rasterio's own reading of the files."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rasterio

from core import AmbiguousSensorError, BadScene, Scene
from indexer.sources import SourceOptions, open_source
from tests.integration.real import ROOT


def found(folder: Path, **options: Any) -> list[Scene | BadScene]:
    return list(open_source(str(folder), SourceOptions(**options)).scenes())


def good(folder: Path, **options: Any) -> list[Scene]:
    result = found(folder, **options)
    assert [scene for scene in result if isinstance(scene, BadScene)] == []
    return [scene for scene in result if isinstance(scene, Scene)]


def test_naip_is_dated_by_its_names(real_data: Path) -> None:
    scenes = good(real_data / "landsat_naip" / "naip", sensor="naip", datetime_pattern="%Y%m%d")
    assert len(scenes) == 10
    for scene in scenes:
        assert scene.datetime == datetime.strptime(scene.scene_id[-8:], "%Y%m%d").replace(tzinfo=UTC)
        assert scene.assets[0].bands == ("R", "G", "B", "NIR")
        assert scene.encoding.name == "dn"
        assert scene.collection == "naip"


def test_naip_without_a_sensor_names_the_flag_that_helps(real_data: Path) -> None:
    result = found(real_data / "landsat_naip" / "naip")
    assert len(result) == 10
    for bad in result:
        assert isinstance(bad, BadScene)
        assert isinstance(bad.error, AmbiguousSensorError)
        assert "naip" in bad.error.candidates
        assert "--sensor" in str(bad.error)


def test_landsat_composites_are_read_with_a_sensor_file_of_ones_own(real_data: Path) -> None:
    sensor = ROOT / "docs" / "examples" / "landsat-uint8-composite.toml"
    scenes = good(real_data / "landsat_naip" / "landsat", sensor=str(sensor), datetime_pattern="%Y")
    assert [scene.datetime.year for scene in scenes if scene.datetime] == list(range(1985, 2021, 5))
    for scene in scenes:
        with rasterio.open(scene.href) as dataset:
            assert len(scene.assets[0].bands) == dataset.count == 4


@pytest.mark.parametrize(
    ("folder", "sensor", "count"),
    [("S1RTC", "sentinel-1-rtc/db", 2), ("S2L1C", "sentinel-2-l1c", 13), ("S2L2A", "sentinel-2-l2a", 12)],
)
def test_terramind_sites_are_read_with_the_sensor_named(real_data: Path, folder: str, sensor: str, count: int) -> None:
    scenes = good(real_data / "terramind" / folder, sensor=sensor)
    assert len(scenes) == 5
    for scene in scenes:
        assert scene.sensor.name == sensor.partition("/")[0]
        assert scene.assets[0].indexes == tuple(range(1, count + 1))
        with rasterio.open(scene.href) as dataset:
            tag = dataset.tags().get("datetime")
        assert scene.datetime == (datetime.fromisoformat(tag).replace(tzinfo=UTC) if tag else None)
    assert all(scene.datetime for scene in scenes) == (folder == "S1RTC")


def test_terramind_as_a_whole_reports_what_is_no_picture_of_the_earth_or_unclear(real_data: Path) -> None:
    result = found(real_data / "terramind")
    kinds = Counter((Path(scene.href).parent.name, type(scene).__name__) for scene in result)
    assert kinds == {
        ("LULC", "BadScene"): 5,
        ("S1RTC", "BadScene"): 5,
        ("S2L1C", "BadScene"): 5,
        ("S2L2A", "BadScene"): 5,
        ("S2RGB", "Scene"): 5,
    }


def test_sen1floods11_is_told_by_its_band_names_where_they_tell_it(real_data: Path) -> None:
    result = {Path(scene.href).parent.name: scene for scene in found(real_data / "sen1floods11")}
    optical, radar, label = result["S2"], result["S1"], result["Labels"]
    assert isinstance(optical, Scene)
    assert optical.sensor.name == "sentinel-2-l1c"
    assert optical.datetime is None
    assert isinstance(radar, BadScene)
    assert isinstance(radar.error, AmbiguousSensorError)
    assert {"sentinel-1-grd/db", "sentinel-1-rtc/db"} <= set(radar.error.candidates)
    assert isinstance(label, BadScene)


def test_aid_validation_pictures_come_with_labels_and_captions(real_data: Path) -> None:
    lines = (real_data / "aid_rsicd" / "captions.jsonl").read_text().splitlines()
    records = [record for line in lines if (record := json.loads(line))["split"] == "val"]
    scenes = good(real_data / "aid_rsicd", split="val")
    assert len(scenes) == len(records) == 869
    assert len({scene.label for scene in scenes}) == 30
    for scene, record in zip(scenes, records, strict=True):
        assert scene.href == str(real_data / "aid_rsicd" / record["image"])
        assert scene.label == record["label"]
        assert list(scene.captions) == record["captions"]
        assert not scene.georeferenced
        assert scene.sensor.name == "rgb"


def test_radar_chips_are_gray_pictures_of_their_class(real_data: Path) -> None:
    scenes = good(real_data / "dsn_sar" / "slc_TSX")
    assert len(scenes) == 1613
    assert {scene.sensor.name for scene in scenes} == {"panchromatic"}
    assert {scene.label for scene in scenes} == {path.name for path in (real_data / "dsn_sar" / "slc_TSX").iterdir()}


def test_colour_tiffs_are_read_with_and_without_their_place(real_data: Path) -> None:
    with_place, without = good(real_data / "rsvqa"), good(real_data / "rsvqa", pictures=True)
    assert len(with_place) == len(without) == 24
    assert {(scene.sensor.name, scene.georeferenced) for scene in with_place} == {("rgb", True)}
    assert {(scene.sensor.name, scene.georeferenced) for scene in without} == {("rgb", False)}
