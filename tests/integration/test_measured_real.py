"""Water measured on real scenes equals what rasterio and a few lines of numpy make of the same files."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Geod

from core import Record
from indexer import RECORD_COLUMNS, Store, record_from_row
from retriever.rag import EvidenceTile, Fact, QueryPlan, measure
from tests.integration.real import ROOT

COMPOSITE = ROOT / "docs" / "examples" / "landsat-uint8-composite.toml"


@dataclass(frozen=True, kw_only=True)
class Opened:
    rows: Any
    reach: None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is measured with one tile of every date, and the scenes that were measured."""

    facts: dict[str, Fact]
    windows: dict[str, list[Record]]
    """Date as facts write it, to every indexed tile of its scene."""


def measured(index: Path, collection: str) -> Measured:
    rows = Store.open(index).snapshot()
    batches = (batch.select(RECORD_COLUMNS).to_pylist() for batch in rows.scan(RECORD_COLUMNS))
    records = [record_from_row(row) for batch in batches for row in batch if row["collection"] == collection]
    scenes: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda record: (str(record.datetime), record.tile_id)):
        scenes[record.href].append(record)
    tiles = [
        EvidenceTile(number=number, record=mine[0], sought=None, period=None, score=None, probability=None)
        for number, mine in enumerate(scenes.values(), start=1)
    ]
    plan = QueryPlan(question="?", renderings=("index:ndwi",))
    facts = {fact.name: fact for fact in measure(plan, tiles, Opened(rows=rows))}
    dates = facts["measured_area"].value["dates"]
    return Measured(
        facts=facts,
        windows={each["date"]: scenes[tiles[each["cites"][0] - 1].record.href] for each in dates},
    )


def read(tiles: list[Record]) -> tuple[NDArray[np.float64], NDArray[np.bool_], rasterio.Affine]:
    """A scene's pixels, which of them were indexed, and its grid."""
    with rasterio.open(tiles[0].href) as dataset:
        pixels, transform = dataset.read().astype(float), dataset.transform
    indexed = np.zeros(pixels.shape[1:], bool)
    for tile in tiles:
        window = tile.window
        indexed[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width] = True
    return pixels, indexed, transform


@pytest.fixture(autouse=True)
def known_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATH_SENSOR_FILES", f'["{COMPOSITE}"]')


def test_the_ucayali_as_rasterio_reads_it(real_index: Path) -> None:
    found = measured(real_index, "landsat")
    limits = found.facts["measured_how"].value["limits"]
    areas = {each["date"]: each["km2"] for each in found.facts["measured_area"].value["dates"]}
    assert list(areas) == ["1985", "1990", "1995", "2000", "2005", "2010", "2015", "2020"]
    for date, km2 in areas.items():
        (swir, _, _, green), indexed, grid = read(found.windows[date])
        wet = indexed & ((green - swir) / np.maximum(green + swir, 1) > limits[date])
        edges = grid.f + grid.e * np.arange(len(wet) + 1)
        expected = sum(wet[row].sum() * cell_km2(edges[row], edges[row + 1], grid.a) for row in range(len(wet)))
        assert km2 == pytest.approx(expected, rel=0.005)  # the limit is told to three digits


def cell_km2(north: float, south: float, step: float) -> float:
    """A pixel in degrees, on the ellipsoid."""
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter([0, 0, step, step], [north, south, south, north])
    return abs(area) / 1e6


def test_the_wetlands_as_rasterio_reads_them(real_index: Path) -> None:
    found = measured(real_index, "naip")
    limits = found.facts["measured_how"].value["limits"]
    series = found.facts["measured_area"].value["dates"]
    assert len(series) == 10
    for each in series:
        pixels, indexed, _ = read(found.windows[each["date"]])
        wet = indexed & (pixels[3] < limits[each["date"]])
        # Years are shifted by up to 3 m; the ground they have in common lacks a row or column of some.
        assert each["km2"] == pytest.approx(wet.sum() * 25 / 1e6, rel=0.01)
    assert min(series, key=lambda each: each["share"])["date"] == "2009-08-18"
