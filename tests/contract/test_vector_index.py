"""What every vector index promises. A new engine subclasses ``VectorIndexContract`` and inherits every test."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from core import QueryError
from indexer import LedgerRow, SceneRows, Store, tile_schema
from retriever import Expression, FlatIndex, Matches, MemoryIndex, VectorIndex, parse_filter
from tests.unit.retriever.tables import DIM, SPACE, row, table, unit_vectors

QUERY = np.array([0.5, -0.5, 0.5, -0.5], np.float32)
COUNT = 400
DAY = datetime(2026, 1, 1, tzinfo=UTC)


def archive(count: int = COUNT, seed: int = 0) -> list[dict[str, Any]]:
    """Tiles with scattered values, some of them unknown; ids are in no order."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(count)
    return [
        row(
            f"t{names[place]:05d}",
            vector=vector.tolist(),
            cloud=None if place % 5 == 0 else float(rng.integers(0, 100)) / 100,
            sensor=str(rng.choice(["naip", "rgb", "enmap"])),
            col_off=int(rng.integers(0, 5)) * 224,
        )
        for place, vector in enumerate(unit_vectors(count, seed))
    ]


def oracle(rows: Sequence[dict[str, Any]], passing: Sequence[bool], query: NDArray[np.float32]) -> list[str]:
    """Ids of the rows that pass, best first, with numpy alone."""
    kept = [each for each, passes in zip(rows, passing, strict=True) if passes]
    scores = [float(np.float32(np.dot(np.array(each["vector"]), query.astype(np.float64)))) for each in kept]
    order = sorted(range(len(kept)), key=lambda place: (-scores[place], kept[place]["tile_id"]))
    return [kept[place]["tile_id"] for place in order]


class VectorIndexContract:
    """Inherit from this and say how an empty index is made."""

    @pytest.fixture
    def index(self, tmp_path: Path) -> VectorIndex:
        raise NotImplementedError

    def test_is_a_vector_index(self, index: VectorIndex) -> None:
        assert isinstance(index, VectorIndex)

    def test_finds_the_k_best_in_order(self, index: VectorIndex) -> None:
        rows = archive()
        index.add(table(rows))
        for k in (1, 7, COUNT, 10_000):
            found = index.search(QUERY, k=k)
            assert list(found.tile_ids) == oracle(rows, [True] * COUNT, QUERY)[:k]
            assert found.matched == COUNT

    def test_scores_are_dot_products(self, index: VectorIndex) -> None:
        rows = archive(50)
        index.add(table(rows))
        found = index.search(QUERY, k=50)
        vectors = {each["tile_id"]: np.array(each["vector"]) for each in rows}
        np.testing.assert_allclose(found.scores, [vectors[name] @ QUERY for name in found.tile_ids], atol=1e-6)

    @pytest.mark.parametrize(
        ("text", "passes"),
        [
            ("cloud < 0.5", lambda r: r["cloud"] is not None and r["cloud"] < 0.5),
            ("NOT cloud < 0.5", lambda r: r["cloud"] is not None and r["cloud"] >= 0.5),
            ("cloud IS NULL", lambda r: r["cloud"] is None),
            ("sensor = 'naip' AND col_off = 224", lambda r: r["sensor"] == "naip" and r["col_off"] == 224),
            ("cloud = 0.2 OR sensor LIKE '%map'", lambda r: r["cloud"] == 0.2 or r["sensor"] == "enmap"),
            ("tile_id > 't00390'", lambda r: r["tile_id"] > "t00390"),
            ("id = 't00007'", lambda r: r["tile_id"] == "t00007"),
            ("true", lambda r: True),
        ],
    )  # fmt: skip
    def test_filters_before_ranking(self, index: VectorIndex, text: str, passes: Any) -> None:
        rows = archive()
        index.add(table(rows))
        expected = oracle(rows, [passes(each) for each in rows], QUERY)
        assert expected
        for k in (1, 10, 1000):
            found = index.search(QUERY, k=k, where=parse_filter(text))
            assert found.matched == len(expected)
            assert list(found.tile_ids) == expected[:k]

    def test_finds_k_rows_though_thousands_of_nearer_ones_do_not_match(self, index: VectorIndex) -> None:
        near = [row(f"near{place:04d}", vector=QUERY.tolist()) for place in range(2000)]
        far = [row(f"far{place}", vector=(-QUERY).tolist(), sensor="naip") for place in range(3)]
        index.add(table([*near, *far]))
        found = index.search(QUERY, k=3, where=parse_filter("sensor = 'naip'"))
        assert found.tile_ids == ("far0", "far1", "far2")
        assert found.matched == 3

    def test_equal_scores_come_in_the_order_of_their_ids(self, index: VectorIndex) -> None:
        names = [f"t{place:04d}" for place in np.random.default_rng(4).permutation(1000)]
        index.add(table([row(name) for name in names]))
        assert index.search(np.eye(DIM, dtype=np.float32)[0], k=5).tile_ids == (
            "t0000",
            "t0001",
            "t0002",
            "t0003",
            "t0004",
        )

    def test_an_empty_index_finds_nothing(self, index: VectorIndex) -> None:
        found = index.search(QUERY, k=3)
        assert (found.tile_ids, found.matched, len(found.scores)) == ((), 0, 0)

    def test_a_filter_that_nothing_passes_finds_nothing(self, index: VectorIndex) -> None:
        index.add(table(archive(20)))
        found = index.search(QUERY, k=3, where=parse_filter("cloud > 1"))
        assert (found.tile_ids, found.matched) == ((), 0)

    def test_adding_a_known_id_replaces_its_row(self, index: VectorIndex) -> None:
        index.add(table(archive(20)))
        index.add(table([row("t00003", vector=QUERY.tolist(), sensor="new")]))
        assert index.search(QUERY, k=1).tile_ids == ("t00003",)
        assert index.search(QUERY, k=1, where=parse_filter("sensor = 'new'")).matched == 1
        assert index.search(QUERY, k=1).matched == 20

    def test_deleted_rows_are_not_found(self, index: VectorIndex) -> None:
        rows = archive(20)
        index.add(table(rows))
        assert index.delete(["t00003", "t00007", "not there"]) == 2
        expected = oracle(rows, [each["tile_id"] not in ("t00003", "t00007") for each in rows], QUERY)
        assert list(index.search(QUERY, k=100).tile_ids) == expected

    def test_a_vector_of_another_length_is_refused_with_both_lengths(self, index: VectorIndex) -> None:
        with pytest.raises(QueryError, match=r"3 numbers.*4"):
            index.search(np.ones(3, np.float32), k=1)


class TestMemoryIndex(VectorIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> VectorIndex:
        return MemoryIndex(table([]), space=SPACE)


class StoredIndex:
    """The flat index over a store on disk, every tile a scene of its own."""

    def __init__(self, path: Path) -> None:
        self._store = Store.create_or_open(path, space=SPACE, dtype="float32")

    def add(self, rows: pa.Table) -> None:
        self._store.commit([_scene(rows.slice(place, 1)) for place in range(len(rows))])

    def delete(self, tile_ids: Sequence[str]) -> int:
        known = {name for batch in self._store.snapshot().scan(["tile_id"]) for name in batch["tile_id"].to_pylist()}
        return sum(self._store.remove(scene_id=name).tiles for name in tile_ids if name in known)

    def search(self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None) -> Matches:
        return FlatIndex(self._store.snapshot()).search(vector, k=k, where=where)


def _scene(rows: pa.Table) -> SceneRows:
    first = rows.select(["scene_key", "scene_id", "collection", "href"]).to_pylist()[0]
    ledger = LedgerRow(
        **first,
        fingerprint="1",
        tiles=len(rows),
        dropped=0,
        parameters="{}",
        committed=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return SceneRows(ledger=ledger, batches=rows.cast(tile_schema(SPACE, "float32")).to_batches())


class TestFlatIndexOverAStore(VectorIndexContract):
    @pytest.fixture
    def index(self, tmp_path: Path) -> VectorIndex:
        return StoredIndex(tmp_path / "index")
