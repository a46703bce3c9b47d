"""Where an index may be, and how it is said that it may not."""

from pathlib import Path

import pytest

import swath
from core import InputError
from indexer import BucketPath, local_place, place_of


def test_a_directory_stays_the_path_that_it_was(tmp_path: Path) -> None:
    assert place_of(tmp_path) == tmp_path
    assert place_of("data/my index") == Path("data/my index")
    assert place_of("odd:name") == Path("odd:name")


@pytest.mark.parametrize("scheme", ["s3", "gs", "az", "S3"])
def test_an_address_is_read_into_its_parts(scheme: str) -> None:
    place = place_of(f"{scheme}://my-bucket/archives/alps/")
    assert place == BucketPath(scheme.lower(), "my-bucket", "archives/alps")
    assert str(place) == f"{scheme.lower()}://my-bucket/archives/alps"
    assert str(place / "calibration.json") == f"{place}/calibration.json"
    assert place.name == "alps"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://host/index", "cannot be at https://; give a directory, or one of s3://bucket/prefix, gs://"),
        ("hdfs://host/index", "cannot be at hdfs://"),
        ("file:///data/index", "cannot be at file://"),
        ("s3://bucket", "names no folder in the bucket; give one, e.g. s3://bucket/my-index"),
        ("s3://bucket//", "names no folder"),
        ("s3:///index", "'' is no name of a bucket"),
        ("s3://bucket/../other", "cannot be at '..'"),
        ("s3://bucket/a//b", "cannot be at ''"),
        ("s3://bucket/a?versionId=1", "cannot be at 'a[?]versionId=1'"),
        ("s3://bucket/a%2fb", "cannot be at 'a%2fb'"),
        ("s3://bucket/a b", "cannot be at 'a b'"),
        ("s3://bucket/a\nb", "cannot be at"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_would_work(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        place_of(text)
    with pytest.raises(InputError, match=said):
        swath.open(text)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(InputError, match="holds no credentials") as raised:
        place_of("s3://AKIAXXXX:hunter2@bucket/index")
    assert "hunter2" not in str(raised.value)
    assert "AKIA" not in str(raised.value)


def test_an_address_that_became_a_path_is_no_folder_of_that_name() -> None:
    with pytest.raises(InputError, match="give it as text: s3://"):
        swath.open(Path("s3://bucket/index"))


def test_what_must_be_a_directory_says_so() -> None:
    with pytest.raises(InputError, match=r"a backup cannot be in a bucket, got s3://bucket/x; give a directory"):
        local_place("s3://bucket/x", what="a backup")
