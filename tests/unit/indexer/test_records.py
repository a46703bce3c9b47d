import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPolygon, box

from core import InputError, Offset, cell_text, centre_cell
from indexer import RECORD_COLUMNS, record_from_row, records_to_batch, scene_key, tile_schema, vector_matrix
from indexer._records import unfit_rows
from tests.unit.indexer.doubles import AXES, SPACE, tile

SCHEMA = tile_schema(SPACE, "float16")


def test_record_columns_are_the_schema_without_key_and_vector() -> None:
    assert set(RECORD_COLUMNS) == set(SCHEMA.names) - {"scene_key", "vector"}


def test_a_plain_picture_has_no_place() -> None:
    batch = records_to_batch([tile(placed=False, when=None)], AXES[:1], [b"w"], SCHEMA)
    record = record_from_row(batch.to_pylist()[0])
    assert (record.bbox, record.centroid, record.footprint, record.h3, record.h3_cover) == (None, None, None, None, ())
    assert (record.gsd, record.crs, record.datetime) == (None, None, None)


def test_a_footprint_cut_at_the_antimeridian_has_west_greater_than_east() -> None:
    cut = MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)])
    batch = records_to_batch([tile(footprint=cut)], AXES[:1], [b"w"], SCHEMA)
    record = record_from_row(batch.to_pylist()[0])
    assert record.bbox == (179, 0, -179, 1)
    assert record.footprint is not None
    assert record.footprint.equals(cut)


def test_cells_are_h3_of_the_centroid_and_cover_the_footprint() -> None:
    made = tile(row=3, col=8)
    record = record_from_row(records_to_batch([made], AXES[:1], [b"w"], SCHEMA).to_pylist()[0])
    assert made.centroid is not None
    assert record.h3 == cell_text(centre_cell(*made.centroid))
    assert 1 <= len(record.h3_cover) <= 16


def test_the_applied_offset_is_kept() -> None:
    from dataclasses import replace

    made = replace(tile(), offset=Offset(value=-1000, origin="stac:processing-baseline"), cloud=0.25)
    record = record_from_row(records_to_batch([made], AXES[:1], [b"w"], SCHEMA).to_pylist()[0])
    assert record.offset == Offset(value=-1000, origin="stac:processing-baseline")
    assert record.cloud == 0.25


def test_the_scene_key_is_hexadecimal_and_tells_collections_apart() -> None:
    assert len(scene_key("c", "s")) == 32
    assert int(scene_key("c", "s'; drop"), 16) >= 0
    assert scene_key("a", "s") != scene_key("b", "s")


def test_rows_and_vectors_must_be_as_many() -> None:
    with pytest.raises(ValueError, match="argument"):
        records_to_batch([tile()], AXES[:1], [b"a", b"b"], SCHEMA)


def test_vectors_of_another_length_are_named() -> None:
    with pytest.raises(InputError, match=r"shape \(1, 3\) do not fit an index of \(n, 4\)"):
        records_to_batch([tile()], AXES[:1, :3], [b"w"], SCHEMA)


@given(st.integers(1, 2000), st.integers(0, 2**32 - 1))
def test_every_float16_copy_of_a_unit_vector_counts_as_unit(dim: int, seed: int) -> None:
    vector = np.random.default_rng(seed).standard_normal((1, dim)).astype(np.float32)
    vector /= np.linalg.norm(vector)
    assert not unfit_rows(vector.astype(np.float16)).any()


def test_vector_matrix_respects_slices() -> None:
    batch = records_to_batch([tile(col=i) for i in range(3)], AXES[:3], [b"w"] * 3, SCHEMA)
    assert vector_matrix(batch.slice(1, 1)["vector"]).tolist() == [[0, 1, 0, 0]]
