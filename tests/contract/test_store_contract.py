"""What every index promises, whatever the type of its vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from lancedb.expr import col, lit

from core import InputError, StoreError, Tile
from indexer import RECORD_COLUMNS, Store, record_from_row, scene_key, vector_matrix
from indexer._schema import VectorType
from tests.unit.indexer.doubles import AXES, SPACE, rows, tile


class StoreContract:
    dtype: VectorType

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return Store.create_or_open(tmp_path / "index", space=SPACE, dtype=self.dtype)

    def put(self, store: Store, tiles: Sequence[Tile], vectors: np.ndarray | None = None, mark: str = "f1") -> None:
        store.commit([rows(tiles, schema=store.schema, vectors=vectors, fingerprint=mark)])

    def ids(self, store: Store) -> list[str]:
        return sorted(i for b in store.snapshot().scan(["tile_id"]) for i in b["tile_id"].to_pylist())

    def test_gives_back_every_field_of_a_tile(self, store: Store) -> None:
        given = tile(row=2, col=3)
        self.put(store, [given])
        (batch,) = store.snapshot().scan(RECORD_COLUMNS)
        record = record_from_row(batch.to_pylist()[0])
        for name in ("tile_id", "scene_id", "collection", "encoding", "datetime", "centroid", "gsd", "crs", "href",
                     "window", "valid", "cloud", "offset", "label", "captions"):  # fmt: skip
            assert getattr(record, name) == getattr(given, name), name
        assert record.sensor == "toy"
        assert record.bbox == (3, -3, 4, -2)
        assert record.footprint is not None
        assert record.footprint.equals(given.footprint)
        assert record.preview == b"webp"

    def test_keeps_unit_vectors_in_its_own_type(self, store: Store) -> None:
        vectors = np.array([[0.6, 0.8, 0, 0], [0, 0, 0.28, 0.96]], np.float32)
        self.put(store, [tile(col=0), tile(col=1)], vectors)
        (batch,) = store.snapshot().scan(["vector"])
        kept = vector_matrix(batch["vector"])
        assert kept.dtype == self.dtype
        np.testing.assert_allclose(kept, vectors, atol=5e-4)

    def test_committing_twice_changes_nothing(self, store: Store) -> None:
        tiles = [tile(col=i) for i in range(5)]
        self.put(store, tiles)
        once, ledger = self.ids(store), store.ledger()
        self.put(store, tiles)
        assert self.ids(store) == once
        assert store.ledger() == ledger

    def test_a_changed_scene_replaces_its_tiles_and_no_others(self, store: Store) -> None:
        self.put(store, [tile(col=i) for i in range(5)])
        self.put(store, [tile(scene_id="other", col=i) for i in range(2)])
        self.put(store, [tile(col=0), tile(col=9)], AXES[[1, 2]], mark="f2")
        assert self.ids(store) == ["c~other~r0000c0000", "c~other~r0000c0001", "c~s1~r0000c0000", "c~s1~r0000c0009"]
        (batch,) = store.snapshot().scan(["vector"], col("tile_id") == lit("c~s1~r0000c0000"))
        assert vector_matrix(batch["vector"])[0].tolist() == [0, 1, 0, 0]
        assert store.ledger()[scene_key("c", "s1")].fingerprint == "f2"

    def test_a_large_replacement_leaves_the_same_tiles_as_a_small_one(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.put(store, [tile(col=i) for i in range(5)])
        self.put(store, [tile(scene_id="other")])
        monkeypatch.setattr("indexer.store.MERGE_LIMIT", 1)
        self.put(store, [tile(col=0), tile(col=9)], mark="f2")
        assert self.ids(store) == ["c~other~r0000c0000", "c~s1~r0000c0000", "c~s1~r0000c0009"]
        assert store.ledger()[scene_key("c", "s1")].fingerprint == "f2"

    def test_several_scenes_become_visible_at_once(self, store: Store) -> None:
        before = store.version
        store.commit([rows([tile(scene_id=name)], schema=store.schema) for name in ("a", "b", "c")])
        assert store.version == before + 1
        assert store.snapshot().info().scenes == 3

    @pytest.mark.parametrize(
        "vectors",
        [[[1, 1, 0, 0]], [[0, 0, 0, 0]], [[np.nan, 0, 0, 1]], [[np.inf, 0, 0, 0]], [[1, 0, 0]]],
        ids=["too long", "zero", "nan", "infinite", "too few dimensions"],
    )
    def test_refuses_vectors_that_are_not_unit_vectors_of_the_space(
        self, store: Store, vectors: list[list[float]]
    ) -> None:
        with pytest.raises(InputError, match="vectors"):
            self.put(store, [tile()], np.array(vectors, np.float32))
        assert store.snapshot().count() == 0

    def test_refuses_a_stream_that_breaks_off_and_shows_nothing_of_it(self, store: Store) -> None:
        good = rows([tile()], schema=store.schema)
        short = rows([tile(scene_id="short")], schema=store.schema, count=2)
        with pytest.raises(InputError, match="came with 1 tiles, its ledger row says 2"):
            store.commit([good, short])
        assert store.snapshot().count() == 0
        assert store.ledger() == {}

    def test_refuses_the_same_tile_twice(self, store: Store) -> None:
        with pytest.raises(InputError, match="came twice"):
            self.put(store, [tile(), tile()])

    def test_a_snapshot_does_not_see_later_commits_removals_and_compactions(self, store: Store) -> None:
        self.put(store, [tile(col=i) for i in range(3)])
        seen = store.snapshot()
        ids = [i for b in seen.scan(["tile_id"]) for i in b["_rowid"].to_pylist()]
        self.put(store, [tile(scene_id="later")])
        store.remove(scene_id="s1")
        store.compact()
        assert seen.count() == 3
        assert seen.take(ids, ["tile_id"])["tile_id"].to_pylist() == [f"c~s1~r0000c000{i}" for i in range(3)]
        assert store.snapshot().count() == 1

    def test_scan_returns_every_row_in_batches_of_at_most_the_size_asked_for(self, store: Store) -> None:
        for name in range(7):
            self.put(store, [tile(scene_id=f"s{name}", col=i) for i in range(30)])
        batches = list(store.snapshot().scan(["tile_id"], batch_size=20))
        assert sum(batch.num_rows for batch in batches) == 210
        assert max(batch.num_rows for batch in batches) <= 20
        assert len({i for batch in batches for i in batch["_rowid"].to_pylist()}) == 210

    def test_scan_without_columns_returns_row_ids(self, store: Store) -> None:
        self.put(store, [tile(col=i) for i in range(3)])
        (batch,) = store.snapshot().scan([])
        assert batch.schema.names == ["_rowid"]
        assert batch.num_rows == 3

    def test_take_keeps_order_and_repeats(self, store: Store) -> None:
        for name in "ab":
            self.put(store, [tile(scene_id=name, col=i) for i in range(3)])
        snapshot = store.snapshot()
        where = {t: r for b in snapshot.scan(["tile_id"])
                 for t, r in zip(b["tile_id"].to_pylist(), b["_rowid"].to_pylist(), strict=True)}  # fmt: skip
        wanted = ["c~b~r0000c0002", "c~a~r0000c0001", "c~b~r0000c0002", "c~b~r0000c0000"]
        taken = snapshot.take([where[name] for name in wanted], ["tile_id", "col_off"])
        assert taken["tile_id"].to_pylist() == wanted
        assert taken.column_names == ["tile_id", "col_off"]
        assert snapshot.take([], ["tile_id"]).num_rows == 0

    def test_take_of_an_unknown_row_is_an_error(self, store: Store) -> None:
        self.put(store, [tile()])
        with pytest.raises(StoreError):
            store.snapshot().take([12345], ["tile_id"])

    def test_remove_takes_a_scene_or_a_collection_and_says_how_much(self, store: Store) -> None:
        self.put(store, [tile(scene_id="a", col=i) for i in range(2)])
        self.put(store, [tile(scene_id="a", collection="d")])
        self.put(store, [tile(scene_id="b", collection="d")])
        assert vars(store.remove(scene_id="a", collection="c")) == {"scenes": 1, "tiles": 2}
        assert self.ids(store) == ["d~a~r0000c0000", "d~b~r0000c0000"]
        assert vars(store.remove(collection="d")) == {"scenes": 2, "tiles": 2}
        assert store.ledger() == {}

    def test_remove_of_an_unknown_name_lists_the_known_ones_and_removes_nothing(self, store: Store) -> None:
        self.put(store, [tile(scene_id="a")])
        with pytest.raises(InputError, match="no scene 'x' in the index; it holds a"):
            store.remove(scene_id="x")
        with pytest.raises(InputError, match="no collection 'x' in the index; it holds c"):
            store.remove(collection="x", scene_id="a")
        with pytest.raises(InputError, match="give a scene id or a collection"):
            store.remove()
        assert store.snapshot().count() == 1

    def test_remove_of_a_scene_id_that_several_collections_use_asks_which(self, store: Store) -> None:
        self.put(store, [tile(scene_id="a")])
        self.put(store, [tile(scene_id="a", collection="d")])
        with pytest.raises(InputError, match=r"scene 'a' is in several collections \(c, d\)"):
            store.remove(scene_id="a")
        assert store.snapshot().count() == 2

    def test_remove_takes_names_for_names_and_not_for_sql(self, store: Store) -> None:
        self.put(store, [tile(scene_id="a")])
        self.put(store, [tile(scene_id="x' OR '1'='1")])
        assert store.remove(scene_id="x' OR '1'='1").tiles == 1
        with pytest.raises(InputError):
            store.remove(collection="c' OR 1=1 --")
        assert self.ids(store) == ["c~a~r0000c0000"]

    def test_compact_joins_fragments_and_changes_nothing_visible(self, store: Store) -> None:
        for name in range(6):
            self.put(store, [tile(scene_id=f"s{name}", col=i) for i in range(3)])
        before, ledger = self.ids(store), store.ledger()
        report = store.compact()
        assert (report.fragments_before, report.fragments_after) == (6, 1)
        assert self.ids(store) == before
        assert store.ledger() == ledger

    def test_reopening_gives_the_same_space_type_and_rows(self, store: Store) -> None:
        self.put(store, [tile(col=i) for i in range(3)])
        store.compact()
        again = Store.open(store.path)
        assert (again.space, again.dtype) == (SPACE, self.dtype)
        assert self.ids(again) == self.ids(store)


class TestFloat16Store(StoreContract):
    dtype = "float16"


class TestFloat32Store(StoreContract):
    dtype = "float32"


class TestStoreInABucket(StoreContract):
    dtype = "float16"

    @pytest.fixture
    def store(self, bucket: str) -> Store:
        return Store.create_or_open(f"{bucket}/index", space=SPACE, dtype=self.dtype)
