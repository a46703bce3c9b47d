import json
import os
import resource
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from shapely.geometry import MultiPolygon, box

from core import IndexNotFoundError, InputError, SpaceMismatchError, StoreError, VectorSpace
from indexer import Store, scene_key
from indexer._lance import lance_errors
from indexer._snapshot import enclosing_bbox
from tests.unit.indexer.doubles import SPACE, rows, tile

ROOT = Path(__file__).parents[3]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create_or_open(tmp_path / "index", space=SPACE)


def test_opening_a_missing_directory_shows_the_command_and_does_not_create_it(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere"
    with pytest.raises(IndexNotFoundError, match=f"{missing} does not exist; .*swath index SOURCE --into {missing}"):
        Store.open(missing)
    assert not missing.exists()


@pytest.mark.parametrize(
    ("content", "said"), [(None, "is empty"), ("photo.jpg", "is a directory without a Swath index")]
)
def test_opening_a_directory_that_is_no_index_says_what_it_is(tmp_path: Path, content: str | None, said: str) -> None:
    if content:
        (tmp_path / content).touch()
    with pytest.raises(IndexNotFoundError, match=said):
        Store.open(tmp_path)


def test_opening_a_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.touch()
    with pytest.raises(IndexNotFoundError, match="is a file"):
        Store.open(file)
    with pytest.raises(InputError, match="is a file"):
        Store.create_or_open(file, space=SPACE)


def test_an_index_is_not_made_among_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(InputError, match=r"holds 'photo\.jpg'"):
        Store.create_or_open(tmp_path, space=SPACE)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_making_an_index_that_was_cut_off_half_way_is_finished_by_the_next_run(store: Store) -> None:
    import shutil

    shutil.rmtree(store.folder / "tiles.lance")
    with pytest.raises(IndexNotFoundError):
        Store.open(store.path)
    again = Store.create_or_open(store.path, space=SPACE)
    assert again.snapshot().count() == 0
    assert again.ledger() == {}


def test_another_encoder_is_refused_with_both_names(store: Store) -> None:
    other = VectorSpace(encoder="other", revision="7", dim=4)
    for opening in (Store.open, Store.create_or_open):
        with pytest.raises(SpaceMismatchError) as caught:
            opening(store.path, space=other)
        assert str(SPACE) in str(caught.value)
        assert str(other) in str(caught.value)


def test_another_revision_of_the_same_encoder_is_another_space(store: Store) -> None:
    with pytest.raises(SpaceMismatchError):
        Store.open(store.path, space=VectorSpace(encoder="mean-colour", revision="2", dim=4))


def test_another_schema_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer._schema.SCHEMA_VERSION", 99)
    Store.create_or_open(tmp_path / "index", space=SPACE)
    monkeypatch.undo()
    with pytest.raises(InputError, match="made by a newer Swath: it has schema version 99, this one reads up to 2"):
        Store.open(tmp_path / "index")


def test_an_unknown_vector_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="float16 or float32, got 'int8'"):
        Store.create_or_open(tmp_path / "index", space=SPACE, dtype="int8")  # type: ignore[arg-type]


def test_a_second_writer_is_refused_and_readers_are_not(store: Store) -> None:
    held = FileLock(store.folder / "writer.lock", thread_local=False)
    with held:
        with pytest.raises(StoreError, match=f"another swath index is writing to {store.path}"):
            store.commit([rows([tile()], schema=store.schema)])
        assert store.snapshot().count() == 0
    store.commit([rows([tile()], schema=store.schema)])
    assert store.snapshot().count() == 1


def test_a_commit_killed_between_tiles_and_ledger_is_healed_by_the_next(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(Store, "write_ledger", die)
    with pytest.raises(Killed):
        store.commit([rows([tile(col=i) for i in range(3)], schema=store.schema)])
    monkeypatch.undo()
    assert (store.snapshot().count(), store.ledger()) == (3, {})
    store.commit([rows([tile(col=i) for i in range(3)], schema=store.schema)])
    assert (store.snapshot().count(), list(store.ledger())) == (3, [scene_key("c", "s1")])


def test_a_removal_killed_between_ledger_and_tiles_is_healed_by_the_next(store: Store) -> None:
    store.commit([rows([tile()], schema=store.schema)])
    store._table("scenes").delete("true")
    assert vars(store.remove(scene_id="s1")) == {"scenes": 1, "tiles": 1}


def test_a_damaged_index_is_one_line(store: Store) -> None:
    store.commit([rows([tile()], schema=store.schema)])
    for file in (store.folder / "tiles.lance" / "data").iterdir():
        file.write_bytes(b"")
    with pytest.raises(StoreError, match=f"^cannot read the index {store.path}: ") as caught:
        list(store.snapshot().scan(["href"]))
    assert "\n" not in str(caught.value)
    assert ".rs:" not in str(caught.value)


def test_a_full_disk_is_one_line_and_shows_nothing_half_written(store: Store) -> None:
    """A limit on file size stands in for the full disk: both fail in the middle of a write."""
    store.commit([rows([tile(scene_id="before")], schema=store.schema)])
    script = f"""
        import resource, signal, sys
        sys.path.insert(0, {str(ROOT)!r})
        from tests.unit.indexer.doubles import SPACE, rows, tile
        from indexer import Store
        from core import StoreError
        store = Store.open({str(store.path)!r}, space=SPACE)
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            store.commit([rows([tile(scene_id="big", col=i) for i in range(200)], schema=store.schema)])
        except StoreError as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write to the index {store.path}: {os.strerror(27)}\n", done.stderr
    assert store.snapshot().info().scenes == 1
    assert len(store.ledger()) == 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 2000


def test_lance_errors_keep_the_operating_systems_words_only(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"^cannot write to the index /i: No space left on device$"),
        lance_errors("write to", Path("/i")),
    ):
        raise RuntimeError("lance error: LanceError(IO): x (os error 28), /root/.cargo/x.rs:3:4\nmore")


def test_info_of_an_empty_index_is_all_zero(store: Store) -> None:
    info = store.snapshot().info()
    assert (info.tiles, info.scenes, info.collections, info.sensors) == (0, 0, {}, {})
    assert (info.datetime, info.bbox) == ((None, None), None)
    assert (info.encoder, info.revision, info.dim, info.dtype) == ("mean-colour", "1", 4, "float16")


def test_info_counts_what_the_index_holds(store: Store) -> None:
    early, late = datetime(1985, 1, 1, tzinfo=UTC), datetime(2020, 12, 31, 23, tzinfo=UTC)
    store.commit([rows([tile(when=late, col=5), tile(when=late, col=6)], schema=store.schema)])
    store.commit([rows([tile(scene_id="s2", when=early)], schema=store.schema)])
    store.commit([rows([tile(scene_id="p", collection="pictures", when=None, placed=False)], schema=store.schema)])
    info = store.snapshot().info()
    assert (info.tiles, info.scenes, info.undated) == (4, 3, 1)
    assert info.collections == {"c": 3, "pictures": 1}
    assert info.sensors == {"toy": 4}
    assert info.datetime == (early, late)
    assert info.bbox == (0, -1, 7, 0)


def test_info_bbox_crosses_the_antimeridian_only_where_a_footprint_does(store: Store) -> None:
    cut = MultiPolygon([box(179, 0, 180, 1), box(-180, 0, -179, 1)])
    store.commit([rows([tile(scene_id="cut", footprint=cut)], schema=store.schema)])
    store.commit([rows([tile(scene_id="fiji", footprint=box(177, -18, 178, -17))], schema=store.schema)])
    assert store.snapshot().info().bbox == (177, -18, -179, 1)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(-74, -9, -73, -8), (127, 35, 128, 36)], (-74, -9, 128, 36)),
        ([(170, 0, -170, 1), (-160, 0, -150, 1)], (170, 0, -150, 1)),
        ([(170, 0, -170, 1), (0, 0, 10, 1)], (0, 0, -170, 1)),
        ([(10, 0, 5, 1)], (10, 0, 5, 1)),
        ([(10, 0, -10, 1), (-20, 0, 20, 1)], (-180, 0, 180, 1)),
    ],
)
def test_the_enclosing_bbox_is_the_shortest_that_holds_every_box(
    boxes: list[tuple[float, ...]], expected: tuple[float, ...]
) -> None:
    assert enclosing_bbox(np.array(boxes, float)) == expected


def test_the_description_is_plain_json_in_the_arrow_schema(store: Store) -> None:
    store.commit([rows([tile()], schema=store.schema)])
    store.commit([rows([tile()], schema=store.schema, fingerprint="f2")])
    store.compact()
    described = json.loads(store._table("tiles").schema.metadata[b"swath"])
    assert described == {
        "schema_version": 2,
        "space": {"encoder": "mean-colour", "revision": "1", "dim": 4, "metric": "cosine"},
        "dtype": "float16",
    }
