"""A store that breaks connections before or after it did what it was asked: done once, and nobody is locked out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core import StoreError
from indexer import BucketPath, Store, _tries, place_of
from indexer import _lease as lease_module
from indexer._lease import BusyError, Lease
from indexer._objects import Version, create_object, read_object, update_object
from indexer._tries import RETRIES, UnansweredError, again, store_error
from indexer.distributed import Committer, FragmentWriter, Group
from tests.faults.slow_store import DONE, SlowStore, Trouble, only, slow_store
from tests.unit.indexer.doubles import SPACE, rows, tile

BROKEN = (Trouble.DROPPED, *DONE)
ENDED = "error sending request"


@pytest.fixture
def store(s3: str, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowStore]:
    with slow_store(s3) as made:
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.address)
        yield made


@pytest.fixture
def index(bucket: str) -> BucketPath:
    place = place_of(f"{bucket}/index")
    assert isinstance(place, BucketPath)
    return place


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tries, "FIRST_WAIT_S", 0)


@pytest.mark.parametrize("trouble", BROKEN, ids=lambda each: each.name.lower())
def test_an_object_is_made_and_replaced_though_no_answer_came(
    trouble: Trouble, store: SlowStore, index: BucketPath
) -> None:
    place = index / "object"
    store.change(only(trouble, "PUT .*/object$"))
    first = create_object(place, b"one")
    assert first is not None
    store.change(only(trouble, "PUT .*/object$"))
    second = update_object(place, b"two", first)
    assert store.met[trouble] == 1
    found = read_object(place)
    assert found is not None
    assert (found.content, found.version) == (b"two", second)
    assert create_object(place, b"three") is None


COMMITS = pytest.mark.parametrize(
    "trouble",
    # What was done Lance recognises as its own; what was not it does not try again.
    [Trouble.DROPPED, *(pytest.param(each, marks=pytest.mark.slow) for each in DONE)],
    ids=lambda each: each.name.lower(),
)


@COMMITS
def test_tables_change_once_though_no_answer_came(trouble: Trouble, store: SlowStore, index: BucketPath) -> None:
    store.change(only(trouble, "PUT .*manifest$"))
    opened = Store.create_or_open(index, space=SPACE)
    assert store.met[trouble] == 1
    opened.commit([rows([tile(scene_id=name)], schema=opened.schema) for name in "ab"])
    more = rows([tile(scene_id="c"), tile(scene_id="c", col=1)], schema=opened.schema)
    for name in ("tiles", "scenes"):
        store.change(only(trouble, f"PUT .*/{name}.lance/.*manifest$"))
        again(lambda: opened.commit([more]))
        assert store.met[trouble] == 1
        assert (opened.snapshot().count(), len(opened.ledger())) == (4, 3)
        store.change(only(trouble, f"PUT .*/{name}.lance/.*manifest$"))
        assert opened.remove(scene_id="c").tiles == 2
        assert store.met[trouble] == 1
        assert (opened.snapshot().count(), len(opened.ledger())) == (2, 2)


@COMMITS
def test_fragments_of_workers_are_committed_once_though_no_answer_came(
    trouble: Trouble, store: SlowStore, index: BucketPath
) -> None:
    opened, groups = Store.create_or_open(index, space=SPACE), list[Group]()
    with opened.writing():
        for fingerprint in ("f1", "f2"):  # new, then in place of that
            tiles = [tile(), tile(col=1)]
            FragmentWriter(opened, groups.append).write([rows(tiles, schema=opened.schema, fingerprint=fingerprint)])
            store.change(only(trouble, "PUT .*/tiles.lance/.*manifest$"))
            assert len(Committer(opened).commit([groups[-1]])) == 1
            assert store.met[trouble] == 1
            (row,) = opened.ledger().values()
            assert (opened.snapshot().count(), row.fingerprint) == (2, fingerprint)


def test_what_is_not_answered_is_tried_so_often_and_then_said(patient: None) -> None:
    tries = []

    def action() -> None:
        tries.append(1)
        raise UnansweredError("the store cannot be reached")

    with pytest.raises(StoreError, match="cannot be reached") as raised:
        again(action)
    assert (len(tries), isinstance(raised.value, UnansweredError)) == (RETRIES + 1, False)


def test_only_what_was_not_done_and_not_tried_again_is_tried_again(index: BucketPath, tmp_path: Path) -> None:
    def tried(cause: str, place: BucketPath | Path = index) -> bool:
        return isinstance(store_error("", cause=cause, place=place), UnansweredError)

    assert tried(f"Error performing PUT http://host/key in 1ms - HTTP error: {ENDED}")
    assert not tried(f"Error performing GET http://host/key in 9s, after 6 retries - HTTP error: {ENDED}")
    assert not tried(f"Commit result for version 3 is unknown: HTTP error: {ENDED}")
    assert not tried("Server returned non-2xx status code: 503")
    assert not tried("HTTP error: operation timed out")
    assert not tried(ENDED, tmp_path)


def test_a_renewal_that_was_done_though_an_error_was_heard_loses_no_lease(
    index: BucketPath, store: SlowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Lease(index / "writer.lock", index=index)
    held.acquire()

    def unheard(place: BucketPath, content: bytes, version: Version) -> Version | None:
        update_object(place, content, version)
        raise StoreError("the store cannot be reached")

    for _ in range(2):
        monkeypatch.setattr(lease_module, "update_object", unheard)
        held._renew()
        held.check()
        monkeypatch.setattr(lease_module, "update_object", update_object)
        held._renew()
        held.check()
    with pytest.raises(BusyError):
        Lease(index / "writer.lock", index=index).acquire()
    monkeypatch.setattr(lease_module, "update_object", unheard)
    held._renew()
    monkeypatch.setattr(lease_module, "update_object", update_object)
    held.release()
    Lease(index / "writer.lock", index=index).acquire()


@pytest.mark.parametrize("trouble", BROKEN, ids=lambda each: each.name.lower())
def test_a_lock_is_taken_and_given_back_though_no_answer_came(
    trouble: Trouble, store: SlowStore, index: BucketPath
) -> None:
    for _ in range(2):
        held = Lease(index / "writer.lock", index=index)
        store.change(only(trouble, "PUT .*lock$"))
        held.acquire()
        held.check()
        store.change(only(trouble, "PUT .*lock$"))
        held.release()
        assert store.met[trouble] == 1
