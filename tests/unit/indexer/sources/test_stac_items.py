from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core import AmbiguousSensorError, BadScene, CloudMask, Offset, Scene, SensorError
from tests.unit.indexer.sources.samples import (
    L2A,
    band_asset,
    found,
    item,
    only_bad,
    scenes,
    stack_asset,
    write_json,
    write_tif,
)


@pytest.fixture(autouse=True)
def rasters(tmp_path: Path) -> None:
    """Items are described completely, so that most tests only need the files to be there."""
    for name in ("a", "b", "c", "scl", "qa"):
        (tmp_path / f"{name}.tif").write_bytes(b"not opened")


def one(tmp_path: Path, entry: dict[str, Any], **options: Any) -> Scene:
    (scene,) = scenes(write_json(tmp_path / "item.json", entry), **options)
    return scene


def bad(tmp_path: Path, entry: dict[str, Any], **options: Any) -> str:
    return only_bad(write_json(tmp_path / "item.json", entry), **options)


def bands(scene: Scene) -> list[tuple[str, tuple[str, ...], tuple[int, ...]]]:
    return [(Path(asset.href).name, asset.bands, asset.indexes) for asset in scene.assets]


def test_reads_identity_place_in_the_archive_and_date(tmp_path: Path) -> None:
    percent: Any = 12.5
    entry = item("S2A T30/x", {"B04": band_asset("./a.tif", "B04")}, **{"eo:cloud_cover": percent})
    scene = one(tmp_path, entry)
    assert scene.scene_id == "S2A_T30.x"
    assert scene.collection == "sentinel-2-l2a"
    assert scene.href == str(tmp_path / "item.json")
    assert scene.assets[0].href == str(tmp_path / "a.tif")
    assert scene.datetime == datetime(2023, 5, 1, 10, tzinfo=UTC)
    assert scene.cloud == 0.125
    assert scene.cloud_mask is None
    assert one(tmp_path, entry, collection="mine").collection == "mine"


@pytest.mark.parametrize(
    "asset",
    [
        {"bands": [{"name": "B04", "data_type": "uint16"}, {"name": "B08", "data_type": "uint16"}]},
        {"data_type": "uint16", "bands": [{"eo:common_name": "red"}, {"eo:common_name": "nir"}]},
        {"eo:bands": [{"name": "B04"}, {"name": "B08"}], "raster:bands": [{"data_type": "uint16"}] * 2},
        {"eo:bands": [{"common_name": "red"}, {"common_name": "nir"}], "raster:bands": [{"data_type": "uint16"}] * 2},
    ],
)
def test_understands_bands_in_new_and_old_words(tmp_path: Path, asset: dict[str, Any]) -> None:
    entry = item("a", {"image": {"href": "a.tif", "type": "image/tiff", **asset}})
    assert bands(one(tmp_path, entry)) == [("a.tif", ("B04", "B08"), (1, 2))]


def test_takes_the_key_of_an_asset_for_the_name_of_its_one_band(tmp_path: Path) -> None:
    bare = {"type": "image/tiff", "raster:bands": [{"data_type": "float32"}]}
    entry = item("a", {"vv": {"href": "a.tif", **bare}, "vh": {"href": "b.tif", **bare}}, collection="sentinel-1-rtc")
    scene = one(tmp_path, entry)
    assert (scene.sensor.name, scene.encoding.name) == ("sentinel-1-rtc", "linear")
    assert bands(scene) == [("a.tif", ("VV",), (1,)), ("b.tif", ("VH",), (1,))]


def test_leaves_out_what_is_not_the_measurement(tmp_path: Path) -> None:
    entry = item(
        "a",
        {
            "thumbnail": {"href": "t.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
            "visual": stack_asset("v.tif", ("red", "green", "blue")),
            "overview": band_asset("o.tif", "B04") | {"roles": ["overview"]},
            "scl": band_asset("scl.tif", "SCL"),
            "aot": band_asset("c.tif", "aot"),
            "red-jp2": band_asset("a.jp2", "B04") | {"type": "image/jp2"},
            "red-60m": band_asset("b.tif", "B04") | {"gsd": 60},
            "red-20m": band_asset("b.tif", "B04", spatial_resolution=20),
            "red-unknown": band_asset("b.tif", "B04"),
            "red": band_asset("a.tif", "B04") | {"gsd": 10},
            "metadata": {"href": "m.xml", "type": "application/xml", "roles": ["metadata"]},
        },
    )
    assert bands(one(tmp_path, entry)) == [("a.tif", ("B04",), (1,))]


def test_finds_named_bands_within_a_stack_that_holds_more(tmp_path: Path) -> None:
    entry = item("a", {"data": stack_asset("a.tif", ("mask", "B08", "B04"))})
    assert bands(one(tmp_path, entry)) == [("a.tif", ("B04", "B08"), (3, 2))]


def test_a_picture_for_the_eye_is_read_where_there_is_nothing_else(tmp_path: Path) -> None:
    stack = {**stack_asset("a.tif", ("red", "green", "blue")), "data_type": "uint8"}
    assert one(tmp_path, item("a", {"visual": stack}, collection=None)).sensor.name == "rgb"


def test_opens_a_raster_only_where_the_item_says_nothing_of_it(tmp_path: Path) -> None:
    write_tif(tmp_path / "open.tif")
    scene = one(tmp_path, item("a", {"data": {"href": "open.tif", "type": "image/tiff"}}))
    assert bands(scene) == [("open.tif", L2A, tuple(range(1, 13)))]
    untyped = {"href": "open.tif", "type": "image/tiff", "eo:bands": [{"name": name} for name in L2A]}
    assert one(tmp_path, item("a", {"data": untyped})).encoding.name == "dn"
    assert "is not a GeoTIFF" in bad(tmp_path, item("a", {"data": {"href": "a.tif", "type": "image/tiff"}}))


def test_names_that_only_count_are_no_names(tmp_path: Path) -> None:
    write_tif(tmp_path / "open.tif", names=(None,) * 12)
    stack = stack_asset("open.tif", [f"b{number}" for number in range(1, 13)])
    assert bands(one(tmp_path, item("a", {"data": stack}))) == [("open.tif", L2A, tuple(range(1, 13)))]


def test_detects_the_sensor_by_properties_or_names_and_says_where_it_cannot(tmp_path: Path) -> None:
    product = item("a", {"B04": band_asset("a.tif", "B04")}, collection="mine", **{"s2:product_type": "S2MSI1C"})
    assert one(tmp_path, product).sensor.name == "sentinel-2-l1c"
    named = item("a", {"data": stack_asset("a.tif"), "scl": band_asset("scl.tif", "SCL")}, collection="mine")
    assert one(tmp_path, named).sensor.name == "sentinel-2-l2a"
    (unclear,) = found(write_json(tmp_path / "x.json", item("a", {"B04": band_asset("a.tif", "B04")}, collection="m")))
    assert isinstance(unclear, BadScene)
    assert isinstance(unclear.error, SensorError)
    radar = item("a", {"vv": band_asset("a.tif", "VV", data_type="float32")}, collection="sentinel-1-grd")
    (unscaled,) = found(write_json(tmp_path / "x.json", radar))
    assert isinstance(unscaled, BadScene)
    assert isinstance(unscaled.error, AmbiguousSensorError)
    assert unscaled.error.candidates == ("sentinel-1-grd/db", "sentinel-1-grd/linear")


@pytest.mark.parametrize(("unit", "encoding"), [("linear", "linear"), ("dB", "db")])
def test_a_stated_unit_tells_the_encoding(tmp_path: Path, unit: str, encoding: str) -> None:
    asset = {"href": "a.tif", "type": "image/tiff", "data_type": "float32", "unit": unit}
    entry = item("a", {"x": asset | {"bands": [{"name": "VV"}, {"name": "VH"}]}}, collection="sentinel-1-grd")
    assert one(tmp_path, entry).encoding.name == encoding
    band = {"data_type": "float32", "unit": unit}
    old = {"href": "a.tif", "type": "image/tiff", "eo:bands": [{"name": "VV"}], "raster:bands": [band]}
    assert one(tmp_path, item("a", {"x": old}, collection="sentinel-1-grd")).encoding.name == encoding


@pytest.mark.parametrize(("unit", "encoding"), [("linear", "linear"), ("dB", "db")])
@pytest.mark.parametrize("options", [{}, {"sensor": "sentinel-1-rtc"}])
def test_the_unit_of_named_bands_in_files_of_their_own_tells_the_encoding(
    tmp_path: Path, unit: str, encoding: str, options: dict[str, Any]
) -> None:
    bare = {"type": "image/tiff", "data_type": "float32"}
    assets = {
        "first": bare | {"href": "a.tif", "bands": [{"name": "VV", "unit": unit}]},
        "second": bare | {"href": "b.tif", "bands": [{"name": "VH"}]},
        "angle": bare | {"href": "c.tif", "bands": [{"name": "B05", "unit": "degree"}]},
    }
    scene = one(tmp_path, item("a", assets, collection="mine" if options else "sentinel-1-grd"), **options)
    assert scene.encoding.name == encoding
    assert bands(scene) == [("a.tif", ("VV",), (1,)), ("b.tif", ("VH",), (1,))]


@pytest.mark.parametrize("options", [{}, {"sensor": "sentinel-1-grd"}])
def test_the_unit_of_a_band_without_a_name_tells_the_encoding(tmp_path: Path, options: dict[str, Any]) -> None:
    write_tif(tmp_path / "open.tif", names=("VV", "VH"), dtype="float32")
    asset = {"href": "open.tif", "type": "image/tiff", "unit": "dB", "bands": [{}, {}]}
    assert one(tmp_path, item("a", {"x": asset}, collection="sentinel-1-grd"), **options).encoding.name == "db"


def test_two_units_decide_nothing(tmp_path: Path) -> None:
    entries = [{"name": "VV", "unit": "dB"}, {"name": "VH", "unit": "linear"}]
    asset = {"href": "a.tif", "type": "image/tiff", "data_type": "float32", "bands": entries}
    assert "--sensor" in bad(tmp_path, item("a", {"x": asset}, collection="sentinel-1-grd"))


def test_four_colours_of_an_unknown_camera_are_not_taken_for_three(tmp_path: Path) -> None:
    stack = {**stack_asset("a.tif", ("red", "green", "blue", "nir")), "data_type": "uint8"}
    assert "--sensor" in bad(tmp_path, item("a", {"image": stack}, collection="mine"))


def test_obeys_the_sensor_that_was_named(tmp_path: Path) -> None:
    entry = item("a", {"B04": band_asset("a.tif", "B04")}, collection="mine")
    assert one(tmp_path, entry, sensor="sentinel-2-l1c").sensor.name == "sentinel-2-l1c"
    entry["assets"]["B08"] = band_asset("b.tif", "B08")
    assert "has no band of sentinel-1-rtc" in bad(tmp_path, entry, sensor="sentinel-1-rtc/db")


def test_names_of_its_own_are_looked_up_in_the_file_and_never_taken_for_an_order(tmp_path: Path) -> None:
    write_tif(tmp_path / "told.tif", names=("VV", "VH"), dtype="float32")
    write_tif(tmp_path / "untold.tif", names=(None, None), dtype="float32")
    words = ("backscatter, first", "backscatter, second")
    told = item("a", {"x": stack_asset("told.tif", words)})
    untold = item("a", {"x": stack_asset("untold.tif", words)})
    assert bands(one(tmp_path, told, sensor="sentinel-1-rtc/db")) == [("told.tif", ("VV", "VH"), (1, 2))]
    assert "backscatter, first" in bad(tmp_path, untold, sensor="sentinel-1-rtc/db")


@pytest.mark.parametrize(
    ("key", "collection", "band", "mask"),
    [
        ("SCL", "sentinel-2-l2a", "B04", {"values": (8, 9, 10)}),
        ("SCL_20m", "sentinel-2-l2a", "B04", {"values": (8, 9, 10)}),
        ("qa_pixel", "landsat-8-c2-l2", "SR_B4", {"bits": (2, 3)}),
    ],
)
def test_finds_the_mask_that_clouds_are_counted_in(
    tmp_path: Path, key: str, collection: str, band: str, mask: dict[str, Any]
) -> None:
    roles = {"roles": ["cloud", "cloud-shadow"]}
    entry = item("a", {key: band_asset("qa.tif", "x") | roles, "b": band_asset("a.tif", band)}, collection=collection)
    assert one(tmp_path, entry).cloud_mask == CloudMask(href=str(tmp_path / "qa.tif"), index=1, **mask)


def test_sentences_come_with_the_item(tmp_path: Path) -> None:
    sentences: Any = ["a river", 3, "a port"]
    entry = item("a", {"B04": band_asset("a.tif", "B04")}, **{"swath:captions": sentences})
    assert one(tmp_path, entry).captions == ("a river", "a port")


def test_a_named_encoding_needs_no_look_at_the_pixels(tmp_path: Path) -> None:
    asset = {"href": "a.tif", "type": "image/tiff", "eo:bands": [{"name": "VV"}]}
    assert one(tmp_path, item("a", {"x": asset}), sensor="sentinel-1-rtc/db").encoding.name == "db"


@pytest.mark.parametrize("percent", [None, -1, 101, "cloudy", True])
def test_a_cloud_cover_that_means_nothing_is_unknown(tmp_path: Path, percent: Any) -> None:
    entry = item("a", {"B04": band_asset("a.tif", "B04")}, **{"eo:cloud_cover": percent})
    assert one(tmp_path, entry).cloud is None


RASTER = Offset(value=-1000, origin="stac:raster:offset")
BASELINE = Offset(value=-1000, origin="stac:processing-baseline")
SHIFTED = {"scale": 1e-4, "offset": -0.1}


@pytest.mark.parametrize(
    ("fields", "properties", "expected"),
    [
        ({}, {}, Offset()),
        (SHIFTED, {}, RASTER),
        ({"scale": 1e-4, "offset": 0}, {"s2:processing_baseline": "05.09"}, Offset(value=0, origin=RASTER.origin)),
        ({"scale": 1, "offset": 0}, {}, Offset()),
        (SHIFTED, {"earthsearch:boa_offset_applied": True}, Offset(value=0, origin="stac:boa-offset-applied")),
        (SHIFTED, {"earthsearch:boa_offset_applied": False}, RASTER),
        ({}, {"s2:processing_baseline": "05.09"}, Offset(value=-1000, origin="stac:processing-baseline")),
        ({}, {"s2:processing_baseline": "04.00"}, Offset(value=-1000, origin="stac:processing-baseline")),
        ({}, {"s2:processing_baseline": "03.01"}, Offset(value=0, origin="stac:processing-baseline")),
        ({}, {"processing:version": "05.10"}, Offset(value=-1000, origin="stac:processing-baseline")),
        ({}, {"processing:version": "latest"}, Offset()),
        ({}, {"s2:processing_baseline": "N0509"}, Offset(value=-1000, origin="stac:processing-baseline")),
        ({}, {"s2:processing_baseline": "N0301"}, Offset(value=0, origin="stac:processing-baseline")),
        ({}, {"s2:processing_baseline": 5.09}, Offset(value=-1000, origin="stac:processing-baseline")),
        ({}, {"processing:version": "N0400"}, Offset(value=-1000, origin="stac:processing-baseline")),
        ({}, {"s2:processing_baseline": None, "processing:version": "05.09"}, BASELINE),
        (SHIFTED, {"s2:processing_baseline": "newest"}, RASTER),
    ],
)
def test_the_offset_of_sentinel_2_follows_a_fixed_order_of_trust(
    tmp_path: Path, fields: dict[str, Any], properties: dict[str, Any], expected: Offset
) -> None:
    entry = item("a", {"B04": band_asset("a.tif", "B04", **fields)}, **properties)
    assert one(tmp_path, entry).offset == expected


@pytest.mark.parametrize("baseline", ["newest", "", "N59", "05", 500, ["05.09"]])
def test_a_baseline_that_cannot_be_read_is_no_reason_to_assume_an_offset(tmp_path: Path, baseline: Any) -> None:
    entry = item("a", {"B04": band_asset("a.tif", "B04")}, **{"s2:processing_baseline": baseline})
    assert "no offset can be told; expected e.g. 05.09 or N0509" in bad(tmp_path, entry)
    radar = item("a", {"vv": band_asset("a.tif", "VV", data_type="float32")}, collection="sentinel-1-rtc")
    radar["properties"]["s2:processing_baseline"] = baseline
    assert one(tmp_path, radar).offset == Offset()


def test_an_offset_in_new_words_counts_as_well(tmp_path: Path) -> None:
    asset = stack_asset("a.tif", ("B04",)) | {"raster:scale": 1e-4, "raster:offset": -0.1}
    assert one(tmp_path, item("a", {"x": asset})).offset == RASTER


def test_pixels_that_are_reflectance_already_get_no_offset(tmp_path: Path) -> None:
    asset = band_asset("a.tif", "B04", data_type="float32")
    assert one(tmp_path, item("a", {"x": asset}, **{"s2:processing_baseline": "05.09"})).offset == Offset()


def test_an_offset_that_the_sensor_has_itself_is_not_added_twice(tmp_path: Path) -> None:
    asset = band_asset("a.tif", "SR_B4", scale=2.75e-5, offset=-0.2)
    assert one(tmp_path, item("a", {"x": asset}, collection="landsat-8-c2-l2")).offset.value == 0


def test_contradicting_scales_and_offsets_are_reported(tmp_path: Path) -> None:
    assert "scale 0.01" in bad(tmp_path, item("a", {"x": band_asset("a.tif", "B04", scale=0.01, offset=0)}))
    two = {"x": band_asset("a.tif", "B04", **SHIFTED), "y": band_asset("b.tif", "B08", scale=1e-4, offset=0)}
    assert "different offsets" in bad(tmp_path, item("a", two))


def test_a_span_of_time_is_dated_by_its_start_and_no_date_is_none(tmp_path: Path) -> None:
    span = {"datetime": None, "start_datetime": "2020-01-01T00:00:00Z", "end_datetime": "2020-12-31T00:00:00Z"}
    assets = {"B04": band_asset("a.tif", "B04")}
    assert one(tmp_path, item("a", assets, **span)).datetime == datetime(2020, 1, 1, tzinfo=UTC)
    assert one(tmp_path, item("a", assets, datetime=None)).datetime is None
    assert one(tmp_path, item("x_20210203", assets), datetime_pattern="%Y%m%d").datetime == datetime(
        2021, 2, 3, tzinfo=UTC
    )
    assert one(tmp_path, item("x", assets), datetime_pattern="%Y%m%d").datetime is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"assets": {}}, "no asset with measurements"),
        ({"assets": {"B04": band_asset("gone.tif", "B04")}}, "gone.tif cannot be read"),
        ({"assets": {"B04": {"href": "gs://bucket/a.tif", "type": "image/tiff"}}}, "unsupported scheme"),
        ({"assets": {"B04": band_asset("https://evil.test/a.tif", "B04")}}, "SWATH_ALLOWED_HOSTS"),
        ({"assets": "none"}, "is not a STAC item"),
        ({"properties": {"datetime": "yesterday"}}, "is not a STAC item"),
        ({"properties": None, "id": None}, "STAC item"),
    ],
)
def test_reports_what_is_wrong_with_an_item_in_one_line(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    text = bad(tmp_path, item("a", {"B04": band_asset("a.tif", "B04")}) | change)
    assert reason in text
    assert "\n" not in text


def test_the_fingerprint_follows_files_and_metadata(tmp_path: Path) -> None:
    entry = item("a", {"B04": band_asset("a.tif", "B04")})
    first = one(tmp_path, entry).fingerprint
    assert one(tmp_path, entry).fingerprint == first
    entry["properties"]["updated"] = "2024-01-01T00:00:00Z"
    second = one(tmp_path, entry).fingerprint
    (tmp_path / "a.tif").write_bytes(b"other pixels")
    third = one(tmp_path, entry).fingerprint
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("key", "collection", "band"), [("scl", "sentinel-2-l2a", "B04"), ("qa_pixel", "landsat-8-c2-l2", "SR_B4")]
)
def test_the_fingerprint_follows_the_mask_that_clouds_are_counted_in(
    tmp_path: Path, key: str, collection: str, band: str
) -> None:
    entry = item("a", {key: band_asset("qa.tif", "x"), "b": band_asset("a.tif", band)}, collection=collection)
    first = one(tmp_path, entry).fingerprint
    (tmp_path / "qa.tif").write_bytes(b"other clouds")
    assert one(tmp_path, entry).fingerprint != first
