"""Boxes, polygons, footprints and cells, above all where the globe's coordinates tear: at 180 degrees and the poles."""

from __future__ import annotations

import json
import math
from pathlib import Path

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer
from shapely.geometry import MultiPolygon, Polygon, box, mapping
from shapely.geometry.base import BaseGeometry

from core import (
    QueryError,
    bbox_geometry,
    cell_text,
    centre_cell,
    cover_cells,
    geometry_bbox,
    parse_bbox,
    parse_cell,
    parse_geometry,
    wrap_footprint,
)

GEOD = Geod(ellps="sphere")
lons = st.floats(-180, 180)
lats = st.floats(-90, 90)


# --- boxes


@pytest.mark.parametrize("value", ["-3.9,40.2,-3.5,40.6", (-3.9, 40.2, -3.5, 40.6), [-3.9, 40.2, -3.5, 40.6]])
def test_a_bbox_is_read_from_text_and_sequences(value: str | tuple[float, ...]) -> None:
    assert parse_bbox(value) == (-3.9, 40.2, -3.5, 40.6)


@pytest.mark.parametrize(
    "value",
    ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "nan,0,1,1", "0,0,inf,1", "0,10,1,5", "-181,0,0,1", "0,-91,1,1", "0 0 1 1"],
)
def test_a_malformed_bbox_is_refused_with_an_example(value: str) -> None:
    with pytest.raises(QueryError, match="west,south,east,north"):
        parse_bbox(value)


def test_a_bbox_that_is_no_sequence_is_refused() -> None:
    with pytest.raises(QueryError, match="not four numbers"):
        parse_bbox(5)  # type: ignore[arg-type]  # what a careless caller may pass


def test_a_bbox_across_the_antimeridian_becomes_two_boxes() -> None:
    geometry = bbox_geometry((170, -10, -175, 10))
    assert geometry.equals(MultiPolygon([box(170, -10, 180, 10), box(-180, -10, -175, 10)]))


@pytest.mark.parametrize("bbox", [(5, 5, 5, 5), (5, 4, 5, 6), (4, 5, 6, 5), (180, 0, -170, 1), (170, 0, -180, 1)])
def test_a_bbox_without_width_or_height_is_valid_and_touches_what_it_touches(
    bbox: tuple[float, float, float, float],
) -> None:
    geometry = bbox_geometry(bbox)
    assert geometry.is_valid
    assert geometry.intersects(box(-180, -90, 180, 90))
    assert not geometry.intersects(box(20, 20, 30, 30))


@given(lons, lats, lons, lats)
def test_the_bbox_of_a_bbox_geometry_is_that_bbox(west: float, south: float, east: float, north: float) -> None:
    assume(south < north and west != east)
    assume((west, east) not in [(180, -180), (-180, 180)] and west != 180 and east != -180)
    assert geometry_bbox(bbox_geometry((west, south, east, north))) == (west, south, east, north)


def test_the_bbox_of_many_parts_across_the_antimeridian_holds_them_all() -> None:
    parts = MultiPolygon([box(160, 0, 170, 1), box(175, 0, 180, 1), box(-180, 0, -170, 1), box(-165, 0, -160, 2)])
    assert geometry_bbox(parts) == (160, 0, -160, 2)


def test_the_bbox_of_parts_apart_does_not_cross_the_antimeridian() -> None:
    assert geometry_bbox(MultiPolygon([box(-170, 0, -160, 1), box(160, 0, 180, 1)])) == (-170, 0, 180, 1)


def test_the_bbox_of_a_polar_cap_is_all_longitudes() -> None:
    assert geometry_bbox(box(-180, 80, 180, 90)) == (-180, 80, 180, 90)


# --- footprints


def test_an_ordinary_footprint_keeps_its_vertices_and_winds_counter_clockwise() -> None:
    footprint = wrap_footprint([(10, 51), (11, 51), (11, 50), (10, 50)])
    assert footprint.equals(box(10, 50, 11, 51))
    assert isinstance(footprint, Polygon)
    assert footprint.exterior.is_ccw


@pytest.mark.parametrize(
    "ring",
    [
        [(179, 0), (-179, 0), (-179, 1), (179, 1)],
        [(179, 0), (181, 0), (181, 1), (179, 1)],
        [(-181, 0), (-179, 0), (-179, 1), (-181, 1)],
        [(-179, 1), (179, 1), (179, 0), (-179, 0), (-179, 1)],
    ],
)
def test_a_ring_across_180_is_cut_there_whichever_way_it_is_written(ring: list[tuple[float, float]]) -> None:
    footprint = wrap_footprint(ring)
    assert footprint.equals(MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)]))
    assert all(part.exterior.is_ccw for part in footprint.geoms)  # type: ignore[attr-defined]  # a MultiPolygon
    assert geometry_bbox(footprint) == (179, 0, -179, 1)


def test_longitudes_of_0_to_360_are_brought_to_180() -> None:
    assert wrap_footprint([(300, 0), (310, 0), (310, 5), (300, 5)]).equals(box(-60, 0, -50, 5))


@pytest.mark.parametrize("edge", [180.0, 180 + 1e-12, 180 - 1e-12, -180.0])
def test_a_ring_that_only_touches_180_leaves_no_sliver_on_the_other_side(edge: float) -> None:
    footprint = wrap_footprint([(edge, 0), (179, 0), (179, 1), (edge, 1)])
    assert isinstance(footprint, Polygon)
    assert footprint.equals(box(179, 0, 180, 1))


@pytest.mark.parametrize("step", [45, -45])
@pytest.mark.parametrize("side", [1, -1])
def test_a_ring_round_a_pole_encloses_it(step: int, side: int) -> None:
    ring = [(lon % 360 - 180.0, side * 80.0) for lon in range(0, step * 8, step)]
    footprint = wrap_footprint(ring)
    assert footprint.equals(box(-180, 80, 180, 90) if side > 0 else box(-180, -90, 180, -80))


def test_a_tile_with_a_corner_on_the_pole_keeps_its_quarter() -> None:
    assert wrap_footprint([(20, 89), (65, 88), (110, 89), (-77, 90)]).equals(
        Polygon([(20, 89), (65, 88), (110, 89), (110, 90), (20, 90)])
    )


def test_a_tile_with_an_edge_through_the_pole_keeps_its_half() -> None:
    footprint = wrap_footprint([(0, 89), (60, 88), (120, 88), (180, 89), (0, 90)])
    assert footprint.area == pytest.approx(Polygon([(0, 89), (60, 88), (120, 88), (180, 89), (180, 90), (0, 90)]).area)


def test_the_whole_world_is_the_whole_world() -> None:
    lon = [*range(0, 361, 90), *range(360, -1, -90)]
    ring = [(x, 90.0 if at < 5 else -90.0) for at, x in enumerate(lon)]
    assert wrap_footprint(ring).equals(box(-180, -90, 180, 90))


@settings(max_examples=150, deadline=None)
@given(lons, st.one_of(lats, st.sampled_from([90.0, -90.0, 89.99, -89.999])), st.floats(0, 360), st.floats(1e3, 5e5))
def test_a_square_anywhere_on_the_globe_holds_its_inside_and_nothing_else(
    lon: float, lat: float, turn: float, side: float
) -> None:
    """The oracle is the plane the square was drawn on, an azimuthal projection round its own centre."""
    plane = f"+proj=aeqd +lat_0={lat} +lon_0={lon} +R=6371000 +units=m"
    to_globe = Transformer.from_crs(plane, "+proj=longlat +R=6371000", always_xy=True)
    footprint = wrap_footprint(list(zip(*to_globe.transform(*_square(side, turn, steps=720)), strict=True)))
    assert footprint.is_valid
    assert shapely.get_coordinates(footprint)[:, 0].min() >= -180
    assert shapely.get_coordinates(footprint)[:, 0].max() <= 180
    inside = to_globe.transform(*_square(side * 0.99, turn, steps=40))
    outside = to_globe.transform(*_square(side * 1.01, turn, steps=40))
    assert shapely.intersects_xy(footprint, np.clip(inside[0], -180, 180), inside[1]).all()
    assert not shapely.intersects_xy(footprint, *outside).any()


def _square(side: float, turn: float, *, steps: int) -> tuple[np.ndarray, np.ndarray]:
    at = np.arange(4 * steps) / steps
    x = np.interp(at, range(5), [-1, 1, 1, -1, -1]) * side / 2
    y = np.interp(at, range(5), [-1, -1, 1, 1, -1]) * side / 2
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return cos * x - sin * y, sin * x + cos * y


# --- cells


@pytest.mark.parametrize(
    "geometry",
    [
        box(-3.70, 40.0, -3.68, 40.02),
        box(-3.7, 40, -2.7, 41),
        box(-3, 40, 20, 60),
        box(-100, 40, 100, 60),
        box(-180, 80, 180, 90),
        box(-180, -90, 180, -89.9),
        box(-180, 80, 0, 90),
        box(0, 85, 90, 90),
        box(-180, -90, 180, 90),
        MultiPolygon([box(179.9, 10, 180, 10.2), box(-180, 10, -179.9, 10.2)]),
        box(0, 0, 1e-6, 1e-6),
        box(0, 40, 1, 40.0001),
        box(147, 85, 148, 90),
        box(-30, -90, -29.5, -87),
        box(-180, 89.9999, 180, 90),
        box(10, -90, 100, -89.999),
        box(-80, 89.999, 80, 89.9992),
        box(-180, 89, 180, 90).difference(box(-100, 89.4, 20, 89.6)),
    ],
    ids=lambda geometry: str(geometry.bounds),
)
def test_the_cover_has_no_holes(geometry: Polygon | MultiPolygon) -> None:
    cells = cover_cells(geometry)
    resolutions = {h3.get_resolution(cell) for cell in cells}
    assert len(resolutions) == 1
    resolution = resolutions.pop()
    assert len(cells) <= 16 or resolution == 0
    assert _cells_of_points(geometry, resolution) <= set(cells)


@settings(max_examples=50, deadline=None)
@example(lon=147.0, lat=85.0, width=1.0, height=5.0)
@given(lons, st.floats(-89, 89), st.floats(0.001, 5), st.floats(0.001, 5))
def test_the_cover_of_any_small_tile_has_no_holes(lon: float, lat: float, width: float, height: float) -> None:
    ring = [(lon, lat), (lon + width, lat), (lon + width, min(90, lat + height)), (lon, min(90, lat + height))]
    geometry = wrap_footprint(ring)
    cells = cover_cells(geometry)
    assert 1 <= len(cells) <= 16
    assert _cells_of_points(geometry, h3.get_resolution(cells[0]), count=200) <= set(cells)


def _cells_of_points(geometry: BaseGeometry, resolution: int, count: int = 3000) -> set[int]:
    """The cells of random points inside and of many along the edge."""
    rng = np.random.default_rng(0)
    west, south, east, north = geometry.bounds
    lon, lat = rng.uniform(west, east, count), rng.uniform(south, north, count)
    inside = shapely.intersects_xy(geometry, lon, lat)
    edge = shapely.get_coordinates(shapely.segmentize(geometry, (east - west + north - south) / 200))
    points = np.concatenate([np.stack([lon, lat], axis=1)[inside], edge])
    return {h3.latlng_to_cell(y, x, resolution) for x, y in points}


def test_the_cover_is_as_fine_as_sixteen_cells_allow() -> None:
    cells = cover_cells(box(-3.70, 40.0, -3.68, 40.02))
    shape = h3.geo_to_h3shape(box(-3.70, 40.0, -3.68, 40.02))
    finer = h3.h3shape_to_cells_experimental(shape, h3.get_resolution(cells[0]) + 1, contain="overlap")
    assert len(cells) <= 16 < len(finer)


@pytest.mark.parametrize("lat", [89.9999, -89.999, 89.99])
def test_a_tile_round_a_pole_is_covered_finely(lat: float) -> None:
    ring = [(lon, lat) for lon in (10, 100, 190, 280)]
    cells = cover_cells(wrap_footprint(ring))
    assert len(cells) <= 16
    assert h3.get_resolution(cells[0]) >= 8


def test_cells_survive_being_written_and_read() -> None:
    cell = centre_cell(-3.69, 40.01)
    assert h3.get_resolution(cell) == 12
    assert parse_cell(cell_text(cell)) == cell


@pytest.mark.parametrize(
    "text",
    ["", "zzz", "8a390ca36b57ff", "-1", "f" * 40, "0", "8a390ca36b57fff0", "8a_39_0ca36b57fff", "0x8a390ca36b57fff"],
)
def test_what_is_no_cell_is_refused(text: str) -> None:
    with pytest.raises(QueryError, match="not an H3 cell"):
        parse_cell(text)


# --- search areas

SQUARE = box(10, 50, 11, 51)


def test_an_area_is_read_from_a_mapping_text_file_and_shapely(tmp_path: Path) -> None:
    file = tmp_path / "area.geojson"
    file.write_text(json.dumps(mapping(SQUARE)))
    for value in (mapping(SQUARE), json.dumps(mapping(SQUARE)), file, str(file), SQUARE):
        assert parse_geometry(value).equals(SQUARE)


def test_features_and_collections_become_their_union() -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(SQUARE)}
    other = {"type": "Feature", "properties": None, "geometry": mapping(box(11, 50, 12, 51))}
    assert parse_geometry(feature).equals(SQUARE)
    assert parse_geometry({"type": "FeatureCollection", "features": [feature, other]}).equals(box(10, 50, 12, 51))
    members = [mapping(SQUARE), mapping(box(11, 50, 12, 51))]
    assert parse_geometry({"type": "GeometryCollection", "geometries": members}).equals(box(10, 50, 12, 51))


def test_both_conventions_for_the_antimeridian_mean_the_same() -> None:
    cut = MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)])
    for running_on in (box(179, 0, 181, 1), box(-181, 0, -179, 1)):
        assert parse_geometry(mapping(running_on)).equals(cut)
    assert parse_geometry(mapping(cut)).equals(cut)


def test_an_area_that_only_reaches_180_from_beyond_leaves_no_line_behind() -> None:
    assert parse_geometry(mapping(box(180, 0, 190, 1))).equals(box(-180, 0, -170, 1))
    assert parse_geometry(mapping(box(180, 0, 190, 1))).geom_type == "Polygon"


def test_a_polygon_in_three_dimensions_and_wound_clockwise_is_accepted() -> None:
    ring = [[10, 50, 7], [10, 51, 7], [11, 51, 7], [11, 50, 7], [10, 50, 7]]
    assert parse_geometry({"type": "Polygon", "coordinates": [ring]}).equals(SQUARE)


def test_a_hole_stays_a_hole() -> None:
    area = parse_geometry(mapping(box(0, 0, 10, 10).difference(box(4, 4, 6, 6))))
    assert not area.intersects(box(4.5, 4.5, 5.5, 5.5))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("no-such-file.geojson", "cannot read GeoJSON"),
        ("{", "not JSON"),
        ('{"type": "Polygon"}', "cannot be read"),
        ('{"type": "Feature", "geometry": null}', "cannot be read"),
        ('{"type": "Banana", "coordinates": []}', "cannot be read"),
        ('{"no": "type"}', "cannot be read"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [1, "x"], [1, 1], [0, 0]]]}', "cannot be read"),
        ('{"type": "Point", "coordinates": [0, 0]}', "a Point"),
        ('{"type": "FeatureCollection", "features": []}', "empty"),
        ('{"type": "Polygon", "coordinates": []}', "empty"),
        (mapping(box(500000, 4600000, 510000, 4610000)), "outside"),
        (mapping(box(0, 80, 10, 100)), "outside"),
        (mapping(Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])), "not a valid polygon"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [NaN, 1], [0, 0]]]}', "NaN is not a number"),
    ],
)
def test_what_is_no_area_is_refused(value: str | dict[str, object] | Polygon, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        parse_geometry(value)


def test_json_that_is_no_object_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "list.geojson"
    file.write_text("[1, 2]")
    with pytest.raises(QueryError, match="holds a list"):
        parse_geometry(file)


def test_an_area_of_too_many_vertices_is_refused() -> None:
    angles = np.linspace(0, 2 * np.pi, 100_002)
    with pytest.raises(QueryError, match="at most 100,000"):
        parse_geometry(Polygon(np.stack([np.cos(angles), np.sin(angles)], axis=1)))
