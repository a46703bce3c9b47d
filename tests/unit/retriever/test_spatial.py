"""Distances and areas at the awkward places of the earth."""

import math

import h3.api.basic_int as h3
import numpy as np
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from core import EARTH_RADIUS_KM, centre_cell
from retriever import SearchRequest
from retriever._distance import distance_km
from retriever._evaluate import matching
from retriever._expression import Area, Nearby, columns_of
from retriever._literals import cell_ranges
from retriever._spatial import rough
from tests.unit.retriever.tables import row, rows_in_memory

DEGREE_KM = EARTH_RADIUS_KM * math.pi / 180
ACROSS = MultiPolygon([box(179.5, -17, 180, -16), box(-180, -17, -179, -16)])
CAP = Polygon([(-180, 90), (-180, 89), (0, 89), (180, 89), (180, 90)])


def distance(lat: float, lon: float, footprint: BaseGeometry) -> float:
    return float(distance_km(Nearby(lat=lat, lon=lon, radius_km=1), np.array([footprint]))[0])


@pytest.mark.parametrize(
    ("lat", "lon", "footprint", "degrees"),
    [
        (0.5, 0.5, box(0, 0, 1, 1), 0),  # inside
        (1, 1, box(0, 0, 1, 1), 0),  # on a corner
        (0, 3, box(0, -1, 1, 1), 2),  # beside an edge
        (-4, 0.5, box(0, -1, 1, 1), 3),  # below
        (-16.5, -180, ACROSS, 0),  # on the cut
        (-16.5, 180, ACROSS, 0),
        (0, 179, box(-180, -1, -179, 1), 1),  # over the antimeridian
        (0, -179, box(179, -1, 180, 1), 1),
        (90, 0, CAP, 0),  # the pole, by any of its names
        (90, 123, CAP, 0),
        (89.5, 77, CAP, 0),
        (88, 77, CAP, 1),
        (90, 0, box(10, 80, 20, 85), 5),
        (89, 180, box(-180, 80, -170, 85), 4),
        (0, 0, box(90, -1, 100, 1), 90),
    ],
)
def test_distances_are_great_circles(lat: float, lon: float, footprint: BaseGeometry, degrees: float) -> None:
    # An edge along a parallel bulges poleward by up to a metre between its pieces.
    assert distance(lat, lon, footprint) == pytest.approx(degrees * DEGREE_KM, abs=0.002)


def test_the_point_in_a_hole_is_outside() -> None:
    ring = Polygon(box(0, 0, 4, 4).exterior, [box(1, 1, 3, 3).exterior])
    assert distance(2, 2, ring) == pytest.approx(DEGREE_KM, rel=1e-3)


def test_distances_agree_with_points_set_densely_along_the_edges() -> None:
    rng = np.random.default_rng(5)
    for _ in range(200):
        lon, lat = rng.uniform((-170, -80), (170, 80))
        ring = [(lon + x, lat + y) for x, y in rng.uniform(-1, 1, (3, 2))]
        footprint = Polygon(ring)
        at = rng.uniform(-90, 90), rng.uniform(-180, 180)
        points = shapely.get_coordinates(shapely.segmentize(footprint, 0.001))
        h = np.sin(np.radians(points[:, 1] - at[0]) / 2) ** 2 + np.cos(np.radians(points[:, 1])) * math.cos(
            math.radians(at[0])
        ) * (np.sin(np.radians(points[:, 0] - at[1]) / 2) ** 2)
        nearest = float(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(h)).min())
        inside = footprint.intersects(Point(at[1], at[0]))
        assert distance(*at, footprint) == pytest.approx(0 if inside else nearest, abs=0.05)


def test_the_rough_test_lets_everything_pass_that_is_near() -> None:
    rng = np.random.default_rng(6)
    sides = rng.uniform((-180, -90, 0), (178, 89.5, 2), (300, 3))
    shapes: list[BaseGeometry] = [box(lon, lat, lon + wide, lat + 0.5) for lon, lat, wide in sides]
    shapes += [ACROSS, CAP, box(-180, -90, 180, -89.9)]
    rows = rows_in_memory([row(str(place), shape) for place, shape in enumerate(shapes)])
    for lat, lon, radius in rng.uniform((-90, -180, 0.1), (90, 180, 5000), (200, 3)):
        node = Nearby(lat=lat, lon=lon, radius_km=radius)
        (batch,) = rows.scan(columns_of(node))
        passing = set(matching(rough(node), batch).tolist())
        near = np.flatnonzero(distance_km(node, np.array(shapes)) <= radius)
        assert set(near.tolist()) <= passing
        assert matching(node, batch).tolist() == near.tolist()


@pytest.mark.parametrize(
    ("bbox", "expected"),
    [
        ([179.6, -17, 179.7, -16], ["across"]),
        ([-179.5, -17, -179.4, -16], ["across"]),
        ([170, -20, -170, -10], ["across", "west edge"]),
        ([-170, -20, 170, -10], []),
        ([179, -13, 180, -12], ["west edge"]),  # touches it on the antimeridian, under its other name
        ([-1, 89.5, 1, 90], ["cap"]),
        ([0.5, 0.5, 0.5, 0.5], ["plain"]),  # a point
        ([1, -5, 1, 5], ["plain"]),  # a line that touches
        ([1.0000001, -5, 2, 5], []),
        ([-180, -90, 180, 90], ["across", "cap", "plain", "west edge"]),
    ],
)
def test_boxes_meet_footprints_exactly(bbox: list[float], expected: list[str]) -> None:
    shapes = {"across": ACROSS, "cap": CAP, "plain": box(0, 0, 1, 1), "west edge": box(-180, -13, -179.9, -12)}
    rows = rows_in_memory([row(name, shape) for name, shape in sorted(shapes.items())] + [row("nowhere")])
    where = SearchRequest.build(text="x", bbox=bbox).where()
    assert where is not None
    (batch,) = rows.scan(["tile_id", *columns_of(where)])
    assert batch["tile_id"].take(matching(where, batch)).to_pylist() == expected


def test_an_area_is_met_by_its_shape_and_not_by_its_bounds() -> None:
    triangle = Polygon([(0, 0), (10, 0), (0, 10)])
    rows = rows_in_memory(
        [row("in", box(1, 1, 2, 2)), row("corner", box(8, 8, 9, 9)), row("touching", box(5, 5, 6, 6))]
    )
    where = Area(relation="intersects", geometry=triangle)
    (batch,) = rows.scan(columns_of(where))
    assert matching(where, batch).tolist() == [0, 2]


@pytest.mark.parametrize("resolution", range(13))
def test_cells_hold_their_descendants_and_no_others(resolution: int) -> None:
    rng = np.random.default_rng(resolution)
    cells = [centre_cell(lon, lat) for lon, lat in rng.uniform((-180, -90), (180, 90), (2000, 2))]
    wanted = {h3.cell_to_parent(cell, resolution) for cell in cells[:40]}
    ranges = cell_ranges(sorted(wanted))
    inside = [any(first <= cell <= last for first, last in ranges) for cell in cells]
    assert inside == [h3.cell_to_parent(cell, resolution) in wanted for cell in cells]


def test_cells_of_several_resolutions_may_overlap() -> None:
    fine = centre_cell(10, 50)
    coarse = h3.cell_to_parent(fine, 3)
    assert cell_ranges([fine, coarse, fine]) == cell_ranges([coarse])
