"""Sensor files: what the shipped ones say, and what a user's own is told when it is wrong."""

import math
from pathlib import Path

import numpy as np
import pytest

from core import Sensor, SensorError, UnknownNameError, builtin_sensors, load_sensor, sensor_names

ISSUED = {
    "chatearthnet-s2": 9,
    "dsn-sar": 2,
    "enmap": 224,
    "landsat-c2-l2": 8,
    "landsat-c2-l2-tm": 7,
    "naip": 4,
    "ombria-s1": 1,
    "ombria-s2": 3,
    "panchromatic": 1,
    "rgb": 3,
    "sentinel-1-grd": 2,
    "sentinel-1-rtc": 2,
    "sentinel-2-l1c": 13,
    "sentinel-2-l2a": 12,
}
OWN = """
name = "mine"
title = "Mine"
kind = "optical"
source = "https://example.org"
bands = [{ name = "one" }, { name = "two", aliases = ["second"], scale = 2 }]

[band_defaults]
unit = "dn"
scale = 1
offset = 0
display = { minimum = 0, maximum = 255 }
source = "https://example.org/bands"

[[encodings]]
name = "dn"
dtypes = ["uint8"]

[[renderings]]
name = "gray"
channels = [{ band = "one" }]
"""


def write(folder: Path, text: str, name: str = "own.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_sensors_and_how_many_bands_they_have() -> None:
    assert {name: len(sensor.bands) for name, sensor in builtin_sensors().items()} == ISSUED
    assert sensor_names() == tuple(sorted(ISSUED))


@pytest.mark.parametrize("name", ISSUED)
def test_every_band_has_a_source_and_a_display(name: str) -> None:
    sensor = builtin_sensors()[name]
    assert sensor.source.startswith("https://")
    assert all(band.source.startswith("https://") for band in sensor.bands)
    assert all(band.display.maximum > band.display.minimum for band in sensor.bands)


@pytest.mark.parametrize("name", ["sentinel-2-l2a", "sentinel-2-l1c", "landsat-c2-l2", "landsat-c2-l2-tm", "enmap"])
def test_true_color_comes_first_and_is_red_green_blue_by_wavelength(name: str) -> None:
    sensor = builtin_sensors()[name]
    recipe = sensor.renderings[0]
    bands = [sensor.band(channel.band) for channel in recipe.channels]
    assert recipe.name == "true-color"
    assert [band.common_name for band in bands] == ["red", "green", "blue"]
    for band, (low, high) in zip(bands, [(0.6, 0.7), (0.5, 0.6), (0.45, 0.5)], strict=True):
        assert low < (band.center_wavelength_um or 0) < high


def test_sentinel_2_l2a_has_no_cirrus_band_and_l1c_has() -> None:
    l2a, l1c = builtin_sensors()["sentinel-2-l2a"], builtin_sensors()["sentinel-2-l1c"]
    assert [band.name for band in l1c.bands if band.name not in {item.name for item in l2a.bands}] == ["B10"]


def test_a_landsat_band_number_means_another_colour_on_tm_than_on_oli() -> None:
    assert builtin_sensors()["landsat-c2-l2"].band("SR_B4").common_name == "red"
    assert builtin_sensors()["landsat-c2-l2-tm"].band("SR_B4").common_name == "nir08"


def test_enmap_bands_run_by_wavelength_and_the_dry_layout_leaves_water_vapour_out() -> None:
    enmap = builtin_sensors()["enmap"]
    wavelengths = [band.center_wavelength_um or 0 for band in enmap.bands]
    assert wavelengths == sorted(wavelengths)
    assert (wavelengths[0], wavelengths[-1]) == (0.418416, 2.4453)
    whole, dry = enmap.layouts
    gone = [int(name[1:]) for name in whole if name not in dry]
    assert gone == [*range(127, 142), *range(161, 168)]


def test_an_encoding_is_asked_for_after_a_slash() -> None:
    assert load_sensor("naip")[1] is None
    sensor, encoding = load_sensor("sentinel-1-rtc/db")
    assert (sensor.name, encoding and encoding.name) == ("sentinel-1-rtc", "db")


def test_an_unknown_sensor_or_encoding_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown sensor 'sentinel-3'; known: .*enmap, .*sentinel-2-l2a"):
        load_sensor("sentinel-3")
    with pytest.raises(UnknownNameError, match=r"encoding of sentinel-1-rtc 'power'; known: linear, db"):
        load_sensor("sentinel-1-rtc/power")


def test_a_users_own_file_is_read_by_path_with_defaults_spread_over_its_bands(tmp_path: Path) -> None:
    path = write(tmp_path, OWN)
    sensor, encoding = load_sensor(f"{path}/dn")
    assert isinstance(sensor, Sensor)
    assert (encoding and encoding.name) == "dn"
    assert [(band.name, band.scale, band.nodata) for band in sensor.bands] == [("one", 1.0, None), ("two", 2.0, None)]
    assert sensor.layouts == (("one", "two"),)
    assert load_sensor(path) == (sensor, None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "optical"', 'kind = "lidar"', r"kind: Input should be 'optical' or 'sar', got 'lidar'"),
        ("scale = 2", 'scale = "two"', r"bands\[1\]\.scale: Input should be a valid number.*got 'two'"),
        ("scale = 1\n", "", r"missing key bands\[0\]\.scale \(or band_defaults\.scale\)"),
        ('title = "Mine"', "", "missing key title"),
        ('title = "Mine"', 'titel = "Mine"', r"unknown key titel; known here: name, title, .*band_defaults"),
        ("scale = 2", "skale = 2", r"unknown key bands\[1\]\.skale; known here: name, aliases, .*display"),
        ("maximum = 255", "maximum = 255, gama = 1", r"display\.gama; known here: minimum, maximum, gamma, gain"),
        ('name = "two"', 'name = "ONE"', r"bands: 'one' is used 2 times"),
        ('"second"', '"one"', r"bands: 'one' is used 2 times"),
        ('band = "one"', 'band = "three"', r"rendering 'gray' names band 'three'.*among the bands: one, two"),
        ('[{ band = "one" }]', '[{ band = "one" }, { band = "two" }]', r"has 2 channels; expected 3, or 1"),
        ("[band_defaults]", 'layouts = [["one", "four"]]\n[band_defaults]', r"a layout names band 'four'"),
        ("[band_defaults]", 'layouts = [["one"], ["two"]]\n[band_defaults]', r"2 have 1 bands; .* by their length"),
        ('["uint8"]', '["byte"]', r"unknown dtype 'byte'; known: uint8"),
        ("scale = 2", "scale = 0", r"band 'two': scale must be a number other than 0"),
        ("maximum = 255", "maximum = 0", r"display\.maximum 0\.0 must be above"),
        ('name = "mine"', 'name = "My sensor"', r"name 'My sensor' may hold only"),
        ('name = "mine"', 'name = "naip"', r"taken by a built-in sensor; choose another"),
        ('kind = "optical"', "kind = optical", r"not TOML: .*line 4"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_the_key_and_what_is_expected(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in OWN
    path = write(tmp_path, OWN.replace(old, new))
    with pytest.raises(SensorError, match=message) as caught:
        load_sensor(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_binary_or_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SensorError, match=r"cannot read sensor file .*none\.toml: No such file"):
        load_sensor(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SensorError, match="not TOML"):
        load_sensor(tmp_path / "binary.toml")
    monkeypatch.setenv("SWATH_MAX_METADATA_BYTES", "64")
    with pytest.raises(SensorError, match="larger than 64 bytes"):
        load_sensor(write(tmp_path, OWN))


def test_a_copy_of_a_shipped_file_is_that_sensor(tmp_path: Path) -> None:
    from core import _sensors

    path = tmp_path / "copy.toml"
    path.write_bytes((_sensors._folder() / "naip.toml").read_bytes())
    assert load_sensor(path)[0] == builtin_sensors()["naip"]


def test_the_documented_example_file_is_valid() -> None:
    path = Path(__file__).parents[3] / "docs" / "examples" / "landsat-uint8-composite.toml"
    sensor, _ = load_sensor(path)
    assert sensor.layouts == (("SWIR1", "NIR", "red", "green"),)


def test_panchromatic_bit_depths_end_at_white() -> None:
    for encoding in builtin_sensors()["panchromatic"].encodings[1:]:
        depth = int(encoding.name.removeprefix("uint"))
        assert math.isclose((encoding.scale or 0) * (2**depth - 1), 255)


def test_every_named_dtype_is_numpys() -> None:
    for sensor in builtin_sensors().values():
        assert all(np.dtype(name).name == name for item in sensor.encodings for name in item.dtypes)


def test_the_design_page_names_every_sensor_and_encoding() -> None:
    page = (Path(__file__).parents[3] / "docs" / "design" / "sensors.md").read_text(encoding="utf-8")
    for sensor in builtin_sensors().values():
        assert f"`{sensor.name}`" in page
        assert all(f"`{encoding.name}`" in page for encoding in sensor.encodings)
