"""Planes of every built-in sensor, and the numbers that come of known reflectances and dB."""

import itertools

import numpy as np
import pytest

from core import SensorError, Tile, array_tile, builtin_sensors, load_sensor
from embeddings._planes import COLOURS, DB_HIGH, DB_LOW, RANGES, planes

SIZE = 16
COAST, BLUE, GREEN, RED, EDGE1, EDGE2, EDGE3, NIR, VAPOUR, CIRRUS, SWIR1, SWIR2 = range(12)


def tile_of(sensor_name: str, pixels: dict[str, float], *, side: int = SIZE, mask: np.ndarray | None = None) -> Tile:
    """Return a tile of flat bands with these values."""
    sensor, _ = load_sensor(sensor_name)
    return array_tile(
        np.stack([np.full((side, side), value, dtype=np.float32) for value in pixels.values()]),
        np.ones((side, side), dtype=bool) if mask is None else mask,
        sensor=sensor,
        bands=tuple(pixels),
        name="t",
        collection="c",
        href="t.tif",
    )


def present(out: np.ndarray) -> set[int]:
    return {number for number, plane in enumerate(out) if plane.any()}


def white(sensor: str, band: str) -> float:
    return float(10 * np.log10(load_sensor(sensor)[0].band(band).display.maximum))


@pytest.mark.parametrize("name", sorted(builtin_sensors()))
def test_every_built_in_sensor_has_planes(name: str) -> None:
    sensor = builtin_sensors()[name]
    out = planes(tile_of(name, {band.name: -10.0 if sensor.kind == "sar" else 0.3 for band in sensor.bands}), SIZE)
    assert out.dtype == np.uint8
    assert out.shape in {(2, SIZE, SIZE), (3, SIZE, SIZE), (12, SIZE, SIZE)}
    assert (out.shape[0] == 2) == (sensor.kind == "sar")
    assert out.any()


@pytest.mark.parametrize(
    ("name", "bands", "expected"),
    [
        ("naip", ("R", "G", "B", "NIR"), {RED, GREEN, BLUE, NIR}),
        ("landsat-c2-l2-tm", ("SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7", "ST_B6"),
         {BLUE, GREEN, RED, NIR, SWIR1, SWIR2}),
        ("sentinel-2-l1c", ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"),
         set(range(12))),
        ("sentinel-2-l2a", ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"),
         set(range(12)) - {CIRRUS}),
        ("ombria-s2", ("B11", "B08", "B03"), {SWIR1, NIR, GREEN}),
    ],
)  # fmt: skip
def test_each_band_goes_to_the_range_of_its_wavelength(name: str, bands: tuple[str, ...], expected: set[int]) -> None:
    out = planes(tile_of(name, dict.fromkeys(bands, 0.3)), SIZE)
    assert out.shape[0] == len(RANGES)
    assert present(out) == expected


def test_enmap_fills_every_range() -> None:
    sensor = builtin_sensors()["enmap"]
    assert present(planes(tile_of("enmap", {band.name: 0.3 for band in sensor.bands}), SIZE)) == set(range(12))


def test_plain_colours_stay_three_planes_in_their_order() -> None:
    out = planes(tile_of("rgb", {"blue": 10.0, "red": 200.0, "green": 90.0}), SIZE)
    assert out[:, 0, 0].tolist() == [200, 90, 10]


def test_a_grey_picture_is_seen_as_red_green_and_blue() -> None:
    out = planes(tile_of("panchromatic", {"pan": 77.0}), SIZE)
    assert out[:, 0, 0].tolist() == [77, 77, 77]


def test_three_bands_that_are_no_colours_are_not_taken_for_them() -> None:
    assert planes(tile_of("sentinel-2-l2a", dict.fromkeys(("B08", "B04", "B03"), 0.2)), SIZE).shape[0] == 12


def test_reflectance_goes_through_the_fixed_display_stretch() -> None:
    out = planes(tile_of("sentinel-2-l2a", {"B02": 0.05, "B03": 0.2, "B04": 0.9, "B08": 0.0}), SIZE)
    # Sentinel-2 for display: 1.3 * reflectance ** 0.6, at most 1
    for number, reflectance in ((BLUE, 0.05), (GREEN, 0.2), (RED, 0.9)):
        assert out[number, 0, 0] == pytest.approx(min(1.0, 1.3 * reflectance**0.6) * 255, abs=1.0)
    assert out[NIR, 0, 0] == 1, "black is not absent"


def test_bands_that_share_a_range_are_averaged() -> None:
    out = planes(tile_of("sentinel-2-l2a", {"B08": 0.1, "B8A": 0.3}), SIZE)
    expected = (1.3 * 0.1**0.6 + 1.3 * 0.3**0.6) / 2 * 255
    assert out[NIR, 0, 0] == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(("low", "high"), [(-22.0, -5.0), (-30.0, 3.0)])
def test_sar_stays_in_db_from_the_white_point(low: float, high: float) -> None:
    out = planes(tile_of("sentinel-1-rtc", {"VV": high, "VH": low}), SIZE)
    step = (DB_HIGH - DB_LOW) / 254
    assert white("sentinel-1-rtc", "VV") == pytest.approx(-5.229, abs=1e-3)
    for row, (band, value) in enumerate((("VV", high), ("VH", low))):
        back = (float(out[row, 0, 0]) - 1) * step + DB_LOW + white("sentinel-1-rtc", band)
        assert back == pytest.approx(value, abs=step)


def test_sar_beyond_the_range_is_clipped_and_never_absent() -> None:
    out = planes(tile_of("sentinel-1-rtc", {"VV": 60.0, "VH": -200.0}), SIZE)
    assert out[:, 0, 0].tolist() == [255, 1]


@pytest.mark.parametrize(
    ("name", "band"), [("sentinel-1-rtc", "VV"), ("ombria-s1", "VV"), ("dsn-sar", "HH"), ("dsn-sar", "VV")]
)
def test_one_polarisation_leaves_the_other_absent(name: str, band: str) -> None:
    out = planes(tile_of(name, {band: white(name, band)}), SIZE)
    assert present(out) == {0}
    assert out[0, 0, 0] == pytest.approx(1 + 254 * -DB_LOW / (DB_HIGH - DB_LOW), abs=1.0)


def test_cross_polarised_alone_goes_to_its_own_plane() -> None:
    assert present(planes(tile_of("sentinel-1-rtc", {"VH": -15.0}), SIZE)) == {1}


def test_thermal_alone_cannot_be_seen() -> None:
    with pytest.raises(SensorError, match=r"landsat-c2-l2-tm has no band between 0\.4 and 2\.5 um among ST_B6"):
        planes(tile_of("landsat-c2-l2-tm", {"ST_B6": 300.0}), SIZE)


def test_an_edge_tile_is_mirrored_into_its_padding() -> None:
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    mask[:10, :12] = True
    tile = tile_of("rgb", {"red": 0.0, "green": 0.0, "blue": 0.0}, mask=mask)
    ramp = np.arange(10 * 12, dtype=np.float32).reshape(10, 12) + 20
    tile.pixels[:, :10, :12] = ramp
    out = planes(tile, SIZE)
    np.testing.assert_array_equal(out[0, :10, :12], ramp)
    np.testing.assert_array_equal(out[0, 10:, :12], ramp[::-1][:6])
    np.testing.assert_array_equal(out[0, :10, 12:], ramp[:, ::-1][:, :4])


def test_holes_get_the_mean_of_what_is_seen() -> None:
    mask = np.ones((SIZE, SIZE), dtype=bool)
    mask[4:6, 4:6] = False
    out = planes(tile_of("rgb", {"red": 60.0, "green": 90.0, "blue": 120.0}, mask=mask), SIZE)
    assert {int(value) for value in np.unique(out[0])} == {60}


def test_resampling_averages_the_bands_unit() -> None:
    tile = tile_of("rgb", {"red": 0.0, "green": 0.0, "blue": 0.0}, side=4 * SIZE)
    tile.pixels[:, ::2] = 200.0
    out = planes(tile, SIZE)
    assert out.shape == (3, SIZE, SIZE)
    assert float(out[:, 2:-2, 2:-2].mean()) == pytest.approx(100.0, abs=2.0)


def test_the_tile_is_left_alone() -> None:
    mask = np.ones((SIZE, SIZE), dtype=bool)
    mask[:3] = False
    tile = tile_of("sentinel-2-l2a", {"B02": 0.1, "B08": 0.3}, mask=mask)
    before = tile.pixels.copy()
    planes(tile, 8)
    np.testing.assert_array_equal(tile.pixels, before)


def test_the_colour_ranges_are_red_green_and_blue() -> None:
    assert [RANGES[number][0] for number in COLOURS] == ["red", "green", "blue"]
    borders = [(low, high) for _, low, high in RANGES]
    assert all(before[1] == after[0] for before, after in itertools.pairwise(borders)), "no gap"
