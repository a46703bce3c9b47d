"""Tile tables drawn at random, as awkward as archives get: what the engine is compared with the flat index on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon, box
from shapely.geometry.base import BaseGeometry

from core import VectorSpace, centre_cell, geometry_bbox, wrap_footprint
from indexer import scene_key, tile_schema

Spread = Literal["clustered", "scattered", "tied"]
"""Vectors round a dozen directions, in any direction, or a few vectors again and again."""

LABELS = ("Forest", "forest", "it's", "100%", "a_b", "Straße", "Écluse", "", None)
_DAY = 86_400_000_000
_ERAS = ((2016, 2024), (2019, 2020), (1960, 1975), (1890, 2110))
"""Years of the dates; the last holds more seconds than 32 bits do."""
_HUGE = (
    box(-60, -30, 20, 35),
    box(-180, -5, 180, 5),
    box(10, 89, 70, 90),
    Polygon([(-180, -90), (-180, -89), (0, -88.5), (180, -89), (180, -90)]),
    MultiPolygon([box(150, -20, 180, 0), box(-180, -20, -170, 0)]),
)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a table is like."""

    dim: int
    """Numbers in a vector."""
    dtype: Literal["float16", "float32"]
    """How vectors are stored."""
    spread: Spread
    """How vectors lie."""
    sensors: int
    """Names there are; above 255 they no longer fit into a byte."""
    collections: int
    """The same for collections."""
    undated: float
    """Share of tiles without a date."""
    unlocated: float
    """Share of scenes without a place."""
    years: tuple[int, int]
    """First and last year of the dates."""
    odd: float
    """Share of footprints that are no plain boxes."""

    @property
    def space(self) -> VectorSpace:
        return VectorSpace(encoder="made-up", revision="1", dim=self.dim)

    @property
    def schema(self) -> pa.Schema:
        return tile_schema(self.space, self.dtype)


def draw_recipe(rng: np.random.Generator) -> Recipe:
    """A kind of archive; every hundredth has more names than fit into a byte."""
    many = rng.random() < 0.05
    return Recipe(
        dim=int(rng.choice([4, 7, 16, 64, 65, 100, 384])),
        dtype=_pick(rng, ("float16", "float32")),
        spread=_pick(rng, ("clustered", "clustered", "scattered", "tied")),
        sensors=300 if many else int(rng.integers(1, 6)),
        collections=300 if many else int(rng.integers(1, 6)),
        undated=float(rng.choice([0, 0.1, 0.5, 1], p=[0.3, 0.5, 0.15, 0.05])),
        unlocated=float(rng.choice([0, 0.1, 0.5, 1], p=[0.3, 0.5, 0.15, 0.05])),
        years=_ERAS[rng.choice(len(_ERAS), p=[0.6, 0.15, 0.1, 0.15])],
        odd=float(rng.choice([0, 0.4, 1])),
    )


class TileMaker:
    """Makes the scenes of one archive.

    Args:
        recipe: What they are like.
        rng: Where chance comes from.
    """

    def __init__(self, recipe: Recipe, rng: np.random.Generator) -> None:
        self.recipe = recipe
        self._rng = rng
        self._directions = rng.normal(size=(12, recipe.dim))
        self._few = rng.choice([-1.0, 1.0, 2.0], size=(5, recipe.dim))
        self._places = [*rng.uniform((-175, -70), (175, 75), (6, 2)).tolist(), [180.0, -17.0], [-179.99, 65.0]]

    def scenes(self, names: Sequence[str], largest: int = 12) -> dict[str, pa.Table]:
        """Return the tiles of each scene by its key; the same name gives another scene of the same key."""
        sizes = self._rng.integers(1, largest + 1, len(names)).tolist()
        tiles = self._table([(name, size) for name, size in zip(names, sizes, strict=True)])
        starts = np.cumsum([0, *sizes]).tolist()
        parts = [tiles.slice(start, size) for start, size in zip(starts, sizes, strict=False)]
        return {part["scene_key"][0].as_py(): part for part in parts}

    def tiles(self, count: int) -> pa.Table:
        """Return a table of exactly ``count`` tiles, each a scene of its own."""
        return self._table([(f"s{number:06d}", 1) for number in range(count)])

    def _table(self, scenes: Sequence[tuple[str, int]]) -> pa.Table:
        rows = [row for name, size in scenes for row in self._scene(name, size)]
        vectors = [self.vectors(size) for _, size in scenes] or [np.empty((0, self.recipe.dim), np.float32)]
        plain = pa.Table.from_pylist(rows, schema=self._without_vector())
        whole = plain.append_column(self.recipe.schema.field("vector"), self._column(np.concatenate(vectors)))
        return whole.replace_schema_metadata(self.recipe.schema.metadata)

    def vectors(self, count: int) -> NDArray[np.float32]:
        """Return (count, dim) unit vectors; a tenth of them are there twice."""
        rng, dim = self._rng, self.recipe.dim
        if self.recipe.spread == "tied":
            found = self._few[rng.integers(len(self._few), size=count)]
        else:
            found = rng.normal(size=(count, dim))
            if self.recipe.spread == "clustered":
                found = self._directions[rng.integers(len(self._directions))] + found * rng.choice([0.05, 0.3, 0.6])
        found = np.where(rng.random((count, 1)) < 0.1, found[rng.integers(count, size=count)], found)
        unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def query(self, tiles: pa.Table) -> NDArray[np.float32]:
        """Return a (dim,) unit vector: a tile's own, one near it, one far from all, or the opposite of one."""
        rng, kind = self._rng, self._rng.random()
        place = int(rng.integers(len(tiles))) if len(tiles) else 0
        own = np.array(tiles["vector"][place].as_py(), np.float64) if len(tiles) else rng.normal(size=self.recipe.dim)
        noise = rng.normal(size=self.recipe.dim) / np.sqrt(self.recipe.dim)
        found = own if kind < 0.2 else own + 0.3 * noise if kind < 0.5 else noise if kind < 0.9 else -own
        unit: NDArray[np.float32] = (found / np.linalg.norm(found)).astype(np.float32)
        return unit

    def _column(self, vectors: NDArray[np.float32]) -> pa.Array:
        values = vectors.astype(self.recipe.dtype).ravel()
        return pa.FixedSizeListArray.from_arrays(pa.array(values), self.recipe.dim)

    def _without_vector(self) -> pa.Schema:
        schema = self.recipe.schema
        return schema.remove(schema.get_field_index("vector"))

    def _scene(self, name: str, count: int) -> list[dict[str, Any]]:
        rng, recipe = self._rng, self.recipe
        collection = f"c{sum(name.encode()) % recipe.collections:03d}"
        place = None if rng.random() < recipe.unlocated else self._place()
        sensor, date = f"sensor{rng.integers(recipe.sensors)}", self._date()
        return [
            _place_columns(None if place is None else self._footprint(*place, column))
            | {
                "tile_id": f"{collection}~{name}~r0000c{column:04d}",
                "scene_key": scene_key(collection, name), "scene_id": name, "collection": collection,
                "sensor": sensor, "encoding": "dn",
                "datetime": None if rng.random() < recipe.undated else self._moved(date),
                "h3_cover": [], "gsd": float(rng.choice([10, 30])) if place else None,
                "crs": "EPSG:4326" if place else None,
                "href": f"/made-up/{name}.tif", "col_off": column * 224, "row_off": 0, "width": 224, "height": 224,
                "valid": float(rng.integers(1, 11)) / 10, "cloud": self._cloud(), "offset": 0.0,
                "offset_origin": "none", "label": LABELS[rng.integers(len(LABELS))], "captions": [], "preview": b"",
            }
            for column in range(count)
        ]  # fmt: skip

    def _cloud(self) -> float | None:
        return None if self._rng.random() < 0.2 else float(self._rng.integers(0, 201)) / 200

    def _date(self) -> datetime:
        first, last = self.recipe.years
        start = datetime(first, 1, 1, tzinfo=UTC)
        return start + timedelta(days=int(self._rng.integers((last - first + 1) * 365)))

    def _moved(self, date: datetime) -> datetime:
        """Most tiles of a scene have its date; some differ by microseconds, some by days."""
        steps = (0, 0, 0, 1, 999_999, 1_000_000, 43_200_000_000, _DAY - 1, _DAY, 400 * _DAY)
        return date + timedelta(microseconds=int(self._rng.choice(steps)))

    def _place(self) -> tuple[float, float]:
        if self._rng.random() < 0.15:
            lon, lat = self._rng.uniform((-179, -88), (179, 88))
        else:
            lon, lat = np.array(self._places[self._rng.integers(len(self._places))]) + self._rng.normal(0, 0.3, 2)
        return float((lon + 180) % 360 - 180), float(np.clip(lat, -89, 89))

    def _footprint(self, lon: float, lat: float, column: int) -> BaseGeometry:
        rng = self._rng
        if rng.random() < self.recipe.odd / 20:
            return _HUGE[rng.integers(len(_HUGE))]
        size = float(rng.choice([0.02, 0.125, 1.0], p=[0.8, 0.15, 0.05]))
        west, south = lon + column * 0.02, min(lat, 89.0 - size)
        if rng.random() >= self.recipe.odd:
            if size == 0.125:  # sides that a float32 holds, so that bounds of filters can be equal to them
                west, south = round(west * 8) / 8, round(south * 8) / 8
            west = min(max(west, -180.0), 180.0 - size)
            return box(west, south, west + size, south + size)
        turn, wide, high = rng.uniform(0, np.pi), size, size * rng.uniform(0.3, 1)
        corners = np.array([(-wide, -high), (wide, -high), (wide, high), (-wide, high)]) / 2
        turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        return wrap_footprint([(west + right, min(max(south + up, -90), 90)) for right, up in turned.tolist()])


def _place_columns(footprint: BaseGeometry | None) -> dict[str, Any]:
    names = ("west", "south", "east", "north", "lon", "lat", "footprint", "h3")
    if footprint is None:
        return dict.fromkeys(names)
    point = footprint.representative_point()
    values = (*geometry_bbox(footprint), point.x, point.y, shapely.to_wkb(footprint), centre_cell(point.x, point.y))
    return dict(zip(names, values, strict=True))


def _pick(rng: np.random.Generator, choices: tuple[Any, ...]) -> Any:
    return choices[rng.integers(len(choices))]
