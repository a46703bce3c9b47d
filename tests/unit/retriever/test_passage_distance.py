"""Distances between places, held against the shortest of many pairs of points along their outlines."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiPoint, MultiPolygon, Point, box
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM, bbox_geometry
from retriever.rag.passages._passage_distance import distances_km, reach

STEP = 0.02
"""Degrees between the points tried; two of them are at most half of it from where the outlines come nearest."""

SLACK_KM = STEP * 111.2


def haversine_km(a: np.ndarray, b: np.ndarray) -> float:
    lon_a, lat_a = np.radians(a).T[:, :, None]
    lon_b, lat_b = np.radians(b).T[:, None, :]
    h = np.sin((lat_a - lat_b) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_a - lon_b) / 2) ** 2
    return float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(h.clip(0, 1))).min())


def brute_force(one: BaseGeometry, other: BaseGeometry) -> float:
    if one.intersects(other):
        return 0.0
    return haversine_km(*(shapely.get_coordinates(shapely.segmentize(each, STEP)) for each in (one, other)))


@st.composite
def places(draw: st.DrawFn) -> BaseGeometry:
    lon, lat = draw(st.sampled_from([-180.0, -179.6, 0.0, 16.0, 179.5, 180.0])), draw(st.floats(-84, 84))
    lon = max(-180.0, min(180.0, lon + draw(st.floats(-0.5, 0.5))))
    width, height = draw(st.floats(0.01, 1.2)), draw(st.floats(0.01, 1.2))
    kind = draw(st.sampled_from(["point", "line", "box"]))
    if kind == "point":
        return Point(lon, lat)
    if kind == "line":
        return LineString([(lon, lat), (lon - math.copysign(width, lon), lat + height)])
    east = lon + width
    return bbox_geometry((lon, lat, east if east <= 180 else east - 360, lat + height))


@settings(max_examples=60, deadline=None)
@given(places(), st.lists(places(), min_size=1, max_size=3))
def test_distances_agree_with_brute_force(near: BaseGeometry, others: list[BaseGeometry]) -> None:
    for found, other in zip(distances_km(near, others), others, strict=True):
        tried = brute_force(near, other)
        assert found <= tried + 0.01
        assert found >= tried - SLACK_KM


@settings(max_examples=60, deadline=None)
@given(places(), places(), st.floats(0, 400))
def test_what_is_near_lies_in_the_boxes_of_the_reach(near: BaseGeometry, other: BaseGeometry, radius: float) -> None:
    if distances_km(near, [other])[0] <= radius:
        boxes = shapely.union_all(list(reach(near, radius)))
        assert boxes.intersects(other)


def test_a_place_of_many_parts_has_few_boxes() -> None:
    islands = MultiPoint([(177 + at / 100, at / 50) for at in range(300)] + [(-179.5, 3)])
    boxes = reach(islands, 20)
    assert len(boxes) <= 2
    assert all(shapely.union_all(boxes).intersects(island) for island in islands.geoms)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [
        (Point(0, 0), Point(1, 0), 111.195),
        (Point(179.5, 0), Point(-179.5, 0), 111.195),
        (Point(180, 5), Point(-180, 5), 0),
        (Point(0, 89), Point(180, 89), 222.390),
        (box(0, 0, 2, 2), Point(1, 1), 0),
        (box(0, 0, 2, 2), box(2, 2, 3, 3), 0),
        (box(0, 0, 2, 2), box(5, 0, 6, 2), 333.38),
        (LineString([(0, -1), (0, 1)]), Point(1, 0), 111.195),
        (MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)]), Point(-178, 0.5), 111.19),
    ],
)
def test_distances_that_can_be_looked_up(one: BaseGeometry, other: BaseGeometry, km: float) -> None:
    assert distances_km(one, [other])[0] == pytest.approx(km, abs=0.02)
    assert distances_km(other, [one])[0] == pytest.approx(km, abs=0.02)


def test_many_points_are_measured_at_once() -> None:
    around = [Point(lon, 10) for lon in np.linspace(-170, 170, 5_000)]
    found = distances_km(box(0, 0, 20, 20), around)
    assert found.shape == (5_000,)
    assert found[2_600] == 0
    assert found[0] == pytest.approx(distances_km(box(0, 0, 20, 20), around[:1])[0])


def test_nothing_is_no_distance() -> None:
    assert distances_km(Point(0, 0), []).shape == (0,)
