"""Filters drawn at random from the whole grammar, most of them about a tile that is there, many right on an edge."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

import h3.api.basic_int as h3
import numpy as np
import pyarrow as pa
import shapely
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from core import CENTRE_RESOLUTION, geometry_bbox
from retriever import FILTER_COLUMNS, Expression, SearchRequest
from retriever._expression import (
    Always,
    And,
    Area,
    Arithmetic,
    Column,
    Compare,
    Comparison,
    Constant,
    Fold,
    InCells,
    IsNull,
    Kind,
    Like,
    Nearby,
    Not,
    OneOf,
    Or,
    Relation,
    Scalar,
    all_of,
    compare,
)
from retriever._literals import cell_ranges

NUMBERS = tuple(name for name, kind in FILTER_COLUMNS.items() if kind == "number")
TEXTS = tuple(name for name, kind in FILTER_COLUMNS.items() if kind == "text")
_PATTERNS = ("%", "%a%", "sensor_", "c00%", "%~r0000c0000", "100\\%", "Str_ße", "F%t", "EPSG:326__", "", "_")
_COMPARISONS: tuple[Comparison, ...] = get_args(Comparison)
_RELATIONS: tuple[Relation, ...] = get_args(Relation)
_US = timedelta(microseconds=1)
_WITHOUT_PLACE = (0.0, 45.0)


class RandomExpressions:
    """Draws filters about the tiles of a table.

    Args:
        tiles: Columns of the tile table.
        rng: Where chance comes from.
    """

    def __init__(self, tiles: pa.Table, rng: np.random.Generator) -> None:
        dropped = [name for name in ("vector", "preview", "captions", "h3_cover") if name in tiles.column_names]
        self._rows: list[dict[str, Any]] = tiles.drop_columns(dropped).to_pylist()
        self._rng = rng
        self._anchor = self._rows[0]
        self._plain: tuple[Callable[[], Expression], ...] = (
            self.bbox, self.bbox, self.dates, self.sensors, self.collections, self.clear, self.cells, self.near,
            self.polygon,
        )  # fmt: skip
        self._leaves: tuple[Callable[[], Expression], ...] = (
            *self._plain, self.area, self.area, self.number, self.number, self.text, self.instant, self.cell,
            self.choice, self.like, self.folded, self.null, self.null, self.sum, self.two_columns, self.always,
        )  # fmt: skip

    def draw(self) -> Expression | None:
        """Return a filter; None in one case of twelve."""
        kind, self._anchor = self._rng.random(), self._one(self._rows)
        if kind < 1 / 12:
            return None
        if kind < 0.55:
            return all_of([self._one(self._plain)() for _ in range(self._rng.integers(1, 5))])
        return self.tree(int(self._rng.integers(0, 4)))

    def tree(self, depth: int) -> Expression:
        """Return a filter of so many levels of AND, OR and NOT."""
        if depth == 0:
            leaf: Callable[[], Expression] = self._one(self._leaves)
            return leaf()
        kind = self._rng.random()
        if kind < 0.3:
            return Not(part=self.tree(depth - 1))
        parts = tuple(self.tree(depth - 1) for _ in range(self._rng.integers(1, 4)))
        return And(parts=parts) if kind < 0.65 else Or(parts=parts)

    def bbox(self) -> Expression:
        """A box round a tile, beside it, just touching it, or across the antimeridian."""
        west, south, east, north = self._bounds(self._row())
        kind = self._rng.random()
        if kind < 0.3:  # it shares a side with the tile, or misses it by one step
            gap = float(self._one((0.0, 0.0, 1e-12, -1e-12, 1e-7, -1e-7)))
            west, east = east + gap, east + gap + float(self._rng.choice([0, 0.01, 1]))
        else:
            size = float(self._rng.choice([0.0, 0.01, 0.1, 1, 10, 90]))
            west, east = west - size * self._rng.random(), east + size * self._rng.random()
            south, north = south - size * self._rng.random(), north + size * self._rng.random()
        sides = [_wrapped(west), _latitude(south), _wrapped(east), _latitude(north)]
        return self._asked(bbox=[-180, sides[1], 180, sides[3]] if east - west >= 360 else sides)

    def polygon(self) -> Expression:
        """A slanted area, as one draws it on a map."""
        return self._asked(within=self._star())

    def near(self) -> Expression:
        lon, lat = self._centre(self._row())
        radius = float(self._rng.choice([0.01, 1, 50, 2000, 12_000]) * self._rng.uniform(0.5, 1))
        return Nearby(lat=lat, lon=lon, radius_km=radius)

    def cells(self) -> Expression:
        known = [row["h3"] for row in (self._row() for _ in range(self._rng.integers(1, 5))) if row["h3"]]
        parents = [h3.cell_to_parent(cell, int(self._rng.integers(0, CENTRE_RESOLUTION + 1))) for cell in known]
        return InCells(ranges=cell_ranges(parents or [h3.latlng_to_cell(10.0, 10.0, 3)]))

    def dates(self) -> Expression:
        """A range of time: open, a day, a second, an instant, or years."""
        start = self._date()
        start += self._one((timedelta(0), _US, -_US, -timedelta(days=1), -timedelta(days=400), timedelta(seconds=1)))
        length = self._one((timedelta(0), _US, timedelta(seconds=1), timedelta(days=1), timedelta(days=3000)))
        end, kind = start + length, self._rng.random()
        first: tuple[Comparison, datetime] = (self._one((">=", ">=", ">")), start)
        last: tuple[Comparison, datetime] = (self._one(("<=", "<=", "<")), end)
        bounds = [first] if kind < 0.2 else [last] if kind < 0.4 else [first, last]
        return cast("Expression", all_of([compare("datetime", "instant", op, value) for op, value in bounds]))

    def sensors(self) -> Expression:
        return self._names("sensor")

    def collections(self) -> Expression:
        return self._names("collection")

    def clear(self) -> Expression:
        percent = float(self._rng.choice([0, 5, 20, 29, 57.0, 58.5, 99.5, 100]))
        return compare("cloud", "number", "<=", percent / 100)

    def area(self) -> Expression:
        row = self._row()
        west, south, east, north = self._bounds(row)
        own = [] if row["footprint"] is None else [shapely.from_wkb(row["footprint"])]
        lon, lat = self._centre(row)
        shapes: tuple[BaseGeometry, ...] = (
            self._star(), Point(lon, lat), LineString([(lon - 1, lat - 1), (lon, lat + 0.5)]), *own,
            box(min(west, east), south, max(west, east), north), box(lon - 2, max(lat - 2, -90), lon, lat),
        )  # fmt: skip
        return Area(relation=self._one(_RELATIONS), geometry=self._one(shapes))

    def number(self) -> Expression:
        """A number against a value that a tile has, or the next one a float32 or a float64 knows."""
        name = self._one(NUMBERS)
        found = self._row()[name]
        value = float(self._rng.integers(0, 10)) / 10 if found is None else float(found)
        value = self._one((value, value, float(np.float32(value)), math.nextafter(value, math.inf), value - 1))
        ordered = compare(name, "number", self._one(_COMPARISONS), value)
        if self._rng.random() < 0.8:
            return ordered
        return Compare(op=ordered.op, left=ordered.right, right=ordered.left)

    def text(self) -> Expression:
        name = self._one(TEXTS)
        return compare(name, "text", self._one(_COMPARISONS), self._row()[name] or "nothing")

    def instant(self) -> Expression:
        return compare("datetime", "instant", self._one(_COMPARISONS), self._date() + self._one((0, 1, -1)) * _US)

    def cell(self) -> Expression:
        return compare("h3", "cell", self._one(("=", "<>")), self._row()["h3"] or 0)

    def choice(self) -> Expression:
        """One of several values of any column."""
        name = self._one(tuple(name for name, kind in FILTER_COLUMNS.items() if kind != "cell"))
        kind: Kind = FILTER_COLUMNS[name]
        spare: dict[Kind, Scalar] = {"text": "it's", "number": 224.0, "instant": datetime(2020, 1, 1, tzinfo=UTC)}
        found = [self._row()[name] for _ in range(self._rng.integers(1, 4))]
        choices = tuple(spare[kind] if value is None else value for value in found)
        if kind == "number":
            choices = tuple(float(value) for value in found if value is not None) or (224.0,)
        return OneOf(value=Column(name=name, kind=kind), choices=choices)

    def like(self) -> Expression:
        return Like(value=Column(name=self._one(TEXTS), kind="text"), pattern=self._one(_PATTERNS))

    def folded(self) -> Expression:
        name, rule = self._one(("label", "sensor", "collection")), self._one(("casei", "accenti"))
        value = self._one(("FOREST", "STRASSE", "Ecluse", str(self._row()[name]).upper()))
        left = Fold(rule=rule, value=Column(name=name, kind="text"))
        right = Fold(rule=rule, value=Constant(value=value, kind="text"))
        return Compare(op=self._one(("=", "<>")), left=left, right=right)

    def null(self) -> Expression:
        return IsNull(column=self._one((*FILTER_COLUMNS, "footprint", "datetime", "cloud", "lon")))

    def sum(self) -> Expression:
        left, right = (Column(name=self._one(NUMBERS), kind="number") for _ in range(2))
        made = Arithmetic(op=self._one(("+", "-", "*", "/", "^", "%", "div")), left=left, right=right)
        limit = Constant(value=float(self._rng.choice([-100, 0, 0.5, 1, 30, 1e6])), kind="number")
        return Compare(op=self._one(_COMPARISONS), left=made, right=limit)

    def two_columns(self) -> Expression:
        pairs = ((("west", "east"), "number"), (("lon", "lat"), "number"), (("scene_id", "label"), "text"))
        (first, second), kind = self._one((*pairs, (("datetime", "datetime"), "instant"), (("h3", "h3"), "cell")))
        op = self._one(("=", "<>") if kind == "cell" else _COMPARISONS)
        return Compare(op=op, left=Column(name=first, kind=kind), right=Column(name=second, kind=kind))

    def always(self) -> Expression:
        return Always(value=bool(self._rng.random() < 0.5))

    def _names(self, column: str) -> Expression:
        names = tuple(self._row()[column] for _ in range(self._rng.integers(1, 4)))
        names = (*names, "nothing is called so") if self._rng.random() < 0.2 else names
        if self._rng.random() < 0.2:
            return compare(column, "text", self._one(_COMPARISONS), names[0])
        return OneOf(value=Column(name=column, kind="text"), choices=names)

    def _asked(self, **filters: Any) -> Expression:
        """What a request of these filters asks of a tile."""
        return cast("Expression", SearchRequest.build(vector=[1.0], **filters).where())

    def _star(self) -> BaseGeometry:
        """A slanted polygon round a tile, at times with a hole."""
        lon, lat = self._centre(self._row())
        lon = min(max(lon, -175.0), 175.0)  # one that crosses is left to the boxes
        angles = np.sort(self._rng.uniform(0, 2 * np.pi, self._rng.integers(3, 9)))
        reach = float(self._rng.choice([0.02, 0.5, 4])) * self._rng.uniform(0.3, 1, len(angles))
        ring = np.column_stack([lon + reach * np.cos(angles), np.clip(lat + reach * np.sin(angles), -90, 90)])
        found = Polygon(ring)
        if not found.is_valid or found.area == 0:
            return box(lon - 1, max(lat - 1, -90), lon + 1, min(lat + 1, 90))
        hole = shapely.affinity.scale(found, 0.5, 0.5)
        return Polygon(found.exterior, [hole.exterior]) if found.contains_properly(hole) else found

    def _row(self) -> dict[str, Any]:
        """Mostly the same tile for all parts of a filter, so that it finds something."""
        other: dict[str, Any] = self._one(self._rows)
        return self._anchor if self._rng.random() < 0.85 else other

    def _date(self) -> datetime:
        found: datetime | None = self._row()["datetime"]
        return datetime(2019, 6, 1, tzinfo=UTC) if found is None else found

    def _bounds(self, row: dict[str, Any]) -> tuple[float, float, float, float]:
        if row["footprint"] is None:
            lon, lat = _WITHOUT_PLACE
            return lon, lat, lon + 0.1, lat + 0.1
        return geometry_bbox(shapely.from_wkb(row["footprint"]))

    def _centre(self, row: dict[str, Any]) -> tuple[float, float]:
        return _WITHOUT_PLACE if row["lon"] is None else (float(row["lon"]), float(row["lat"]))

    def _one(self, choices: Any) -> Any:
        return choices[self._rng.integers(len(choices))]


def _wrapped(lon: float) -> float:
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180


def _latitude(lat: float) -> float:
    return min(max(lat, -90.0), 90.0)
