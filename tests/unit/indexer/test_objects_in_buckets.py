"""Objects of an index: what is read and written, and what is said when the store does not do it."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import ConfigError, IndexNotFoundError, InputError, StoreError
from indexer import BucketPath, Store, place_of, read_document, remove_file, replace_document
from indexer._local_folder import local_folder
from indexer._objects import create_object, names_in, read_object, update_object, write_object
from indexer._refusals import reason_of
from tests.unit.indexer.doubles import SPACE


def at(text: str) -> BucketPath:
    place = place_of(text)
    assert isinstance(place, BucketPath)
    return place


def test_an_object_is_made_once_and_replaced_by_who_saw_it_last(bucket: str) -> None:
    place = at(f"{bucket}/a/b")
    first = create_object(place, b"one")
    assert first is not None
    assert create_object(place, b"two") is None
    second = update_object(place, b"two", first)
    assert second is not None
    assert update_object(place, b"three", first) is None
    found = read_object(place)
    assert found is not None
    assert (found.content, found.version, found.size) == (b"two", second, 3)


def test_a_try_whose_answer_was_lost_is_known_by_its_content(bucket: str) -> None:
    place = at(f"{bucket}/a/b")
    assert create_object(place, b"ours") == create_object(place, b"ours")


def test_documents_are_kept_as_in_a_folder(bucket: str) -> None:
    place = at(f"{bucket}/a/b.json")
    assert read_document(place, kind="test", limit=100) is None
    replace_document(place, {"a": 1})
    assert read_document(place, kind="test", limit=100) == {"a": 1}
    with pytest.raises(ConfigError, match="larger than 3 bytes and is no test"):
        read_document(place, kind="test", limit=3)
    assert names_in(at(f"{bucket}/a")) == {"b.json"}
    assert remove_file(place) is True
    assert remove_file(place) is False


def test_an_index_is_not_made_where_other_things_are(bucket: str) -> None:
    write_object(at(f"{bucket}/other/scene.tif"), b"II*")
    with pytest.raises(InputError, match=r"is not an index and not empty \(it holds 'scene.tif'\)"):
        Store.create_or_open(f"{bucket}/other", space=SPACE)
    with pytest.raises(IndexNotFoundError, match="holds no Swath index; make an index with: swath index SOURCE --into"):
        Store.open(f"{bucket}/other")
    with pytest.raises(IndexNotFoundError, match="holds nothing"):
        Store.open(f"{bucket}/othe")


def test_an_index_that_was_made_anew_at_an_address_has_another_folder(bucket: str) -> None:
    place = at(f"{bucket}/index")
    store = Store.create_or_open(place, space=SPACE)
    before = store.folder
    assert Store.open(place).folder == before
    for name in [f"tiles.lance/{each}" for each in _below(place / "tiles.lance")]:
        remove_file(place / name)
    remove_file(place / "index.json")
    assert Store.create_or_open(place, space=SPACE).folder != before


def test_an_index_that_was_copied_into_a_bucket_has_a_folder_without_an_identity(bucket: str) -> None:
    assert local_folder(at(f"{bucket}/copied")) != local_folder(at(f"{bucket}/other"))


def _below(place: BucketPath) -> list[str]:
    from indexer import objects_in

    return [name for name, _ in objects_in(place)]


@pytest.mark.parametrize("create", [False, True])
def test_a_missing_bucket_is_said_in_one_line(create: bool, bucket: str) -> None:
    with pytest.raises(StoreError, match="there is no bucket 'no-such-bucket'; make it first") as raised:
        _opened("s3://no-such-bucket/index", create=create)
    assert "\n" not in str(raised.value)


def _opened(address: str, *, create: bool) -> Store:
    return Store.create_or_open(address, space=SPACE) if create else Store.open(address)


def test_an_endpoint_that_is_not_there_is_said_soon(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:secret@127.0.0.1:9")
    started = time.monotonic()
    with pytest.raises(StoreError, match="cannot be reached; check AWS_ENDPOINT_URL") as raised:
        Store.open(f"{bucket}/index")
    assert time.monotonic() - started < 20
    assert "secret" not in str(raised.value)


@pytest.fixture
def answering() -> Iterator[tuple[str, list[int]]]:
    """A server that answers what the list says, the last of it for ever, and counts down."""
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            body = (
                b"<Error><Code>SlowDown</Code></Error>"
                if status == 503
                else b"<Error><Code>AccessDenied</Code></Error>"
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_PUT = do_GET  # noqa: N815 - the names http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", statuses
    server.shutdown()
    thread.join()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "the store refused access; check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        (503, "the store answered 503 again and again; try again later"),
    ],
)
def test_a_store_that_refuses_or_is_busy_is_said_in_one_line(
    status: int, said: str, answering: tuple[str, list[int]], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, statuses = answering
    statuses.append(status)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    started = time.monotonic()
    with pytest.raises(StoreError, match=said) as raised:
        Store.open(f"{bucket}/index")
    assert time.monotonic() - started < 20
    assert "127.0.0.1" not in str(raised.value)


def test_no_secret_and_no_address_is_repeated_from_what_nobody_foresaw() -> None:
    place = BucketPath("s3", "bucket", "index")
    said = reason_of(
        "odd http://host/x?X-Amz-Signature=abc token wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY at\nDebug", place
    )
    assert said == "odd ... token ... at"
    assert reason_of("", place) == "for a reason that it did not give"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Account must be specified", "no credentials were found; set AZURE_STORAGE_ACCOUNT_NAME"),
        ("ContainerNotFound", "there is no bucket 'bucket'"),
        ("operation timed out", "did not answer in time; check AZURE_STORAGE_ENDPOINT"),
        ("Server returned 429 Too Many Requests", "answered 429"),
    ],
)
def test_other_stores_are_told_by_their_own_variables(text: str, said: str) -> None:
    assert said in reason_of(text, BucketPath("az", "bucket", "index"))
