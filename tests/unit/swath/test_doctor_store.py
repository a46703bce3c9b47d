"""`swath doctor --store` tells whether an index can lie in a bucket, and leaves nothing behind."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from core import InputError
from swath._cli import app
from swath._doctor_check import Check
from swath._doctor_store import _Store, examine_store
from tests.unit.indexer.sources import samples


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    with samples.bucket(monkeypatch) as made:
        yield made


def examined(address: str) -> dict[str, Check]:
    return {check.name: check for check in examine_store(address)}


def test_a_bucket_that_will_do(bucket: tuple[str, Any]) -> None:
    name, client = bucket
    found = examined(f"s3://{name}/indexes")
    assert {check.state for check in found.values()} == {"ok"}, found
    assert list(found) == ["store", "store writes", "store commits", "store clock", "store cleaned"]
    assert "Contents" not in client.list_objects_v2(Bucket=name)


def test_a_bucket_that_is_not_there(bucket: tuple[str, Any]) -> None:
    found = examined(f"s3://{bucket[0]}-not/indexes")
    assert found["store"].state == "fail"
    assert "AWS_ENDPOINT_URL" in found["store"].advice
    assert len(found) == 1


def test_a_store_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "hidden")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    (found,) = examine_store("s3://some-bucket/x")
    assert found.state == "fail"
    assert "hidden" not in found.found
    assert "\n" not in found.found


class Objects:
    """A store of a kind that one would not want."""

    def __init__(self, *, read_only: bool = False, careless: bool = False, ahead: timedelta = timedelta()) -> None:
        self._read_only, self._careless, self._ahead = read_only, careless, ahead
        self.kept: dict[str, bytes] = {}

    def list_with_delimiter(self, prefix: str | None) -> None:
        """All is well."""

    def put(self, key: str, content: bytes, mode: str = "overwrite") -> None:
        from obstore.exceptions import AlreadyExistsError

        if self._read_only:
            raise PermissionError("AccessDenied\nand a header")
        if mode == "create" and key in self.kept and not self._careless:
            raise AlreadyExistsError
        self.kept[key] = content

    def head(self, key: str) -> dict[str, datetime]:
        return {"last_modified": datetime.now(UTC) + self._ahead}

    def delete(self, key: str) -> None:
        del self.kept[key]


def looked_at(monkeypatch: pytest.MonkeyPatch, objects: Objects) -> dict[str, Check]:
    monkeypatch.setattr(_Store, "_objects", objects)
    found = examined("s3://bucket/prefix")
    assert not objects.kept
    return found


def test_a_bucket_that_may_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked_at(monkeypatch, Objects(read_only=True))
    assert (found["store writes"].state, found["store writes"].found) == ("warn", "AccessDenied")
    assert "to index" in found["store writes"].advice
    assert list(found) == ["store", "store writes"]


def test_a_store_that_lets_two_writers_through_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    found = looked_at(monkeypatch, Objects(careless=True))
    assert {name for name, check in found.items() if check.state == "fail"} == {"store commits"}
    assert "conditional writes" in found["store commits"].advice


@pytest.mark.parametrize(("minutes", "said"), [(5, "300 s ahead of"), (-5, "300 s behind")])
def test_clocks_that_differ_are_told(monkeypatch: pytest.MonkeyPatch, minutes: int, said: str) -> None:
    found = looked_at(monkeypatch, Objects(ahead=timedelta(minutes=minutes)))["store clock"]
    assert (found.state, "NTP" in found.advice) == ("fail", True)
    assert said in found.found


@pytest.mark.parametrize("address", ["/a/folder", "https://host/x", "s3://", "s3://key:secret@bucket/x", "ftp://b/x"])
def test_another_kind_of_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="s3://bucket/prefix") as refused:
        examine_store(address)
    assert "secret" not in str(refused.value)


def test_the_bucket_of_an_index_is_tried_with_it(bucket: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from core import VectorSpace
    from indexer.store import Store
    from swath import _doctor

    monkeypatch.setattr(_doctor, "examine", list)
    place = f"s3://{bucket[0]}/index"
    Store.create_or_open(place, space=VectorSpace(encoder="unknown", revision="1", dim=8))
    told = CliRunner().invoke(app, ["doctor", "--index", place, "--json"]).stdout
    found = {each["name"]: each["state"] for each in json.loads(told)}
    assert {"store", "store commits", "store clock", "index tables", "index files", "index encoder"} <= set(found)
    assert {name for name, state in found.items() if state != "ok"} == {"index encoder"}
