"""What filters mean, said again with shapely and pandas, one plain test after the other. Shares no code with search.

A condition is a ``pd.Series`` of dtype ``boolean``: true, false or NA for unknown, with pandas' own three-valued logic.
"""

import operator
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import h3
import numpy as np
import pandas as pd
import pyproj
import shapely
import shapely.affinity
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from tests.integration.real import rows_of

OPERATORS = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
NUMBERS = (
    "west", "south", "east", "north", "lon", "lat", "gsd", "col_off", "row_off", "width", "valid", "cloud", "offset",
)  # fmt: skip
TEXTS = ("tile_id", "scene_id", "collection", "sensor", "crs", "href", "label")
RADIUS_M = 6371008.8
ASTRAY_KM = 15_000

Condition = pd.Series


class BruteForce:
    """Every tile of an index, and plain answers about all of them."""

    def __init__(self, index: Path) -> None:
        rows = rows_of(index)
        self.frame = pd.DataFrame(rows).drop(columns=["preview", "vector", "captions", "h3_cover"])
        for name in NUMBERS:
            self.frame[name] = self.frame[name].astype("Float64")
        for name in TEXTS:
            self.frame[name] = self.frame[name].astype("string")
        self.frame["cell"] = pd.Series([row["h3"] and h3.int_to_str(row["h3"]) for row in rows], dtype="string")
        self.vectors = np.array([row["vector"] for row in rows], np.float64)
        self.shapes = np.array([row["footprint"] and shapely.from_wkb(row["footprint"]) for row in rows], object)
        self.placed = np.array([shape is not None for shape in self.shapes])
        self._edges()

    def _edges(self) -> None:
        """Points along all outlines, close enough that a straight line between two is as good as an arc."""
        self._outlines = shapely.segmentize(shapely.boundary(self.shapes[self.placed]), 0.05)
        self._points, self._owners = shapely.get_coordinates(self._outlines, return_index=True)

    def ranked(self, condition: Condition | None, query: np.ndarray) -> list[str]:
        """Ids of the matching tiles, best first; equal scores by id."""
        chosen = np.ones(len(self.frame), bool) if condition is None else condition.fillna(False).to_numpy(bool)
        scores = (self.vectors[chosen] * query.astype(np.float64)).sum(axis=1).astype(np.float32)
        found = pd.DataFrame({"id": self.frame["tile_id"][chosen].astype(object), "score": scores})
        ids: list[str] = found.sort_values(["score", "id"], ascending=[False, True])["id"].tolist()
        return ids

    def known(self, values: Any, where: Any) -> Condition:
        """The answers, unknown where the column has no value."""
        answers = pd.Series(np.asarray(values, bool), dtype="boolean")
        return answers.mask(~np.asarray(where, bool))

    def constant(self, value: bool) -> Condition:
        return pd.Series([value] * len(self.frame), dtype="boolean")

    def number(self, left: pd.Series, op: str, right: Any) -> Condition:
        answers: Condition = OPERATORS[op](left, right).astype("boolean")
        return answers

    def text(self, name: str, op: str, value: str, *, fold: bool = False) -> Condition:
        column = self.frame[name]
        given = [None if pd.isna(each) else OPERATORS[op](*_folded(fold, each, value)) for each in column]
        return pd.Series(given, dtype="boolean")

    def like(self, name: str, pattern: str) -> Condition:
        tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
        expression = re.compile("".join(_like_token(token) for token in tokens), re.DOTALL)
        given = [None if pd.isna(each) else bool(expression.fullmatch(each)) for each in self.frame[name]]
        return pd.Series(given, dtype="boolean")

    def missing(self, name: str) -> Condition:
        if name in ("geometry", "footprint"):
            return pd.Series(~self.placed, dtype="boolean")
        return self.frame[name].isna().astype("boolean")

    def instant(self, op: str, value: datetime) -> Condition:
        dates = self.frame["datetime"]
        return self.known(OPERATORS[op](dates, pd.Timestamp(value)), dates.notna())

    def between_dates(self, first: datetime | None, last: datetime | None) -> Condition:
        after = self.constant(True) if first is None else self.instant(">=", first)
        return after if last is None else after & self.instant("<=", last)

    def relation(self, name: str, geometry: BaseGeometry) -> Condition:
        answers = np.zeros(len(self.frame), bool)
        answers[self.placed] = getattr(shapely, name)(self.shapes[self.placed], geometry)
        return self.known(answers, self.placed)

    def wrapped(self, geometry: BaseGeometry) -> Condition:
        """Footprints that meet a geometry whose longitudes may run beyond 180."""
        met = [self.relation("intersects", shapely.affinity.translate(geometry, by)) for by in (-360, 0, 360)]
        return met[0] | met[1] | met[2]

    def bbox(self, west: float, south: float, east: float, north: float) -> Condition:
        return self.wrapped(_rectangle(west, south, east if west <= east else east + 360, north))

    def distance_km(self, lat: float, lon: float) -> np.ndarray:
        """To each placed footprint, measured on a map centred on the point, where distances from it are true."""
        place = f"+proj=aeqd +lat_0={lat!r} +lon_0={lon!r} +R={RADIUS_M} +units=m"
        onto = pyproj.Transformer.from_crs(f"+proj=longlat +R={RADIUS_M}", place, always_xy=True)
        mapped_points = np.column_stack(onto.transform(self._points[:, 0], self._points[:, 1]))
        mapped_points[~np.isfinite(mapped_points).all(axis=1)] = np.pi * RADIUS_M, 0  # the antipode itself
        mapped = shapely.set_coordinates(self._outlines.copy(), mapped_points)
        distance: np.ndarray = shapely.distance(mapped, Point(0, 0)) / 1000
        # Round the antipode, which is everywhere on the rim of the map, a line between two points goes astray.
        reach = np.full(len(distance), np.inf)
        np.minimum.at(reach, self._owners, np.hypot(*mapped_points.T) / 1000)
        distance = np.where(reach > ASTRAY_KM, reach, distance)
        names = {lon, -lon} if abs(lon) == 180 else {lon}
        for name in names:
            distance[shapely.intersects(self.shapes[self.placed], Point(name, lat))] = 0
        return distance

    def near(self, lat: float, lon: float, radius_km: float) -> Condition:
        answers = np.zeros(len(self.frame), bool)
        answers[self.placed] = self.distance_km(lat, lon) <= radius_km
        return self.known(answers, self.placed)

    def in_cells(self, cells: list[str]) -> Condition:
        wanted = set(cells)
        levels = {h3.get_resolution(cell) for cell in wanted}
        given = [
            None if pd.isna(cell) else any(h3.cell_to_parent(cell, level) in wanted for level in levels)
            for cell in self.frame["cell"]
        ]
        return pd.Series(given, dtype="boolean")

    def one_of(self, name: str, values: list[Any]) -> Condition:
        return self.known(self.frame[name].isin(values), self.frame[name].notna())


def _rectangle(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A box, or the line or point it shrinks to."""
    return shapely.MultiPoint([(west, south), (west, north), (east, north), (east, south)]).convex_hull


def _folded(fold: bool, *texts: str) -> tuple[str, ...]:
    return tuple(text.casefold() for text in texts) if fold else texts


def _like_token(token: str) -> str:
    if len(token) == 2:
        return re.escape(token[1])
    return {"%": ".*", "_": "."}.get(token, re.escape(token))
