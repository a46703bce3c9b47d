"""Footprints, centres and ground sample distances against pyproj, rasterio and the projected plane itself."""

from __future__ import annotations

import math

import numpy as np
import pytest
import rasterio.warp
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from rasterio.crs import CRS
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from core import SceneError, geometry_bbox
from indexer._footprint import Georeference, crs_text

GEOD = Geod(ellps="WGS84")
near_pole = st.floats(-3e5, 1e5)
"""Metres from the pole of a corner whose tile may hold it."""


def place(crs: str, transform: Affine) -> Georeference:
    return Georeference(CRS.from_user_input(crs), transform)


def assert_fits(footprint: BaseGeometry, crs: str, transform: Affine, side: int, pixel: float) -> None:
    """Points one pixel inside the window's edge lie in the footprint, points one pixel outside do not."""
    to_globe = Transformer.from_crs(crs, 4326, always_xy=True)
    assert footprint.is_valid
    for grow, inside in [(-1.0, True), (1.0, False)]:
        at = np.linspace(-grow, side + grow, 300)
        ends = np.full_like(at, -grow), np.full_like(at, side + grow)
        cols = np.concatenate([at, at, ends[0], ends[1]])
        rows = np.concatenate([ends[0], ends[1], at, at])
        lon, lat = to_globe.transform(*(transform @ (cols, rows)))  # type: ignore[operator]  # arrays are accepted
        lon = (lon + 180) % 360 - 180
        assert (shapely.intersects_xy(footprint, lon, lat) == inside).all()


@pytest.mark.parametrize("crs", ["EPSG:32630", "EPSG:32719", "EPSG:26914", "EPSG:3857", "EPSG:2154"])
def test_a_tile_of_a_projected_scene_has_few_vertices_and_the_bounds_rasterio_gives(crs: str) -> None:
    x, y = (0, 5_000_000) if crs == "EPSG:3857" else (700_000, 6_600_000 if crs == "EPSG:2154" else 4_600_000)
    transform = Affine(10, 0, x, 0, -10, y)
    footprint = place(crs, transform).footprint(224, 448, 448, 672, pixel=10)
    bounds = (x + 2240, y - 6720, x + 4480, y - 4480)
    expected = rasterio.warp.transform_bounds(crs, "EPSG:4326", *bounds, densify_pts=50)
    assert geometry_bbox(footprint) == pytest.approx(expected, abs=5 / 111_000)
    assert len(shapely.get_coordinates(footprint)) == 5
    assert_fits(footprint, crs, transform @ Affine.translation(224, 448), 224, 10)


def test_a_wide_tile_gets_the_vertices_its_curved_edges_need() -> None:
    transform = Affine(500, 0, 300_000, 0, -500, 7_000_000)
    footprint = place("EPSG:32630", transform).footprint(0, 0, 224, 224, pixel=500)
    assert 5 < len(shapely.get_coordinates(footprint)) < 50
    assert_fits(footprint, "EPSG:32630", transform, 224, 500)


@pytest.mark.parametrize(
    "transform",
    [Affine.translation(400_000, 4_600_000) @ Affine.rotation(30) @ Affine.scale(10, -10),
     Affine(10, 3, 400_000, 2, -10, 4_600_000),
     Affine(10, 0, 400_000, 0, 10, 4_600_000)],
    ids=["rotated", "sheared", "south-up"],
)  # fmt: skip
def test_turned_and_south_up_scenes_are_where_they_are(transform: Affine) -> None:
    footprint = place("EPSG:32630", transform).footprint(0, 0, 224, 224, pixel=10)
    assert_fits(footprint, "EPSG:32630", transform, 224, 10)
    assert isinstance(footprint, Polygon)
    assert footprint.exterior.is_ccw


@pytest.mark.parametrize(("crs", "sign"), [("EPSG:3413", 1), ("EPSG:3031", -1)])
@pytest.mark.parametrize("centre", [0.5, 0.1, 0.999])
def test_a_tile_over_a_pole_holds_the_pole(crs: str, sign: int, centre: float) -> None:
    transform = Affine(100, 0, -22_400 * centre, 0, -100, 22_400 * 0.6)
    footprint = place(crs, transform).footprint(0, 0, 224, 224, pixel=100)
    assert footprint.intersects(shapely.Point(12, sign * 90))
    assert geometry_bbox(footprint)[::2] == (-180, 180)
    assert_fits(footprint, crs, transform, 224, 100)


@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:3031"])
def test_four_tiles_that_meet_at_a_pole_share_it_out_without_a_gap(crs: str) -> None:
    georeference = place(crs, Affine(100, 0, -22_400, 0, -100, 22_400))
    tiles = [georeference.footprint(x, y, x + 224, y + 224, pixel=100) for x in (0, 224) for y in (0, 224)]
    whole = georeference.footprint(0, 0, 448, 448, pixel=100)
    assert all(tile.is_valid for tile in tiles)
    assert sum(tile.area for tile in tiles) == pytest.approx(whole.area, rel=1e-3)
    assert shapely.union_all(tiles).symmetric_difference(whole).area < whole.area * 1e-3
    for tile in tiles:
        assert tile.area == pytest.approx(whole.area / 4, rel=1e-3)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["EPSG:3413", "EPSG:3031"]), st.floats(-3e6, 3e6) | near_pole, st.floats(-3e6, 3e6) | near_pole,
    st.sampled_from([10.0, 100.0, 1000.0]), st.floats(0, 360),
)  # fmt: skip
def test_polar_tiles_anywhere_are_where_they_are(crs: str, x: float, y: float, pixel: float, turn: float) -> None:
    transform = Affine.translation(x, y) @ Affine.rotation(turn) @ Affine.scale(pixel, -pixel)
    footprint = place(crs, transform).footprint(0, 0, 224, 224, pixel=pixel)
    assert_fits(footprint, crs, transform, 224, pixel)


@pytest.mark.parametrize(("crs", "x"), [("EPSG:32601", 166_021.0), ("EPSG:32660", 833_979.0)])
def test_a_tile_across_180_is_cut_there(crs: str, x: float) -> None:
    transform = Affine(10, 0, x - 1000, 0, -10, 1000)  # the edge of both zones at the equator is 180 degrees
    footprint = place(crs, transform).footprint(0, 0, 224, 224, pixel=10)
    assert isinstance(footprint, MultiPolygon)
    west, _, east, _ = geometry_bbox(footprint)
    assert west > 179
    assert east < -179
    assert_fits(footprint, crs, transform, 224, 10)


def test_longitudes_of_0_to_360_become_180() -> None:
    georeference = place("EPSG:4326", Affine(0.1, 0, 300, 0, -0.1, 10))
    assert georeference.footprint(0, 0, 100, 100, pixel=11_000).equals(box(-60, 0, -50, 10))
    assert georeference.point(50, 50) == pytest.approx((-55, 5))
    across = place("EPSG:4326", Affine(0.1, 0, 175, 0, -0.1, 10)).footprint(0, 0, 100, 100, pixel=11_000)
    assert across.equals(MultiPolygon([box(175, 0, 180, 10), box(-180, 0, -175, 10)]))


@pytest.mark.parametrize("west", [-180, 0])
def test_a_whole_world_grid_covers_the_world(west: float) -> None:
    georeference = place("EPSG:4326", Affine(1, 0, west, 0, -1, 90))
    assert georeference.footprint(0, 0, 360, 180, pixel=111_000).equals(box(-180, -90, 180, 90))


def test_a_grid_half_a_pixel_beyond_the_pole_ends_at_the_pole() -> None:
    georeference = place("EPSG:4326", Affine(0.25, 0, 0, 0, -0.25, 90.125))
    assert georeference.footprint(0, 0, 100, 100, pixel=27_000).bounds[3] == 90


@pytest.mark.parametrize(
    ("crs", "transform", "expected"),
    [
        ("EPSG:32630", Affine(10, 0, 400_000, 0, -10, 4_600_000), 10.0),
        ("EPSG:26914", Affine(5, 0, 485_900, 0, -5, 5_209_245), 5.0),
        ("EPSG:2263", Affine(3, 0, 980_000, 0, -3, 200_000), 3 * 0.3048006096),  # US survey feet
        ("EPSG:3857", Affine(10, 0, 0, 0, -10, 8_399_738), 5.0),  # at 60 degrees north
        ("EPSG:32630", Affine(8, -6, 400_000, -6, -8, 4_600_000), 10.0),
    ],
)
def test_the_gsd_is_in_metres_on_the_ground(crs: str, transform: Affine, expected: float) -> None:
    assert place(crs, transform).gsd(0, 0) == pytest.approx(expected, rel=0.005)


def test_a_utm_pixel_has_its_nominal_size() -> None:
    assert place("EPSG:32630", Affine(10, 0, 400_000, 0, -10, 4_600_000)).gsd(0, 0) == 10.0


def test_the_gsd_of_a_scene_in_degrees_is_measured_on_the_ellipsoid() -> None:
    georeference = place("EPSG:4326", Affine(0.001, 0, 10, 0, -0.001, 60))
    width, height = georeference.pixel_size(0, 0)
    assert width == pytest.approx(GEOD.line_length([10, 10.001], [60, 60]), rel=1e-5)
    assert height == pytest.approx(GEOD.line_length([10, 10], [59.9995, 60.0005]), rel=1e-5)
    assert georeference.gsd(0, 0) == pytest.approx(math.sqrt(width * height))


def test_a_crs_without_a_code_is_written_as_wkt2() -> None:
    crs = CRS.from_proj4("+proj=laea +lat_0=52 +lon_0=10 +x_0=1 +y_0=2 +ellps=GRS80 +units=m")
    text = crs_text(crs)
    assert text.startswith("PROJCRS[")
    assert CRS.from_wkt(text) == crs
    assert crs_text(CRS.from_epsg(32719)) == "EPSG:32719"


def test_pixels_off_the_earth_are_a_clear_error() -> None:
    geos = CRS.from_proj4("+proj=geos +h=35786023 +lon_0=-75 +sweep=x")
    with pytest.raises(SceneError, match="outside the area of its CRS"):
        Georeference(geos, Affine(2000, 0, -5_434_894, 0, -2000, 5_434_894)).point(0, 0)


def test_degrees_beyond_a_pole_are_a_clear_error_but_half_a_pixel_is_not() -> None:
    with pytest.raises(SceneError, match="outside the area of its CRS"):
        place("EPSG:4326", Affine(0.1, 0, 0, 0, -0.1, 100)).point(5, 5)
    assert place("EPSG:4326", Affine(0.25, 0, -180, 0, -0.25, 90.125)).point(0, 0)[1] == 90


@pytest.mark.parametrize("transform", [Affine.identity(), Affine(0, 0, 5, 0, 0, 5)])
def test_a_crs_without_a_usable_transform_is_a_clear_error(transform: Affine) -> None:
    with pytest.raises(SceneError, match="no usable geotransform"):
        place("EPSG:32630", transform)


def test_a_crs_of_no_planet_is_a_clear_error() -> None:
    with pytest.raises(SceneError, match="cannot be turned into lon, lat"):
        Georeference(CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]'), Affine(10, 0, 5, 0, -10, 5))
