"""Physical units and fixed colours, checked against the formulas and against a real reference picture."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from core import Offset, SensorError, UnknownNameError, builtin_sensors, load_sensor, render, to_physical

DATA = Path(os.environ.get("SWATH_DATA", Path(__file__).parents[4] / "shared" / "data"))
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "landsat-uint8-composite.toml"
L2A = builtin_sensors()["sentinel-2-l2a"]
RTC = builtin_sensors()["sentinel-1-rtc"]
LINEAR, DB = RTC.encodings


def column(*values: float) -> NDArray[np.float32]:
    """One pixel with these bands."""
    return np.array(values, dtype=np.float32)[:, None, None]


def pixel(values: NDArray[np.float32], sensor: str, bands: str, rendering: str | None = None) -> list[int]:
    mask = np.ones(values.shape[1:], dtype=bool)
    picture = render(values, mask, builtin_sensors()[sensor], bands.split(), rendering=rendering)
    return [int(value) for value in picture[0, 0]]


def test_sentinel_2_numbers_become_reflectance_and_the_offset_is_added_before_scaling() -> None:
    stored = np.array([[[1000]], [[11000]]], dtype=np.uint16)
    bands, dn = ["B04", "B03"], L2A.encodings[0]
    assert to_physical(stored, L2A, bands, dn).ravel() == pytest.approx([0.1, 1.1])
    shifted = to_physical(stored, L2A, bands, dn, Offset(value=-1000, origin="test"))
    assert shifted.dtype == np.float32
    assert shifted.ravel() == pytest.approx([0.0, 1.0])


def test_an_offset_below_zero_does_not_wrap_unsigned_numbers() -> None:
    stored = np.array([[[400]]], dtype=np.uint16)
    assert to_physical(stored, L2A, ["B02"], L2A.encodings[0], Offset(value=-1000))[0, 0, 0] == pytest.approx(-0.06)


def test_reflectance_files_are_taken_as_they_are_and_not_overwritten() -> None:
    stored = column(0.25)
    assert to_physical(stored, L2A, ["B02"], L2A.encodings[1])[0, 0, 0] == 0.25
    to_physical(stored, RTC, ["VV"], LINEAR)
    assert stored[0, 0, 0] == 0.25


def test_landsat_scales_reflectance_and_temperature_each_by_its_own_rule() -> None:
    sensor = builtin_sensors()["landsat-c2-l2"]
    stored = np.array([[[10000]], [[44000]]], dtype=np.uint16)
    physical = to_physical(stored, sensor, ["SR_B4", "ST_B10"], sensor.encodings[0])
    assert physical.ravel() == pytest.approx([0.0000275 * 10000 - 0.2, 0.00341802 * 44000 + 149], rel=1e-5)


def test_power_becomes_db_with_a_floor_and_nan_stays_nan() -> None:
    stored = np.array([[[1.0, 0.1, 0.0, -1.0, np.nan]]])
    db = to_physical(stored, RTC, ["VV"], LINEAR)[0, 0]
    assert db[:4] == pytest.approx([0, -10, -60, -60], abs=1e-4)
    assert np.isnan(db[4])
    assert to_physical(np.array([[[-12.5]]]), RTC, ["VV"], DB)[0, 0, 0] == -12.5


def test_sentinel_2_display_is_the_documented_curve() -> None:
    expected = [round(255 * 1.3 * value**0.6) for value in (0.3, 0.1, 0.05)]
    assert pixel(column(0.05, 0.1, 0.3), "sentinel-2-l2a", "B02 B03 B04") == expected
    assert pixel(column(-0.1, 0.0, 2.0), "sentinel-2-l2a", "B02 B03 B04") == [255, 0, 0]


def test_sar_display_is_linear_power_and_its_ratio() -> None:
    power = np.array([0.15, 0.01])
    decibel = (10 * np.log10(power)).astype(np.float32)[:, None, None]
    expected = [round(255 * value) for value in (0.15 / 0.3, 0.01 / 0.05, 15 / 25)]
    assert pixel(decibel, "sentinel-1-rtc", "VV VH") == pytest.approx(expected, abs=1)
    assert pixel(decibel[::-1], "sentinel-1-rtc", "VH VV") == pixel(decibel, "sentinel-1-rtc", "VV VH")


def test_sar_with_one_polarisation_is_gray() -> None:
    assert pixel(column(-10.0), "sentinel-1-grd", "VV") == [85, 85, 85]
    assert pixel(column(-20.0), "sentinel-1-grd", "VH") == [51, 51, 51]


def test_eight_bit_pictures_come_out_as_they_went_in() -> None:
    numbers = np.arange(256, dtype=np.float32).reshape(1, 16, 16)
    picture = render(
        np.repeat(numbers, 3, axis=0), np.ones((16, 16), dtype=bool), builtin_sensors()["rgb"], ("red", "green", "blue")
    )
    assert (picture == numbers[0][..., None]).all()


def test_the_stretch_is_fixed_so_a_tile_does_not_change_with_its_neighbours() -> None:
    dark = np.full((3, 4, 4), 0.02, dtype=np.float32)
    mixed = dark.copy()
    mixed[:, 2:] = 0.9
    mask = np.ones((4, 4), dtype=bool)
    bands = ("B04", "B03", "B02")
    assert (render(dark, mask, L2A, bands)[:2] == render(mixed, mask, L2A, bands)[:2]).all()


def test_invalid_and_nan_pixels_are_black() -> None:
    pixels = np.full((3, 2, 2), 0.5, dtype=np.float32)
    pixels[:, 0, 0] = np.nan
    mask = np.array([[True, False], [True, True]])
    picture = render(pixels, mask, L2A, ("B04", "B03", "B02"))
    assert picture.dtype == np.uint8
    assert (picture.any(axis=-1) == [[False, False], [True, True]]).all()


def test_the_first_rendering_with_its_bands_present_is_used_and_any_can_be_named() -> None:
    values = column(0.0, 0.5, 0.0)  # only B8A is bright
    assert pixel(values, "sentinel-2-l2a", "B12 B8A B04")[1] > 200
    four = column(0.4, 0.0, 0.0, 0.0)  # only B08 is bright
    assert pixel(four, "sentinel-2-l2a", "B08 B04 B03 B02") == [0, 0, 0]
    assert pixel(four, "sentinel-2-l2a", "B08 B04 B03 B02", "false-color")[0] > 150


def test_what_cannot_be_drawn_says_which_bands_are_needed() -> None:
    with pytest.raises(SensorError, match=r"from the bands B01: true-color needs B02, B03, B04; .*swir needs"):
        pixel(column(0.1), "sentinel-2-l2a", "B01")
    with pytest.raises(SensorError, match=r"from the bands B04, B03, B02: swir needs B04, B12, B8A"):
        pixel(column(0.1, 0.1, 0.1), "sentinel-2-l2a", "B04 B03 B02", "swir")
    with pytest.raises(UnknownNameError, match=r"rendering of sentinel-2-l2a 'thermal'; known: true-color"):
        pixel(column(0.1), "sentinel-2-l2a", "B01", "thermal")


def test_shapes_that_disagree_are_refused() -> None:
    with pytest.raises(SensorError, match=r"shape \(3, 2, 2\) for 2 bands"):
        render(np.zeros((3, 2, 2), dtype=np.float32), np.ones((2, 2), dtype=bool), L2A, ("B04", "B03"))
    with pytest.raises(SensorError, match=r"the mask is \(2, 3\)"):
        render(np.zeros((3, 2, 2), dtype=np.float32), np.ones((2, 3), dtype=bool), L2A, ("B04", "B03", "B02"))


needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"real imagery is not at {DATA} (set SWATH_DATA)")


@needs_data
def test_true_color_agrees_with_an_independent_picture_of_the_same_sites() -> None:
    bands = L2A.layouts[0]
    paths = sorted(DATA.glob("terramind/S2L2A/*.tif"))
    assert len(paths) == 5
    for path in paths:
        stored, reference = _read(path), _read(DATA / "terramind" / "S2RGB" / path.name)
        picture = render(to_physical(stored, L2A, bands, L2A.encodings[0]), _covered(stored), L2A, bands)
        for position in range(3):
            assert np.corrcoef(picture[..., position].ravel(), reference[position].ravel())[0, 1] > 0.94, path
        # Green over red tells vegetation from soil: a swapped band order would turn the sign.
        seen = picture[..., 1].astype(float) - picture[..., 0]
        meant = reference[1].astype(float) - reference[0]
        assert np.corrcoef(seen.ravel(), meant.ravel())[0, 1] > 0.5, path


@needs_data
def test_water_is_darker_than_land_in_radar_and_in_the_near_infrared() -> None:
    stored = _read(DATA / "terramind" / "S2L2A" / "282D_485L_3_3.tif")
    radar = _read(DATA / "terramind" / "S1RTC" / "282D_485L_3_3.tif")
    bands = L2A.layouts[0]
    everywhere = np.ones(radar.shape[1:], dtype=bool)
    false_color = render(
        to_physical(stored, L2A, bands, L2A.encodings[0]), everywhere, L2A, bands, rendering="false-color"
    )
    sar = render(to_physical(radar, RTC, ("VV", "VH"), DB), everywhere, RTC, ("VV", "VH"))
    land, sea = (slice(100, 180), slice(0, 40)), (slice(150, 224), slice(184, 224))
    assert false_color[land][..., 0].mean() > 4 * false_color[sea][..., 0].mean()
    assert sar[land][..., 1].mean() > 4 * sar[sea][..., 1].mean()


@needs_data
def test_the_example_sensor_draws_rivers_blue_and_forest_green() -> None:
    sensor, _ = load_sensor(EXAMPLE)
    stored = _read(DATA / "landsat_naip" / "landsat" / "2020.tif")
    picture = render(
        to_physical(stored, sensor, sensor.layouts[0], sensor.encodings[0]),
        _covered(stored),
        sensor,
        sensor.layouts[0],
    )
    river = stored[1] < 0.3 * np.median(stored[1])  # water swallows the near infrared
    red, green, blue = picture[river & _covered(stored)].mean(axis=0)
    assert blue > green
    assert blue > red
    red, green, blue = np.median(picture[~river].reshape(-1, 3), axis=0)
    assert green > max(red, blue)


def _read(path: Path) -> NDArray[np.generic]:
    with rasterio.open(path) as file:
        data: NDArray[np.generic] = file.read()
    return data


def _covered(stored: NDArray[np.generic]) -> NDArray[np.bool_]:
    return np.asarray(stored.any(axis=0), dtype=np.bool_)
