"""Exact search under filters: Swath's flat scan beside LanceDB's own prefiltered search, in one run.

Fills an index with synthetic unit vectors at synthetic places (nothing is embedded) and times the same questions asked
of both, interleaved. LanceDB is asked without an index (a flat scan, exact) and answers bounding boxes on the bbox
columns; Swath also decides the exact footprint. Run: ``python -m benchmarks.search [--rows 100000]``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from core import VectorSpace, centre_cell
from indexer import LedgerRow, SceneRows, Store, scene_key
from retriever import Searcher, SearchRequest

SPACE = VectorSpace(encoder="synthetic", revision="1", dim=384)
CHUNK = 10_000
ROUNDS = 15
FIRST_DAY = datetime(2016, 1, 1, tzinfo=UTC)

QUESTIONS: dict[str, tuple[dict[str, Any], str | None]] = {
    "no filter": ({}, None),
    "bbox, a tenth": ({"bbox": (0.0, 0.0, 3.16, 3.16)}, "west <= 3.16 AND south <= 3.16"),
    "bbox, a hundredth": ({"bbox": (0.0, 0.0, 1.0, 1.0)}, "west <= 1.0 AND south <= 1.0"),
    "bbox, a ten-thousandth": ({"bbox": (0.0, 0.0, 0.1, 0.1)}, "west <= 0.1 AND south <= 0.1"),
    "time, a tenth": (
        {"datetime": "2016-01-01/2016-12-31"},
        "datetime <= TIMESTAMP '2016-12-31 23:59:59'",
    ),
    "CQL2 on cloud, a tenth": ({"filter": "cloud < 0.1"}, "cloud < 0.1"),
}
"""Question: Swath's filter, and the same for LanceDB."""


def rows(count: int, rng: np.random.Generator) -> Iterator[pa.RecordBatch]:
    """Yield batches of made-up tiles on a 10 x 10 degree area over ten years."""
    for start in range(0, count, CHUNK):
        yield batch(start, min(CHUNK, count - start), rng)


def batch(start: int, count: int, rng: np.random.Generator) -> pa.RecordBatch:
    """Return one batch in the store's layout."""
    from indexer import tile_schema

    west, south = rng.uniform(0, 10, count), rng.uniform(0, 10, count)
    east, north = west + 0.02, south + 0.02
    vectors = rng.normal(size=(count, SPACE.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    days = rng.integers(0, 3650, count)
    cells = [centre_cell(lon, lat) for lon, lat in zip(west + 0.01, south + 0.01, strict=True)]
    columns = {
        "tile_id": [f"bench~s~{number:08d}" for number in range(start, start + count)],
        "scene_key": [scene_key("bench", "s")] * count, "scene_id": ["s"] * count, "collection": ["bench"] * count,
        "sensor": ["rgb"] * count, "encoding": ["dn"] * count,
        "datetime": [FIRST_DAY + timedelta(days=int(day)) for day in days],
        "west": west, "south": south, "east": east, "north": north, "lon": west + 0.01, "lat": south + 0.01,
        "footprint": shapely.to_wkb(shapely.box(west, south, east, north)),
        "h3": cells, "h3_cover": [[cell] for cell in cells], "gsd": np.full(count, 10.0), "crs": ["EPSG:4326"] * count,
        "href": ["none"] * count, "col_off": np.zeros(count, int), "row_off": np.zeros(count, int),
        "width": np.full(count, 224), "height": np.full(count, 224), "valid": np.ones(count),
        "cloud": rng.uniform(0, 1, count), "offset": np.zeros(count), "offset_origin": ["none"] * count,
        "label": [None] * count, "captions": [[]] * count, "preview": [b""] * count,
    }  # fmt: skip
    schema = tile_schema(SPACE, "float16")
    vector = pa.FixedSizeListArray.from_arrays(pa.array(vectors.astype(np.float16).ravel()), SPACE.dim)
    arrays = [vector if field.name == "vector" else pa.array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def fill(path: Path, count: int) -> Store:
    """Write the index."""
    store = Store.create_or_open(path, space=SPACE)
    ledger = LedgerRow(
        scene_key=scene_key("bench", "s"),
        scene_id="s",
        collection="bench",
        href="none",
        fingerprint="1",
        tiles=count,
        dropped=0,
        parameters="{}",
        committed=datetime.now(UTC),
    )
    store.commit([SceneRows(ledger=ledger, batches=rows(count, np.random.default_rng(5)))])
    return store


def compare(store: Store) -> Iterator[tuple[str, int, float, float]]:
    """Yield question, matches, and the median milliseconds of Swath and of LanceDB."""
    table = lancedb.connect(store.path).open_table("tiles")
    searcher = Searcher(store)
    query = np.random.default_rng(9).normal(size=SPACE.dim).astype(np.float32)
    for name, (where, sql) in QUESTIONS.items():
        ours, theirs = _interleaved(
            lambda where=where: searcher.search(SearchRequest.build(vector=query, k=10, **where)),
            lambda sql=sql: _lancedb(table, query, sql),
        )
        found = searcher.search(SearchRequest.build(vector=query, k=10, **where))
        yield name, found.matched, ours, theirs


def _lancedb(table: Any, query: NDArray[np.float32], sql: str | None) -> Any:
    search = table.search(query).metric("cosine").limit(10).select(["tile_id", "_distance"])
    return (search if sql is None else search.where(sql, prefilter=True)).to_arrow()


def _interleaved(first: Callable[[], object], second: Callable[[], object]) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for run, spent in zip((first, second), times, strict=True):
            start = time.perf_counter()
            run()
            spent.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = fill(Path(folder) / "index", options.rows)
        print(f"{options.rows:,} synthetic rows x {SPACE.dim}, float16; median of {ROUNDS}, interleaved")  # noqa: T201
        print(f"{'question':26}{'matched':>9}{'Swath ms':>10}{'LanceDB ms':>12}{'ratio':>7}")  # noqa: T201
        for name, matched, ours, theirs in compare(store):
            print(f"{name:26}{matched:>9,}{ours:>10.1f}{theirs:>12.1f}{ours / theirs:>7.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
