"""The lock of an index in a bucket: one holder, taken over when it runs out, and a holder that lost it stops."""

import time
from pathlib import Path
from threading import Barrier, Thread

import pytest

from core import StoreError
from indexer import BucketPath, Store, place_of
from indexer._lease import BusyError, Lease, LeaseLostError
from indexer._objects import delete_object, names_in, read_object, write_object
from tests.unit.indexer.doubles import SPACE, rows, tile


@pytest.fixture
def index(bucket: str) -> BucketPath:
    place = place_of(f"{bucket}/index")
    assert isinstance(place, BucketPath)
    return place


def lease(index: BucketPath, *, seconds: float = 30, margin: float = 5) -> Lease:
    return Lease(index / "writer.lock", index=index, seconds=seconds, margin=margin)


def stopped(held: Lease) -> Lease:
    """As if its process had died: nothing renews it any more."""
    held._ended.set()
    return held


def test_is_held_by_one_at_a_time_and_given_back(index: BucketPath) -> None:
    first, second = lease(index), lease(index)
    first.acquire()
    with pytest.raises(BusyError, match=r"another swath index is writing to s3://\S+/index \(process \d+ on "):
        second.acquire()
    first.release()
    second.acquire()
    second.check()
    second.release()


def test_may_be_taken_again_by_its_holder(index: BucketPath) -> None:
    held = lease(index)
    held.acquire()
    held.acquire()
    held.release()
    held.check()
    with pytest.raises(BusyError):
        lease(index).acquire()
    held.release()
    lease(index).acquire()


def test_of_eight_that_ask_at_once_one_gets_it(index: BucketPath) -> None:
    start, got = Barrier(8), []

    def ask() -> None:
        mine = lease(index)
        start.wait()
        try:
            mine.acquire()
        except BusyError:
            return
        got.append(mine)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    got[0].release()


def test_one_that_is_renewed_is_not_taken_over(index: BucketPath) -> None:
    held = lease(index, seconds=0.6, margin=0)
    held.acquire()
    time.sleep(2.5)  # the store stamps whole seconds
    with pytest.raises(BusyError):
        lease(index).acquire()
    held.check()
    held.release()


def test_one_whose_holder_died_is_taken_over_when_it_has_run_out(index: BucketPath) -> None:
    dead, heir = lease(index, seconds=1, margin=0), lease(index, margin=0)
    dead.acquire()
    stopped(dead)
    with pytest.raises(BusyError):
        heir.acquire()
    time.sleep(2.1)
    heir.acquire()
    heir.check()
    with pytest.raises(LeaseLostError, match="no longer the writer"):
        dead.check()
    dead.release()  # takes nothing away from who holds it now
    with pytest.raises(BusyError):
        lease(index).acquire()
    heir.release()
    assert names_in(index) == {"writer.lock"}


def test_how_old_one_is_tells_the_store_and_no_clock_of_ours(
    index: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease(index).acquire()
    monkeypatch.setattr("time.time", lambda: 4e9)
    monkeypatch.setattr("indexer._lease._now", lambda: 4e9)
    with pytest.raises(BusyError):
        lease(index).acquire()


def test_a_holder_that_slept_too_long_knows_it_before_it_asks(
    index: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = lease(index)
    held.acquire()
    held.check()
    clock = time.clock_gettime(time.CLOCK_BOOTTIME) + 31
    monkeypatch.setattr("indexer._lease._now", lambda: clock)
    with pytest.raises(LeaseLostError):
        held.check()
    with pytest.raises(LeaseLostError):
        held.acquire()


def test_one_that_somebody_else_wrote_is_lost(index: BucketPath) -> None:
    held = lease(index, seconds=0.3)
    held.acquire()
    write_object(index / "writer.lock", b"{}")
    time.sleep(0.5)
    with pytest.raises(LeaseLostError):
        held.check()


def test_a_lock_that_nobody_can_read_is_somebodys(index: BucketPath) -> None:
    write_object(index / "writer.lock", b"\xff not JSON")
    with pytest.raises(BusyError):
        lease(index).acquire()


def test_a_removed_lock_stops_its_holder(index: BucketPath) -> None:
    held = lease(index, seconds=0.3)
    held.acquire()
    delete_object(index / "writer.lock")
    time.sleep(0.5)
    with pytest.raises(LeaseLostError):
        held.check()
    assert read_object(index / "writer.lock") is None


def test_a_writer_that_lost_its_lock_commits_nothing(bucket: str) -> None:
    store = Store.create_or_open(f"{bucket}/index", space=SPACE)
    lost = store._lock
    assert isinstance(lost, Lease)
    with store.writing():
        lost._until = 0.0
        with pytest.raises(LeaseLostError):
            store.commit([rows([tile()], schema=store.schema)])
    assert store.snapshot().count() == 0
    store.commit([rows([tile()], schema=store.schema)])
    assert store.snapshot().count() == 1


def test_a_writer_that_loses_its_lock_while_rows_stream_in_commits_nothing(bucket: str) -> None:
    store = Store.create_or_open(f"{bucket}/index", space=SPACE)
    whole = rows([tile(col=i) for i in range(3)], schema=store.schema)

    def stream() -> object:
        yield from whole.batches
        store._lock._until = 0.0  # type: ignore[attr-defined]  # as if it had slept here

    with pytest.raises(LeaseLostError):
        store.commit([type(whole)(ledger=whole.ledger, batches=stream())])  # type: ignore[arg-type]  # a generator
    assert store.snapshot().count() == 0
    assert store.ledger() == {}


def test_two_writers_lose_nothing(bucket: str) -> None:
    """Each tries again when it is told that the other is writing."""
    Store.create_or_open(f"{bucket}/index", space=SPACE)
    refused = []

    def write(name: str) -> None:
        store = Store.open(f"{bucket}/index")
        for number in range(5):
            while True:
                try:
                    store.commit([rows([tile(scene_id=f"{name}{number}")], schema=store.schema)])
                except BusyError:
                    refused.append(name)
                    time.sleep(0.01)
                else:
                    break

    threads = [Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = Store.open(f"{bucket}/index")
    assert sorted(row.scene_id for row in store.ledger().values()) == sorted(f"{n}{i}" for n in "ab" for i in range(5))
    assert store.snapshot().count() == 10
    assert refused


def test_a_folder_keeps_its_lock_file(tmp_path: Path) -> None:
    one = Store.create_or_open(tmp_path / "index", space=SPACE)
    two = Store.open(tmp_path / "index")
    with one.writing():
        two.check_writing()  # a file cannot be lost
        with pytest.raises(StoreError, match="another swath index is writing to"), two.writing():
            pass
    with two.writing():
        pass
