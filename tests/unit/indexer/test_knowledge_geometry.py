"""Places of entries: circles round points, and what is refused."""

import math

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import GeometryCollection, LineString, MultiPoint, Point
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM, InputError
from indexer.knowledge import circle
from indexer.knowledge._geometry import MAX_VERTICES, cells_of, checked_place, extent

LONS, LATS = st.floats(-180, 180), st.floats(-90, 90)
RADII = st.floats(0.1, 1500)


def at(lon: float, lat: float, bearing: float, km: float) -> tuple[float, float]:
    """The point so far away in a direction, by turning a vector on the sphere."""
    phi, lam, angle = math.radians(lat), math.radians(lon), km / EARTH_RADIUS_KM
    here = np.array([math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)])
    north = np.array([-math.sin(phi) * math.cos(lam), -math.sin(phi) * math.sin(lam), math.cos(phi)])
    east = np.array([-math.sin(lam), math.cos(lam), 0])
    there = math.cos(angle) * here + math.sin(angle) * (math.cos(bearing) * north + math.sin(bearing) * east)
    return math.degrees(math.atan2(there[1], there[0])), math.degrees(math.asin(np.clip(there[2], -1, 1)))


@settings(max_examples=150, deadline=None)
@given(LONS, LATS, RADII, st.floats(0, 2 * math.pi))
def test_circle_holds_what_is_inside_and_not_what_is_outside(lon: float, lat: float, km: float, bearing: float) -> None:
    found = circle(lon, lat, km)
    assert found.is_valid
    assert shapely.dwithin(found, Point(at(lon, lat, bearing, km * 0.98)), 1e-6)
    # Straight edges on the map stray from great circles near the poles only; corners lie 0.12 % beyond.
    if abs(lat) + math.degrees(km / EARTH_RADIUS_KM) < 70:
        assert not found.contains(Point(at(lon, lat, bearing, km * 1.02)))


def test_circle_over_the_antimeridian_is_cut_there() -> None:
    found = circle(179.9, 10, 100)
    assert found.geom_type == "MultiPolygon"
    assert found.bounds[0] == -180
    assert found.bounds[2] == 180
    assert found.area < 5


def test_only_points_with_a_radius_reach_beyond_themselves() -> None:
    line = LineString([(0, 0), (1, 1)])
    assert extent(line, 5) is line
    assert extent(Point(1, 2), None) == Point(1, 2)
    assert extent(Point(1, 2), 5).area > 0


@pytest.mark.parametrize(
    "place",
    [
        Point(180, 90),
        Point(0, 0),
        Point(7, -90),
        LineString([(179, 0), (180, 0)]),
        MultiPoint([(1, 2)]),
        LineString([(-96.6, 89.9999), (-24.6, 90)]),
        circle(10, 89.9999, 0.01),
        circle(0, -90, 3),
        circle(0, 0, 0.001),
    ],
)
def test_every_place_can_be_covered_with_cells(place: BaseGeometry) -> None:
    cells = cells_of(place)
    assert 1 <= len(cells) <= 16
    lon, lat = place.representative_point().coords[0]
    assert h3.latlng_to_cell(lat, lon, h3.get_resolution(cells[0])) in cells


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        (Point(), "empty"),
        (Point(5, 91), "right order"),
        (Point(float("nan"), 1), "right order"),
        (GeometryCollection([Point(1, 2)]), "GeometryCollection is no place"),
        (LineString(np.zeros((MAX_VERTICES + 1, 2))), "at most 20,000 are accepted"),
    ],
)
def test_what_is_no_place_is_refused(geometry: BaseGeometry, message: str) -> None:
    with pytest.raises(InputError, match=message):
        checked_place(geometry)


def test_heights_are_dropped_and_longitudes_wrapped() -> None:
    assert checked_place(Point(1, 2, 3)).has_z is False
    assert checked_place(Point(190, 2)) == Point(-170, 2)


def test_a_line_without_length_is_a_point() -> None:
    assert checked_place(LineString([(3, 4), (3, 4)])) == Point(3, 4)
