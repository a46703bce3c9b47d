"""Settings of all tests, and the object store that several of them share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.object_store import new_bucket, object_store

# The same examples on every machine: a red build must be red again when it is looked at.
settings.register_profile("swath", derandomize=True)
settings.load_profile("swath")


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """Address of a local S3 that lasts as long as the tests do."""
    with object_store() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of an empty bucket, ``s3://name``; what indexes in it keep on this machine lies in the test's folder."""
    monkeypatch.setenv("SWATH_INDEX_CACHE", str(tmp_path / "cache"))
    return f"s3://{new_bucket(s3, monkeypatch)[0]}"
