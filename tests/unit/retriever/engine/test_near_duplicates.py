"""Archives full of nearly and quite equal tiles, such as open sea: none of the best may be lost among them."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from retriever import MemoryRows
from retriever.engine import Engine, Route
from retriever.engine._build import build_snapshot
from retriever.engine._open import current, open_snapshot
from tests.unit.retriever.engine.made_engine import RECIPE, Watched
from tests.unit.retriever.engine.random_tables import TileMaker

ROWS = 20_000
DIM = RECIPE.dim
ROUTES: tuple[Route, ...] = ("blocks", "lists")
Vectors = NDArray[np.float32]


def units(vectors: NDArray[Any]) -> Vectors:
    """Unit vectors of halves."""
    halves: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    return halves


def engine_of(folder: Path, vectors: Vectors) -> Engine:
    """An engine with lists over given vectors, of tiles that are otherwise made up; nothing was fitted to it."""
    tiles = TileMaker(RECIPE, np.random.default_rng(3)).tiles(ROWS)
    flat = pa.array(vectors.astype(np.float16).ravel())
    at = tiles.schema.get_field_index("vector")
    held = tiles.set_column(at, tiles.schema.field(at), pa.FixedSizeListArray.from_arrays(flat, DIM))
    build_snapshot(MemoryRows(held, space=RECIPE.space), folder, lists=64)
    newest = current(folder)
    assert newest is not None
    return Engine(Watched(open_snapshot(newest), costs={}, recall={}))


@pytest.fixture(autouse=True)
def _unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring takes longer than all else here, and what is measured is not used."""
    monkeypatch.setattr("retriever.engine._build._build._measured", lambda folder, layout, seed: layout)


def share_found(engine: Engine, vectors: Vectors, query: Vectors, k: int, route: Route) -> float:
    """Share of the k best that was found; a row that ties with the last of them counts."""
    least = np.sort(vectors @ query)[-k] - 1e-6
    return float((engine.search(query, k=k, route=route).scores >= least).mean())


def test_the_nearest_of_nearly_equal_tiles_are_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    spread = rng.choice([0.01, 0.05, 0.2, 0.6], ROWS)[:, None] / np.sqrt(DIM)
    middles = units(rng.standard_normal((12, DIM)))
    vectors = units(middles[rng.integers(0, 12, ROWS)] + spread * rng.standard_normal((ROWS, DIM)))
    engine = engine_of(tmp_path, vectors)
    tiles = vectors[rng.integers(0, ROWS, 20)]
    noise = rng.standard_normal((20, DIM)) / np.sqrt(DIM)
    for queries in (tiles, units(tiles + 0.3 * noise), units(noise), -tiles):
        for route, k in product(ROUTES, (1, 10, 100)):
            assert np.mean([share_found(engine, vectors, query, k, route) for query in queries]) >= 0.99


def test_thousands_of_equal_tiles_do_not_hide_the_best(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    five = units(rng.standard_normal((5, DIM)))
    vectors = five[rng.integers(0, 5, ROWS)]
    engine = engine_of(tmp_path, vectors)
    for query in units(np.concatenate([five, rng.standard_normal((20, DIM))])):
        assert all(share_found(engine, vectors, query, 10, route) == 1.0 for route in ROUTES)
