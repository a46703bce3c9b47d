"""Small objects in a bucket: read, replaced whole, or written only where nobody else was quicker.

obstore reads the same variables as LanceDB: ``AWS_*``, ``GOOGLE_*``, ``AZURE_*``. Hosts come from these alone, never
from an index; what is refused is said without them.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from core import ConfigError, Settings, StoreError, SwathError
from indexer._place import BucketPath
from indexer._refusals import reason_of
from indexer._tries import RETRIES, again, store_error

RETRY_S = 60
"""Seconds after which nothing is tried again."""

CONNECT_S = 5
"""Seconds to wait for a connection: obstore's and LanceDB's own default, which is said here so that both keep it."""

CHUNK = 4 * 2**20
"""Bytes of a download in memory at once."""

_VARIABLES = ("AWS_", "GOOGLE_", "AZURE_", "SWATH_HTTP_TIMEOUT_S")
_YES = ("yes", "true", "on", "1")


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of an object, as the store tells it from others of the same name."""

    e_tag: str | None
    """S3 and Azure."""
    number: str | None
    """Google Cloud Storage."""

    def as_mode(self) -> dict[str, str]:
        """Return the condition that an object still has this version."""
        named = {"e_tag": self.e_tag, "version": self.number}
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Found:
    """An object that was looked at."""

    version: Version
    """Which version."""
    size: int
    """Bytes."""
    modified: datetime
    """When it was written, by the clock of the store."""
    content: bytes = b""
    """Empty where only its description was asked for."""


def storage_options(place: BucketPath) -> dict[str, str]:
    """Return what LanceDB needs to know besides what it reads from the environment itself."""
    options = {
        "timeout": f"{Settings().http_timeout_s:g}s",
        "connect_timeout": f"{CONNECT_S}s",
        "client_max_retries": str(RETRIES),
        "client_retry_timeout": str(RETRY_S),
    }
    if place.scheme == "s3":
        options |= {"allow_http": str(_plain_http()).lower(), "aws_skip_signature": str(_unsigned()).lower()}
    return options


def read_object(place: BucketPath, *, limit: int | None = None, kind: str = "file of an index") -> Found | None:
    """Return an object with its content, or None where there is none.

    Raises:
        ConfigError: It has more than ``limit`` bytes and is no ``kind``.
        StoreError: It cannot be read.
    """
    with object_errors("read", place):
        try:
            answer = _bucket(place).get(place.key)
        except FileNotFoundError as error:
            _check_bucket(error, place)
            return None
        if limit is not None and answer.meta["size"] > limit:
            raise ConfigError(f"{place} is larger than {limit:,} bytes and is no {kind}")
        return _found(answer.meta, bytes(answer.bytes()))


def look_at(place: BucketPath) -> Found | None:
    """Return an object without its content, or None where there is none.

    Raises:
        StoreError: The store cannot be asked.
    """
    with object_errors("read", place):
        try:
            return _found(_bucket(place).head(place.key), b"")
        except FileNotFoundError as error:
            _check_bucket(error, place)
            return None


def write_object(place: BucketPath, content: bytes) -> None:
    """Put an object in place of the one there is; a reader gets the old one or the new one.

    Raises:
        StoreError: It cannot be written.
    """
    with object_errors("write", place):
        _bucket(place).put(place.key, content)


def create_object(place: BucketPath, content: bytes) -> Version | None:
    """Write an object where there is none; return its version, or None where there is one already.

    Raises:
        StoreError: It cannot be written.
    """
    return _put_if(place, content, "create")


def update_object(place: BucketPath, content: bytes, version: Version) -> Version | None:
    """Replace one version of an object; return the new one, or None where somebody was quicker.

    Raises:
        StoreError: It cannot be written.
    """
    return _put_if(place, content, version.as_mode())


def delete_object(place: BucketPath) -> bool:
    """Remove an object; return whether there was one.

    Raises:
        StoreError: It cannot be removed.
    """
    there = look_at(place) is not None
    if there:
        with object_errors("remove", place):
            _bucket(place).delete(place.key)
    return there


def object_chunks(place: BucketPath, *, size: int) -> Iterator[bytes]:
    """Yield the content of an object, at least ``size`` bytes at a time but for the last.

    Raises:
        FileNotFoundError: There is none.
        StoreError: It cannot be read.
    """
    with object_errors("read", place):
        try:
            for chunk in _bucket(place).get(place.key).stream(min_chunk_size=size):
                yield bytes(chunk)
        except FileNotFoundError as error:
            _check_bucket(error, place)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(place)) from None


def upload_file(file: Path, place: BucketPath) -> None:
    """Put a file of this machine, of any size, in place of an object.

    Raises:
        StoreError: It cannot be read or written.
    """
    with object_errors("write", place):
        _bucket(place).put(place.key, file)


def download_file(place: BucketPath, file: Path) -> int:
    """Write an object, of any size, to a new file of this machine; return its bytes.

    Raises:
        FileNotFoundError: There is no such object.
        StoreError: It cannot be read, or the file cannot be written.
    """
    try:
        with file.open("xb") as stream:
            return sum(map(stream.write, object_chunks(place, size=CHUNK)))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise (
            error if isinstance(error, StoreError) else StoreError(f"cannot write {file}: {error.strerror or error}")
        ) from error


def objects_in(place: BucketPath) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the name below a prefix and the description of every object, in the order of the store's listing.

    Raises:
        StoreError: The bucket cannot be listed.
    """
    start = f"{place.key}/"
    with object_errors("read", place):
        for page in _bucket(place).list(start):
            for entry in page:
                # The client drops the slash at the end of a prefix, and some stores then list neighbours as well.
                if entry["path"].startswith(start):
                    yield entry["path"].removeprefix(start), entry


def names_in(place: BucketPath) -> set[str]:
    """Return the names directly below a prefix, of objects and of folders.

    Raises:
        StoreError: The bucket cannot be listed.
    """
    with object_errors("read", place):
        listed = _bucket(place).list_with_delimiter(f"{place.key}/")
    paths = [*listed["common_prefixes"], *(entry["path"] for entry in listed["objects"])]
    start = f"{place.key}/"
    return {path.removeprefix(start).strip("/") for path in paths if path.startswith(start)}


@contextmanager
def object_errors(action: str, place: BucketPath) -> Iterator[None]:
    """Turn whatever obstore raises into a StoreError of one line."""
    try:
        yield
    except (SwathError, FileNotFoundError):
        raise
    except Exception as error:
        said = f"cannot {action} {place}: {reason_of(str(error), place)}"
        raise store_error(said, cause=str(error), place=place) from error


def _put_if(place: BucketPath, content: bytes, mode: Any) -> Version | None:
    return again(lambda: _put_once(place, content, mode))


def _put_once(place: BucketPath, content: bytes, mode: Any) -> Version | None:
    try:
        return _put(place, content, mode)
    except StoreError:
        # It may have been done, and only the answer was lost.
        with suppress(StoreError):
            if (ours := _ours(place, content)) is not None:
                return ours
        raise


def _put(place: BucketPath, content: bytes, mode: Any) -> Version | None:
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    with object_errors("write", place):
        try:
            answer = _bucket(place).put(place.key, content, mode=mode)
        except (AlreadyExistsError, PreconditionError):
            return _ours(place, content)  # a try whose answer was lost may have written it
        except FileNotFoundError as error:
            _check_bucket(error, place)
            return None  # it is gone, so it is not what was to be replaced
        return Version(e_tag=answer["e_tag"], number=answer["version"])


def _ours(place: BucketPath, content: bytes) -> Version | None:
    """The version of an object with exactly this content."""
    found = read_object(place)
    return found.version if found is not None and found.content == content else None


def _check_bucket(error: Exception, place: BucketPath) -> None:
    """Tell a bucket that does not exist from an object that does not."""
    if any(word in str(error) for word in ("NoSuchBucket", "ContainerNotFound", "specified bucket does not exist")):
        raise StoreError(f"cannot open {place}: {reason_of(str(error), place)}") from error


def _found(meta: Mapping[str, Any], content: bytes) -> Found:
    version = Version(e_tag=meta["e_tag"], number=meta["version"])
    return Found(version=version, size=meta["size"], modified=meta["last_modified"], content=content)


def _bucket(place: BucketPath) -> Any:
    environment = tuple(sorted(item for item in os.environ.items() if item[0].startswith(_VARIABLES)))
    return _opened(place.scheme, place.bucket, environment)


@lru_cache(maxsize=16)
def _opened(scheme: str, bucket: str, environment: tuple[tuple[str, str], ...]) -> Any:
    """One client a bucket, so that connections are kept; another environment gets another client."""
    from obstore.store import from_url

    del environment
    opened: Any = from_url  # typed for one store at a time
    options: dict[str, Any] = {"skip_signature": _unsigned()} if scheme == "s3" else {}
    limit = timedelta(seconds=Settings().http_timeout_s)
    client: dict[str, Any] = {"timeout": limit, "connect_timeout": timedelta(seconds=CONNECT_S)}
    return opened(
        f"{scheme}://{bucket}",
        client_options=client | ({"allow_http": _plain_http()} if scheme == "s3" else {}),
        retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_S)},
        **options,
    )


def _plain_http() -> bool:
    """An endpoint that the operator wrote with http:// is meant so."""
    endpoints = (os.environ.get(name, "") for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT"))
    return os.environ.get("AWS_ALLOW_HTTP", "").lower() in _YES or any(map(_is_http, endpoints))


def _is_http(address: str) -> bool:
    return address.startswith("http://")


def _unsigned() -> bool:
    return os.environ.get("AWS_NO_SIGN_REQUEST", "").lower() in _YES
