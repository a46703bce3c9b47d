"""Which sensor: proved by metadata, refused with candidates where it is not."""

import os
from pathlib import Path
from typing import Any

import pytest
import rasterio

from core import (
    AmbiguousSensorError,
    Evidence,
    SensorError,
    builtin_sensors,
    choose_encoding,
    detect_sensor,
    load_sensor,
    match_bands,
)

S2 = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"]
DATA = Path(os.environ.get("SWATH_DATA", Path(__file__).parents[4] / "shared" / "data"))


def evidence(count: int, dtype: str, names: list[str] | None = None, **more: Any) -> Evidence:
    return Evidence(band_names=tuple(names or [None] * count), dtype=dtype, **more)


@pytest.mark.parametrize(
    ("collection", "dtype", "names", "expected"),
    [
        ("sentinel-2-l2a", "uint16", ["red", "green", "blue", "nir"], ("sentinel-2-l2a", "dn", "B04 B03 B02 B08")),
        ("Sentinel-2-L2A", "uint16", ["B8A"], ("sentinel-2-l2a", "dn", "B8A")),
        ("sentinel-1-rtc", "float32", ["vh", "vv"], ("sentinel-1-rtc", "linear", "VH VV")),
        ("naip", "uint8", None, ("naip", "dn", "R G B NIR")),
    ],
)
def test_a_stac_collection_decides(collection: str, dtype: str, names: list[str] | None, expected: Any) -> None:
    match = detect_sensor(evidence(4, dtype, names, collection_id=collection))
    assert (match.sensor.name, match.encoding.name, " ".join(match.bands)) == expected


@pytest.mark.parametrize(
    ("properties", "name"),
    [
        ({"s2:product_type": "S2MSI1C"}, "sentinel-2-l1c"),
        ({"platform": "landsat-8", "landsat:correction": "L2SP"}, "landsat-c2-l2"),
        ({"platform": "LANDSAT_5", "landsat:correction": "L2SP"}, "landsat-c2-l2-tm"),
    ],
)
def test_stac_properties_decide_together(properties: dict[str, object], name: str) -> None:
    names = ["red", "green", "blue"]
    seen = evidence(3, "uint16", names, collection_id="somebody-elses-copy", properties=properties)
    assert detect_sensor(seen).sensor.name == name


def test_one_of_two_needed_properties_decides_nothing() -> None:
    seen = evidence(3, "uint16", ["red", "green", "blue"], properties={"platform": "landsat-8"})
    with pytest.raises(AmbiguousSensorError) as caught:
        detect_sensor(seen)
    assert {"landsat-c2-l2", "landsat-c2-l2-tm", "sentinel-2-l2a"} <= set(caught.value.candidates)


def test_complete_band_names_of_one_sensor_decide_in_the_files_order() -> None:
    names = [name.replace("B0", "B") for name in S2]
    match = detect_sensor(evidence(13, "int16", names))
    assert (match.sensor.name, match.bands) == ("sentinel-2-l1c", tuple(S2))
    backwards = [name for name in reversed(S2) if name != "B10"]
    match = detect_sensor(evidence(12, "float32", backwards))
    assert (match.sensor.name, match.encoding.name, match.bands) == ("sentinel-2-l2a", "reflectance", tuple(backwards))


def test_tm_and_oli_are_told_apart_by_complete_names_only() -> None:
    tm = ["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7"]
    assert detect_sensor(evidence(6, "uint16", tm)).sensor.name == "landsat-c2-l2-tm"
    assert detect_sensor(evidence(7, "uint16", [f"SR_B{n}" for n in range(1, 8)])).sensor.name == "landsat-c2-l2"
    with pytest.raises(AmbiguousSensorError) as caught:
        detect_sensor(evidence(3, "uint16", ["SR_B3", "SR_B2", "SR_B4"]))
    assert caught.value.candidates == ("landsat-c2-l2", "landsat-c2-l2-tm")


def test_part_of_a_sensors_bands_does_not_decide() -> None:
    with pytest.raises(AmbiguousSensorError) as caught:
        detect_sensor(evidence(3, "uint16", ["B04", "B03", "B02"]))
    assert caught.value.candidates == ("sentinel-2-l1c", "sentinel-2-l2a")


def test_common_names_are_nobodys_own_and_do_not_decide() -> None:
    with pytest.raises(AmbiguousSensorError) as caught:
        detect_sensor(evidence(4, "uint8", ["red", "green", "blue", "nir"]))
    assert caught.value.candidates == ("naip",)
    assert detect_sensor(evidence(4, "uint8", ["R", "G", "B", "NIR"])).sensor.name == "naip"


def test_float_vv_vh_may_be_gamma_or_sigma_power_or_db() -> None:
    message = r"cannot tell the sensor of 2 float32 bands named VV, VH; .*choose one with --sensor NAME"
    with pytest.raises(AmbiguousSensorError, match=message) as caught:
        detect_sensor(evidence(2, "float32", ["VV", "VH"]))
    expected = ("sentinel-1-grd/db", "sentinel-1-grd/linear", "sentinel-1-rtc/db", "sentinel-1-rtc/linear")
    assert caught.value.candidates == expected


def test_every_candidate_can_be_passed_to_the_flag_it_names() -> None:
    with pytest.raises(AmbiguousSensorError) as caught:
        detect_sensor(evidence(2, "float32", ["VV", "VH"]))
    for candidate in caught.value.candidates:
        sensor, encoding = load_sensor(candidate)
        assert f"{sensor.name}/{encoding.name if encoding else ''}" == candidate


def test_a_stated_unit_names_the_encoding_but_not_the_sensor() -> None:
    seen = evidence(2, "float32", ["VV", "VH"], collection_id="sentinel-1-grd", tags={"units": "dB"})
    assert detect_sensor(seen).encoding.name == "db"
    with pytest.raises(AmbiguousSensorError):
        detect_sensor(evidence(2, "float32", ["VV", "VH"], tags={"units": "dB"}))


@pytest.mark.parametrize(
    ("count", "dtype", "candidates"),
    [
        (4, "uint8", ("naip",)),
        (12, "int16", ("sentinel-2-l2a",)),
        (13, "uint16", ("sentinel-2-l1c",)),
        (1, "uint8", ("panchromatic",)),
        (3, "uint8", ("naip", "rgb")),
    ],
)
def test_count_and_type_alone_never_decide(count: int, dtype: str, candidates: tuple[str, ...]) -> None:
    with pytest.raises(AmbiguousSensorError, match="choose one with --sensor NAME") as caught:
        detect_sensor(evidence(count, dtype))
    assert caught.value.candidates == candidates


@pytest.mark.parametrize("colours", [("red", "green", "blue"), ("red", "green", "blue", "alpha")])
def test_a_picture_that_declares_its_colours_is_rgb_without_its_alpha(colours: tuple[str, ...]) -> None:
    match = detect_sensor(evidence(len(colours), "uint8", colorinterp=colours))
    assert (match.sensor.name, match.encoding.name, match.bands) == ("rgb", "dn", ("red", "green", "blue"))


@pytest.mark.parametrize(
    "colours", [("red", "green", "blue", "undefined"), ("gray", "undefined", "undefined", "alpha")]
)
def test_incomplete_colours_do_not_make_a_picture(colours: tuple[str, ...]) -> None:
    with pytest.raises(AmbiguousSensorError):
        detect_sensor(evidence(4, "uint8", colorinterp=colours))


def test_gray_is_what_tiff_calls_any_first_band_and_decides_nothing() -> None:
    with pytest.raises(AmbiguousSensorError):
        detect_sensor(evidence(1, "uint8", colorinterp=("gray",)))


def test_nothing_fits_says_what_was_seen_and_how_to_describe_it() -> None:
    with pytest.raises(SensorError, match=r"5 float32 bands named a, b, c, d, e; .*--sensor FILE\.toml") as caught:
        detect_sensor(evidence(5, "float32", list("abcde")))
    assert not isinstance(caught.value, AmbiguousSensorError)


def test_one_foreign_name_rules_a_sensor_out() -> None:
    with pytest.raises(SensorError, match="no known sensor fits"):
        detect_sensor(evidence(3, "uint16", ["B04", "B03", "cloud"]))


def test_bands_match_by_alias_common_name_or_layout() -> None:
    l2a = builtin_sensors()["sentinel-2-l2a"]
    assert match_bands(l2a, ["b2", "NIR", "swir16"], 3) == ("B02", "B08", "B11")
    assert match_bands(l2a, [None] * 12, 12) == l2a.layouts[0]
    assert match_bands(l2a, ["bands"] * 12, 12) == l2a.layouts[0]
    assert match_bands(l2a, [f"Band {n}" for n in range(12)], 12) == l2a.layouts[0]


@pytest.mark.parametrize(
    ("names", "count", "message"),
    [
        ([None] * 4, 4, "the file has 4 bands without names; sentinel-2-l2a without names has 12"),
        (["B04", "B10"], 2, "sentinel-2-l2a has no band 'b10'; its bands are B01, B02"),
        (["B04", "red"], 2, "several of the names b04, red mean the same band"),
    ],
)
def test_bands_that_do_not_fit_are_refused(names: list[str | None], count: int, message: str) -> None:
    with pytest.raises(SensorError, match=message):
        match_bands(builtin_sensors()["sentinel-2-l2a"], names, count)


def test_a_last_alpha_band_is_left_out() -> None:
    rgb = builtin_sensors()["rgb"]
    assert match_bands(rgb, [None] * 4, 4, ("red", "green", "blue", "alpha")) == ("red", "green", "blue")


def test_a_fourth_band_tagged_alpha_is_near_infrared_where_the_sensor_has_four() -> None:
    naip = builtin_sensors()["naip"]
    assert match_bands(naip, [None] * 4, 4, ("red", "green", "blue", "alpha")) == naip.layouts[0]


def test_the_type_chooses_the_encoding_unless_one_is_requested() -> None:
    l2a = builtin_sensors()["sentinel-2-l2a"]
    dn, reflectance = l2a.encodings
    assert choose_encoding(l2a, "int16") is dn
    assert choose_encoding(l2a, "float64") is reflectance
    assert choose_encoding(l2a, "float32", dn) is dn
    with pytest.raises(SensorError, match=r"uint16 fits no encoding of sentinel-1-grd \(linear in float32"):
        choose_encoding(builtin_sensors()["sentinel-1-grd"], "uint16")
    with pytest.raises(AmbiguousSensorError) as caught:
        choose_encoding(builtin_sensors()["panchromatic"], "uint16")
    assert caught.value.candidates == ("panchromatic/uint11", "panchromatic/uint12", "panchromatic/uint16")


@pytest.mark.skipif(not DATA.is_dir(), reason=f"real imagery is not at {DATA} (set SWATH_DATA)")
@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("terramind/S2L2A/*.tif", "sentinel-2-l2a?"),
        ("terramind/S2L1C/*.tif", "sentinel-2-l1c?"),
        ("terramind/S1RTC/*.tif", "sentinel-1-grd/db sentinel-1-grd/linear sentinel-1-rtc/db sentinel-1-rtc/linear?"),
        ("terramind/S2RGB/*.tif", "rgb"),
        ("terramind/LULC/*.tif", "panchromatic?"),
        ("sen1floods11/S1/*.tif", "sentinel-1-grd/db sentinel-1-grd/linear sentinel-1-rtc/db sentinel-1-rtc/linear?"),
        ("sen1floods11/S2/*.tif", "sentinel-2-l1c"),
        ("landsat_naip/*/*.tif", "naip?"),
    ],
)
def test_real_files_are_proved_or_refused_never_guessed(pattern: str, expected: str) -> None:
    paths = sorted(DATA.glob(pattern))
    assert paths
    assert {_verdict(path) for path in paths} == {expected}


def _verdict(path: Path) -> str:
    """The sensor, or the candidates and a question mark."""
    with rasterio.open(path) as file:
        colours = tuple(item.name for item in file.colorinterp)
        seen = Evidence(band_names=file.descriptions, dtype=file.dtypes[0], colorinterp=colours, tags=file.tags())
    try:
        return detect_sensor(seen).sensor.name
    except AmbiguousSensorError as error:
        return " ".join(error.candidates) + "?"


def test_chips_of_a_dataset_are_never_detected() -> None:
    with pytest.raises(SensorError) as caught:
        detect_sensor(evidence(2, "uint8", ["HH", "VV"]))
    assert "dsn-sar" not in str(caught.value)
    with pytest.raises(AmbiguousSensorError) as unnamed:
        detect_sensor(evidence(1, "uint8"))
    assert unnamed.value.candidates == ("panchromatic",)
