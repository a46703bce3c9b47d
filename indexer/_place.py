"""Where an index is: a folder on this machine, or a prefix in a bucket of an object store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from core import InputError

SCHEMES = ("s3", "gs", "az")
"""Object stores that LanceDB and obstore both know, by the schemes of their addresses."""

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
"""What S3, Google Cloud Storage and Azure take between them; each is stricter and says so itself."""
_NAME = re.compile(r"[A-Za-z0-9!_.=+@,-]+")
"""A part of a key that no client escapes, so that all of them mean the same object."""


@dataclass(frozen=True)
class BucketPath:
    """A prefix or an object in a bucket. Made by ``place_of``."""

    scheme: str
    """One of SCHEMES."""
    bucket: str
    """Name of the bucket, or of the container."""
    key: str
    """Names with slashes between them, none at either end."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> BucketPath:
        return BucketPath(self.scheme, self.bucket, f"{self.key}/{name}")

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]


Place = Path | BucketPath
"""Where an index, or a small file of one, is."""


def place_of(given: str | PathLike[str] | BucketPath) -> Place:
    """Return where an index is, as a user wrote it.

    Args:
        given: A directory, or ``s3://bucket/prefix``, ``gs://bucket/prefix`` or ``az://container/prefix``.

    Raises:
        InputError: It is an address of another kind, or of no folder in a bucket.
    """
    if isinstance(given, BucketPath):
        return given
    text = fspath(given)
    found = _ADDRESS.fullmatch(text)
    if found is None:
        _check_no_crushed_address(text)
        return Path(given)
    scheme, rest = found[1].lower(), found[2]
    if scheme not in SCHEMES:
        kinds = ", ".join(f"{known}://bucket/prefix" for known in SCHEMES)
        raise InputError(f"an index cannot be at {scheme}://; give a directory, or one of {kinds}")
    return _in_bucket(scheme, rest)


def local_place(given: str | PathLike[str] | BucketPath, *, what: str) -> Path:
    """Return a directory on this machine.

    Args:
        given: As ``place_of`` takes it.
        what: What must be there, to say so: ``"a backup"``.

    Raises:
        InputError: It is in a bucket.
    """
    place = place_of(given)
    if isinstance(place, BucketPath):
        raise InputError(f"{what} cannot be in a bucket, got {place}; give a directory on this machine")
    return place


def _in_bucket(scheme: str, rest: str) -> BucketPath:
    bucket, _, key = rest.partition("/")
    example = f"{scheme}://my-bucket/my-index"
    if "@" in bucket:
        # What stands before it may be a password, which belongs in no message.
        raise InputError(f"an address of an index holds no credentials; set them in the environment and give {example}")
    if not _BUCKET.fullmatch(bucket):
        raise InputError(f"{bucket[:80]!r} is no name of a bucket; give an address like {example}")
    names = key.strip("/").split("/")
    if names == [""]:
        raise InputError(
            f"{scheme}://{bucket} names no folder in the bucket; give one, e.g. {scheme}://{bucket}/my-index"
        )
    for name in names:
        if not _NAME.fullmatch(name) or name in {".", ".."}:
            raise InputError(
                f"an index cannot be at {name[:80]!r} in a bucket; use letters, digits and !_.=+@,- between the slashes"
            )
    return BucketPath(scheme, bucket, "/".join(names))


def _check_no_crushed_address(text: str) -> None:
    """``Path("s3://bucket/index")`` has one slash left, and would be a folder called ``s3:``."""
    scheme, colon, _ = text.partition(":/")
    if colon and scheme in SCHEMES:
        raise InputError(f"{text} was an address before it became a path; give it as text: {scheme}://...")
