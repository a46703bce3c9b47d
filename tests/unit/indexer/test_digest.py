"""Check sums of rows: the same for the same rows in whatever order and pieces, another for any other."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from indexer import Store, digest_of, records_to_batch, tile_schema
from indexer._digest import DIGESTED
from tests.unit.indexer.doubles import AXES, SPACE, rows, tile

SCHEMA = tile_schema(SPACE, "float16")


def batch(tiles: int = 3, *, placed: bool = True) -> pa.RecordBatch:
    made = [tile(col=col, placed=placed) for col in range(tiles)]
    return records_to_batch(made, AXES[np.arange(tiles) % 4], [b"webp%d" % col for col in range(tiles)], SCHEMA)


def digest(*batches: pa.RecordBatch) -> str:
    return str(digest_of(batches))


def with_value(name: str, value: object) -> pa.RecordBatch:
    """The batch with another value in the middle row of a column."""
    found = batch()
    column = found[name].to_pylist()
    column[1] = value
    place = found.schema.get_field_index(name)
    return found.set_column(place, found.schema.field(name), pa.array(column, found.schema.field(name).type))


def test_order_and_pieces_do_not_matter() -> None:
    whole = batch()
    assert digest(whole.take(pa.array([2, 0, 1]))) == digest(whole)
    assert digest(whole.slice(1), whole.slice(0, 1), whole.slice(0, 0)) == digest(whole)


def test_it_is_what_it_was_in_earlier_versions() -> None:
    """Another number here means that every index made before seems damaged: raise DIGEST then."""
    assert digest(batch()) == "1:7cdb22f05dcbd9730b5d37902994d38d"


def test_a_lost_and_a_doubled_row_are_noticed() -> None:
    whole = batch()
    twice = digest(whole, whole.slice(0, 1), whole.slice(0, 1))
    assert len({digest(whole), digest(whole.slice(1)), digest(whole, whole.slice(0, 1)), twice}) == 4


OTHER = {
    "tile_id": "x", "scene_key": "0" * 32, "scene_id": "x", "collection": "x", "sensor": "x", "encoding": "x",
    "datetime": None, "west": 1.5, "south": None, "east": 0.0, "north": 7.0, "lon": -1.0, "lat": None,
    "footprint": b"", "h3": 5, "h3_cover": [1, 2], "gsd": None, "crs": "", "href": "", "col_off": 9, "row_off": -1,
    "width": 5, "height": 5, "valid": 0.5, "cloud": 0.0, "offset": -1000.0, "offset_origin": "x", "label": None,
    "captions": ["a", "forest"], "preview": b"webp2", "vector": [0, 1e-3, 0, 1],
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMA.names)
def test_another_value_in_any_column_is_noticed(name: str) -> None:
    assert name in DIGESTED
    assert digest(with_value(name, OTHER[name])) != digest(batch())


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("label", None, ""),
        ("crs", None, ""),
        ("cloud", None, 0.0),
        ("footprint", None, b""),
        ("captions", ["ab", "c"], ["a", "bc"]),
        ("captions", ["ab"], ["a", "b"]),
        ("captions", [], [""]),
        ("h3_cover", [], [0]),
    ],
)
def test_values_that_look_alike_are_told_apart(name: str, one: object, other: object) -> None:
    assert digest(with_value(name, one)) != digest(with_value(name, other))


def test_letters_do_not_move_from_one_column_to_the_next() -> None:
    one = with_value("scene_id", "ab")
    place = one.schema.get_field_index("collection")
    assert one.schema.names[place - 1] == "scene_id"

    def collection(found: pa.RecordBatch, name: str) -> pa.RecordBatch:
        names = pa.array([found["collection"][0].as_py(), name, found["collection"][2].as_py()])
        return found.set_column(place, found.schema.field(place), names)

    assert digest(collection(one, "c")) != digest(collection(with_value("scene_id", "a"), "bc"))


def test_the_table_gives_back_rows_of_the_same_sum(tmp_path: Path) -> None:
    store = Store.create_or_open(tmp_path / "index", space=SPACE)
    for name in "ab":
        made = [tile(scene_id=name, col=col, placed=bool(col), when=None) for col in range(4)]
        store.commit([rows(made, schema=store.schema)])
    store.commit([rows([tile(scene_id="a", col=col) for col in range(3)], schema=store.schema, fingerprint="f2")])
    store.compact()
    for row in store.ledger().values():
        stored = [b for b in store.snapshot().scan(DIGESTED) if b.num_rows]
        of_scene = [b.filter(pa.compute.equal(b["scene_key"], row.scene_key)) for b in stored]
        assert digest(*of_scene) == row.digest
