"""Lines that cross one another so often that joining or comparing them would take minutes and gigabytes.

GEOS puts a vertex on every crossing: a union of 600 long strips across 600 others took 21 s and 1.1 GB, and comparing
a line of 5,000 random vertices with some hundred footprints minutes. Both are a few kilobytes of GeoJSON. So crossings
are counted first, and counting stops as soon as there are too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

MAX_UNION_CROSSINGS = 50_000
"""Most crossings of outlines that are joined: half a second, and 50 MB."""

MAX_LINE_CROSSINGS = 1_000
"""Most crossings of lines; they are cut there for every footprint they are compared with."""

_MEETINGS_OF_AREAS = 20
"""Bounds of other edges that those of one edge may meet: in a mesh of triangles 12, in a grid of squares 8."""

_MEETINGS_OF_LINES = 4
"""In a network of roads 3. A buffer round 350 edges to and fro between two points took 2 s and 735 MB."""

_MEETINGS_A_CROSSING = 10
"""As many again for each crossing that is accepted, for outlines of few long edges."""

_AT_ONCE = 32
"""Edges looked up together: with 100,000 others that all meet them, 50 MB of pairs."""

Edges = NDArray[np.float64]


def crosses_much(geometries: Sequence[BaseGeometry], most: int) -> bool:
    """Return whether the edges of some geometries, all together, cross more often than ``most`` times.

    Edges that only touch, or lie along each other, count where they are very many.

    Args:
        geometries: Of any kind; points have no edges.
        most: Crossings that are accepted.
    """
    edges = _edges(geometries)
    if len(edges) < 3:
        return False
    boxes = np.asarray(shapely.linestrings(edges.reshape(-1, 2, 2)))
    tree = shapely.STRtree(boxes)
    of_one = _MEETINGS_OF_LINES if any("Line" in each.geom_type for each in geometries) else _MEETINGS_OF_AREAS
    allowed = _MEETINGS_A_CROSSING * most + of_one * len(edges)
    meetings = crossings = 0
    for start in range(0, len(edges), _AT_ONCE):
        first, second = tree.query(boxes[start : start + _AT_ONCE])
        later = second > first + start
        meetings += int(later.sum())
        crossings += _crossings(edges[first[later] + start], edges[second[later]])
        if meetings > allowed or crossings > most:
            return True
    return False


def _edges(geometries: Sequence[BaseGeometry]) -> Edges:
    """(n, 4) x, y of both ends."""
    parts = [ring for part in shapely.get_parts(shapely.get_parts(list(geometries))) for ring in _rings(part)]
    ends = [np.hstack((points[:-1], points[1:])) for points in map(shapely.get_coordinates, parts) if len(points) > 1]
    return np.concatenate(ends) if ends else np.empty((0, 4))


def _rings(part: Any) -> list[BaseGeometry]:
    return [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]


def _crossings(some: Edges, others: Edges) -> int:
    """How many pairs of edges cross, each at a point within both."""
    apart = _sides(some, others[:, :2]) * _sides(some, others[:, 2:]) < 0
    return int((apart & (_sides(others, some[:, :2]) * _sides(others, some[:, 2:]) < 0)).sum())


def _sides(edges: Edges, points: Edges) -> NDArray[np.float64]:
    """On which side of each edge a point lies, as the sign."""
    along, to = edges[:, 2:] - edges[:, :2], points - edges[:, :2]
    return np.sign(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0])
