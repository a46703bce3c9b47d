"""Random CQL2 conditions: as text, as JSON, and as brute force answers them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import LineString, Point, box, mapping

from tests.integration.brute_force import NUMBERS, BruteForce, Condition

Form = tuple[str, Any, Condition]
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
RELATIONS = ("intersects", "disjoint", "within", "contains", "touches", "overlaps", "crosses", "equals")
PATTERNS = ("%", "naip%", "%a%", "_aip", "%~r0000c0000", "a\\_b", "100\\%", "%\\%", "Str_ße", "F%t", "EPSG:326__", "")
_PROPERTY = "property"


class RandomCql2:
    """Draws conditions that are about a given tile, so that most of them find something."""

    def __init__(self, brute: BruteForce, rng: np.random.Generator) -> None:
        self.brute = brute
        self.rng = rng
        self.leaves: list[Callable[[int], Form]] = [
            self.number, self.number, self.between, self.numbers, self.text, self.texts, self.like, self.folded,
            self.null, self.date, self.day, self.during, self.place, self.place, self.sum, self.columns, self.cell,
        ]  # fmt: skip

    def draw(self, anchor: int, depth: int) -> Form:
        if depth == 0:
            return self.leaves[self.rng.integers(len(self.leaves))](anchor)
        if self.rng.random() < 0.25:
            text, document, answer = self.draw(anchor, depth - 1)
            return f"NOT ({text})", {"op": "not", "args": [document]}, ~answer
        word = "and" if self.rng.random() < 0.5 else "or"
        first, second = self.draw(anchor, depth - 1), self.draw(anchor, depth - 1)
        answer = first[2] & second[2] if word == "and" else first[2] | second[2]
        return f"({first[0]}) {word.upper()} ({second[0]})", {"op": word, "args": [first[1], second[1]]}, answer

    def pick(self, names: tuple[str, ...]) -> str:
        return str(self.rng.choice(names))

    def level(self, name: str, anchor: int) -> float:
        """A number that some tile has, so that equality and limits are met."""
        value = self.brute.frame[name].iloc[anchor]
        return float(self.rng.integers(0, 10)) / 10 if pd.isna(value) else float(value)

    def number(self, anchor: int) -> Form:
        name, op = self.pick(NUMBERS), self.pick(COMPARISONS)
        value = self.level(name, anchor)
        answer = self.brute.number(self.brute.frame[name], op, value)
        return f"{name} {op} {value!r}", {"op": op, "args": [{_PROPERTY: name}, value]}, answer

    def between(self, anchor: int) -> Form:
        name, value = self.pick(NUMBERS), 0.0
        value = self.level(name, anchor)
        low, high = value - float(self.rng.integers(0, 3)), value + float(self.rng.integers(0, 3))
        column = self.brute.frame[name]
        answer = self.brute.number(column, ">=", low) & self.brute.number(column, "<=", high)
        return f"{name} BETWEEN {low!r} AND {high!r}", {"op": "between", "args": [{_PROPERTY: name}, low, high]}, answer

    def numbers(self, anchor: int) -> Form:
        name = self.pick(NUMBERS)
        values = [self.level(name, anchor), 224.0, 0.5]
        document = {"op": "in", "args": [{_PROPERTY: name}, values]}
        return f"{name} IN ({', '.join(map(repr, values))})", document, self.brute.one_of(name, values)

    def text_of(self, name: str, anchor: int) -> str:
        value = self.brute.frame[name].iloc[anchor]
        return "nothing" if pd.isna(value) else str(value)

    def text(self, anchor: int) -> Form:
        name, op = self.pick(("scene_id", "collection", "sensor", "label", "crs", "tile_id")), self.pick(COMPARISONS)
        value = self.text_of(name, anchor)
        asked = "id" if name == "tile_id" else name
        document = {"op": op, "args": [{_PROPERTY: asked}, value]}
        return f"{asked} {op} {quoted(value)}", document, self.brute.text(name, op, value)

    def texts(self, anchor: int) -> Form:
        name = self.pick(("collection", "sensor", "label"))
        values = [self.text_of(name, anchor), "Forest", "it's"]
        document = {"op": "in", "args": [{_PROPERTY: name}, values]}
        return f"{name} IN ({', '.join(map(quoted, values))})", document, self.brute.one_of(name, values)

    def like(self, anchor: int) -> Form:
        name, pattern = self.pick(("collection", "label", "crs", "tile_id", "sensor")), self.pick(PATTERNS)
        document = {"op": "like", "args": [{_PROPERTY: name}, pattern]}
        return f"{name} LIKE {quoted(pattern)}", document, self.brute.like(name, pattern)

    def folded(self, anchor: int) -> Form:
        value = self.pick(("FOREST", "STRASSE", "NAIP", "écluse"))
        name, op = self.pick(("label", "sensor")), self.pick(("=", "<>"))
        sides = [{"op": "casei", "args": [{_PROPERTY: name}]}, {"op": "casei", "args": [value]}]
        answer = self.brute.text(name, op, value, fold=True)
        return f"CASEI({name}) {op} CASEI({quoted(value)})", {"op": op, "args": sides}, answer

    def null(self, anchor: int) -> Form:
        name = self.pick(("cloud", "datetime", "label", "lon", "crs", "geometry", "collection"))
        return f"{name} IS NULL", {"op": "isNull", "args": [{_PROPERTY: name}]}, self.brute.missing(name)

    def instant(self, anchor: int) -> datetime:
        value = self.brute.frame["datetime"].iloc[anchor]
        return datetime(2012, 7, 31, tzinfo=UTC) if pd.isna(value) else value.to_pydatetime()

    def date(self, anchor: int) -> Form:
        op, value = self.pick(COMPARISONS), self.instant(anchor)
        text = value.isoformat().replace("+00:00", "Z")
        document = {"op": op, "args": [{_PROPERTY: "datetime"}, {"timestamp": text}]}
        return f"datetime {op} TIMESTAMP('{text}')", document, self.brute.instant(op, value)

    def day(self, anchor: int) -> Form:
        op, value = self.pick(COMPARISONS), self.instant(anchor)
        first = datetime(value.year, value.month, value.day, tzinfo=UTC)
        last = first + timedelta(days=1, microseconds=-1)
        inside = self.brute.between_dates(first, last)
        answers = {"=": inside, "<>": ~inside}
        edge = first if op in ("<", ">=") else last
        answer = answers[op] if op in answers else self.brute.instant(op, edge)
        document = {"op": op, "args": [{_PROPERTY: "datetime"}, {"date": f"{value:%Y-%m-%d}"}]}
        return f"datetime {op} DATE('{value:%Y-%m-%d}')", document, answer

    def during(self, anchor: int) -> Form:
        word, start = self.pick(("during", "intersects", "disjoint", "after", "before")), self.instant(anchor)
        end = start + timedelta(days=int(self.rng.integers(0, 2000)))
        inside = self.brute.between_dates(start, end)
        answer = {
            "during": self.brute.instant(">", start) & self.brute.instant("<", end),
            "intersects": inside,
            "disjoint": ~inside,
            "after": self.brute.instant(">", end),
            "before": self.brute.instant("<", start),
        }[word]
        ends = [each.isoformat().replace("+00:00", "Z") for each in (start, end)]
        document = {"op": f"t_{word}", "args": [{_PROPERTY: "datetime"}, {"interval": ends}]}
        return f"T_{word.upper()}(datetime, INTERVAL('{ends[0]}', '{ends[1]}'))", document, answer

    def place(self, anchor: int) -> Form:
        word, row = self.pick(RELATIONS), self.brute.frame.iloc[anchor]
        lon, lat = (0.0, 0.0) if pd.isna(row["lon"]) else (float(row["lon"]), float(row["lat"]))
        size = float(self.rng.choice([0.01, 0.5, 8]))
        corners = [lon - size, lat - size, lon + size, lat + size / 3]
        west, south, east, north = np.clip(corners, [-180, -90] * 2, [180, 90] * 2)
        shapes = [box(west, south, east, north), Point(lon, lat), LineString([(west, south), (east, north)])]
        own = self.brute.shapes[anchor]
        geometry = shapes[self.rng.integers(3)] if own is None or self.rng.random() < 0.8 else own
        document = {"op": f"s_{word}", "args": [{_PROPERTY: "geometry"}, mapping(geometry)]}
        text = f"S_{word.upper()}(geometry, {shapely.to_wkt(geometry, rounding_precision=-1)})"
        return text, document, self.brute.relation(word, geometry)

    def sum(self, anchor: int) -> Form:
        limit = float(self.rng.integers(-200, 200))
        sides = [{"op": "+", "args": [{_PROPERTY: "lon"}, {"op": "*", "args": [2, {_PROPERTY: "lat"}]}]}, limit]
        frame = self.brute.frame
        answer = self.brute.number(frame["lon"] + 2 * frame["lat"], "<", limit)
        return f"lon + 2 * lat < {limit!r}", {"op": "<", "args": sides}, answer

    def columns(self, anchor: int) -> Form:
        op, frame = self.pick(COMPARISONS), self.brute.frame
        document = {"op": op, "args": [{_PROPERTY: "west"}, {_PROPERTY: "lat"}]}
        return f"west {op} lat", document, self.brute.number(frame["west"], op, frame["lat"])

    def cell(self, anchor: int) -> Form:
        found = self.brute.frame["cell"].iloc[anchor]
        cell, op = "8c2634bb132d3ff" if pd.isna(found) else str(found), self.pick(("=", "<>"))
        same = self.brute.one_of("cell", [cell])
        return f"h3 {op} '{cell}'", {"op": op, "args": [{_PROPERTY: "h3"}, cell]}, same if op == "=" else ~same


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
