"""Random filters, each as the search is asked and as brute force answers it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import h3
import numpy as np
import pandas as pd
import shapely.affinity
from shapely.geometry import MultiPolygon, Point, Polygon, mapping
from shapely.geometry.base import BaseGeometry

from tests.integration.brute_force import BruteForce, Condition
from tests.integration.random_cql2 import RandomCql2

NEAR_MISS_KM = 0.02
"""Radii are drawn so that no footprint is this near to being in or out: arcs and straight edges differ by less."""


@dataclass
class Drawn:
    """One request's filters and their answer."""

    asked: dict[str, Any]
    answer: Condition | None


class RandomFilters:
    """Draws combinations of filters round a random tile, so that most of them find something."""

    def __init__(self, brute: BruteForce, seed: int) -> None:
        self.brute = brute
        self.rng = np.random.default_rng(seed)
        self.frame = brute.frame
        self.placed = np.flatnonzero(brute.placed)
        self.cql2 = RandomCql2(brute, self.rng)
        self.makers: dict[str, tuple[float, Callable[[int], tuple[dict[str, Any], Condition]]]] = {
            "bbox": (0.35, self.bbox),
            "within": (0.2, self.within),
            "near": (0.2, self.near),
            "h3": (0.15, self.h3),
            "datetime": (0.3, self.datetime),
            "sensor": (0.2, self.sensor),
            "collection": (0.15, self.collection),
            "label": (0.08, self.label),
            "max_cloud": (0.15, self.max_cloud),
            "min_valid": (0.25, self.min_valid),
            "filter": (0.5, self.filter),
        }

    def draw(self) -> Drawn:
        anchor = int(self.rng.choice(self.placed) if self.rng.random() < 0.9 else self.rng.integers(len(self.frame)))
        drawn = Drawn({}, None)
        for chance, maker in self.makers.values():
            if self.rng.random() < chance:
                asked, answer = maker(anchor)
                drawn.asked |= asked
                drawn.answer = answer if drawn.answer is None else drawn.answer & answer
        return drawn

    def centre(self, anchor: int) -> tuple[float, float]:
        """A point at the tile, beside it, or anywhere."""
        row = self.frame.iloc[anchor]
        if pd.isna(row["lon"]) or self.rng.random() < 0.1:
            return float(self.rng.uniform(-180, 180)), float(self.rng.uniform(-90, 90))
        spread = self.rng.choice([0, 0.01, 0.2, 2])
        lon, lat = np.array([row["lon"], row["lat"]], float) + self.rng.normal(scale=spread, size=2)
        return float((lon + 180) % 360 - 180), float(np.clip(lat, -90, 90))

    def bbox(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        row = self.frame.iloc[anchor]
        (lon, lat), size = self.centre(anchor), float(self.rng.choice([0.0, 0.005, 0.05, 1, 10, 60]))
        west, east = lon - size * self.rng.random(), lon + size * self.rng.random()
        south, north = np.clip([lat - size * self.rng.random(), lat + size * self.rng.random()], -90, 90)
        box = [(west + 180) % 360 - 180, south, (east + 180) % 360 - 180, north]
        if self.rng.random() < 0.1 and not pd.isna(row["west"]):  # only touches the tile
            box = [row["east"], row["south"], min(row["east"] + size, 180), row["north"]]
        box = [float(side) for side in box]
        return {"bbox": ",".join(map(repr, box)) if self.rng.random() < 0.5 else box}, self.brute.bbox(*box)

    def within(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        one = self.star(*self.centre(anchor), float(self.rng.choice([0.01, 0.1, 3, 20])))
        area: BaseGeometry = one
        if self.rng.random() < 0.3:
            other = self.star(*self.centre(int(self.rng.choice(self.placed))), 0.5)
            both = MultiPolygon([one, other])
            area = both if both.is_valid else area
        forms = [area, mapping(area), json.dumps(mapping(area)), feature(area)]
        return {"within": forms[self.rng.integers(len(forms))]}, self.brute.wrapped(area)

    def star(self, lon: float, lat: float, size: float) -> Polygon:
        """A slanted polygon round a point, sometimes with a hole; it may run past 180."""
        angles = np.sort(self.rng.uniform(0, 2 * np.pi, self.rng.integers(3, 12)))
        reach = size * self.rng.uniform(0.3, 1, len(angles))
        ring = np.column_stack([lon + reach * np.cos(angles), np.clip(lat + reach * np.sin(angles), -90, 90)])
        area = Polygon(ring)
        if not area.is_valid or area.area == 0:
            return Point(lon, min(max(lat, -60), 60)).buffer(size, 3)
        hole = shapely.affinity.scale(area, 0.3, 0.3)
        if self.rng.random() < 0.3 and area.contains(hole):
            area = Polygon(area.exterior, [hole.exterior])
        return area

    def near(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        lon, lat = self.centre(anchor)
        if self.rng.random() < 0.1:
            lon, lat = float(self.rng.choice([-180, 180, 0])), float(self.rng.choice([-90, 90, lat]))
        distances = self.brute.distance_km(lat, lon)
        radius = float(self.rng.choice([0.05, 1, 20, 300, 4000, 12_000]) * self.rng.uniform(0.5, 1))
        while (np.abs(distances - radius) < NEAR_MISS_KM).any():
            radius *= 1.037
        return {"near": (lat, lon), "radius_km": radius}, self.brute.near(lat, lon, radius)

    def h3(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        seeds = [anchor, *self.rng.choice(self.placed, self.rng.integers(0, 4)).tolist()]
        cells = [self.frame["cell"].iloc[seed] for seed in seeds]
        cells = ["8a390ca36b57fff" if pd.isna(cell) else str(cell) for cell in cells]
        cells = [h3.cell_to_parent(cell, int(self.rng.integers(0, h3.get_resolution(cell) + 1))) for cell in cells]
        return {"h3": cells[0] if len(cells) == 1 else cells}, self.brute.in_cells(cells)

    def datetime(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        date = self.frame["datetime"].iloc[anchor]
        start = datetime(2015, 1, 1, tzinfo=UTC) if pd.isna(date) else date.to_pydatetime()
        start -= timedelta(days=int(self.rng.choice([0, 1, 400, 4000])))
        end = start + timedelta(microseconds=1) * int(self.rng.choice([0, 1, 10**6 * 86400, 10**6 * 86400 * 3000]))
        day = datetime(start.year, start.month, start.day, tzinfo=UTC)
        last = day + timedelta(days=1, microseconds=-1)
        text = [instant.isoformat().replace("+00:00", "Z") for instant in (start, end)]
        forms: list[tuple[Any, datetime | None, datetime | None]] = [
            (f"{text[0]}/{text[1]}", start, end),
            (f"{text[0]}/..", start, None),
            (f"../{text[1]}", None, end),
            (f"{day:%Y-%m-%d}", day, last),
            (text[0], start, start),
            ((start, None), start, None),
            ((start, end), start, end),
        ]
        asked, first, final = forms[self.rng.integers(len(forms))]
        return {"datetime": asked}, self.brute.between_dates(first, final)

    def sensor(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        return self.names("sensor", anchor)

    def collection(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        return self.names("collection", anchor)

    def label(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        return self.names("label", anchor)

    def names(self, column: str, anchor: int) -> tuple[dict[str, Any], Condition]:
        others = self.frame[column].dropna().unique().tolist()
        given = [self.frame[column].iloc[anchor], *self.rng.choice(others, self.rng.integers(0, 3))]
        names = [str(name) for name in given if not pd.isna(name)] or ["nothing is called so"]
        return {column: names[0] if len(names) == 1 else names}, self.brute.one_of(column, names)

    def max_cloud(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        percent = float(self.rng.integers(0, 101))
        return {"max_cloud": percent}, self.brute.number(self.frame["cloud"], "<=", percent / 100)

    def min_valid(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        least = float(self.rng.integers(0, 11)) / 10
        return {"min_valid": least}, self.brute.number(self.frame["valid"], ">=", least)

    def filter(self, anchor: int) -> tuple[dict[str, Any], Condition]:
        text, document, answer = self.cql2.draw(anchor, depth=int(self.rng.integers(0, 4)))
        forms = [text, json.dumps(document), document]
        return {"filter": forms[self.rng.integers(len(forms))]}, answer


def feature(area: BaseGeometry) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": mapping(area)}]}
