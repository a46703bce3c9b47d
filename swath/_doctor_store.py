"""Whether a bucket of an object store can hold an index: reached, written to, and never by two at once.

Lance makes a version by writing an object only where there is none. A store that lets two writers through loses a
commit without a word, so the same is tried here, on an object of our own that is deleted again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any
from uuid import uuid4

from swath._doctor_check import Check, bounded

SKEW_S = 60
"""Seconds that two clocks may differ; S3 refuses requests from 15 minutes on
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, RequestTimeTooSkewed)."""

ANSWER_S = 5
"""Seconds for one request, of which a second is made where the first fails."""

CHECK_S = 30.0
"""Seconds for one check, which is some requests."""

KEYS = {
    "s3": "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL",
    "gs": "GOOGLE_SERVICE_ACCOUNT",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
"""What says how each kind of store is reached."""


WRITING = "to read and to search is all that works; to index, check what the keys may do"
"""Advice where nothing can be written, as with the keys of a server that only searches."""


def examine_store(address: str) -> list[Check]:
    """Look at a bucket.

    Args:
        address: ``s3://``, ``gs://`` or ``az://``, a bucket, and a prefix below which may be written.

    Raises:
        InputError: Another kind of address.
    """
    store = _Store(address)
    reached = bounded("store", store.reached, advice=f"check {KEYS[store.scheme]}", seconds=CHECK_S)
    if reached.state == "fail":
        return [reached]
    steps = (
        ("store writes", store.written, WRITING),
        ("store commits", store.guarded, "use a store with conditional writes: AWS S3, GCS, Azure, SeaweedFS 4.48"),
        ("store clock", store.timed, "set the clock of this machine (NTP)"),
        ("store cleaned", store.cleaned, f"delete {store.probe} by hand"),
    )
    found = [reached]
    for name, step, advice in steps:
        found.append(bounded(name, partial(step, name), advice=advice, seconds=CHECK_S))
        if found[-1].state != "ok" and name == "store writes":
            break
    return found


@contextmanager
def _errors() -> Iterator[None]:
    """Keep of what obstore raises the line that is for people; below it are addresses and headers."""
    from obstore.exceptions import AlreadyExistsError, BaseError

    try:
        yield
    except AlreadyExistsError:
        raise
    except (BaseError, OSError) as error:
        raise RuntimeError(" ".join(str(error).partition("\n")[0].split())) from None


class _Store:
    """One bucket, and one object in it that is ours."""

    def __init__(self, address: str) -> None:
        from core import InputError

        given = re.fullmatch(r"(s3|gs|az)://([A-Za-z0-9._-]+)(?:/([^?#]*))?", address)
        if given is None:
            raise InputError("a store is s3://bucket/prefix, gs://bucket/prefix or az://container/prefix")
        self.scheme, self._bucket, self._prefix = given[1], given[2], (given[3] or "").strip("/")
        self._key = "/".join(filter(None, (self._prefix, f"swath-doctor-{uuid4().hex}")))
        self.probe = f"{self.scheme}://{self._bucket}/{self._key}"

    @cached_property
    def _objects(self) -> Any:
        from obstore.store import from_url

        opened: Any = from_url  # typed for one store at a time
        limit = timedelta(seconds=ANSWER_S)
        plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        return opened(
            f"{self.scheme}://{self._bucket}",
            client_options={"timeout": limit, "connect_timeout": limit, **({"allow_http": plain} if plain else {})},
            retry_config={"max_retries": 1, "retry_timeout": 2 * limit},
        )

    def reached(self) -> Check:
        with _errors():
            self._objects.list_with_delimiter(self._prefix or None)
        return Check(name="store", state="ok", found=f"{self.scheme}://{self._bucket} can be listed")

    def written(self, name: str) -> Check:
        try:
            with _errors():
                self._objects.put(self._key, b"swath doctor", mode="create")
        except RuntimeError as error:
            return Check(name=name, state="warn", found=str(error), advice=WRITING)
        return Check(name=name, state="ok", found="an object could be written")

    def guarded(self, name: str) -> Check:
        from obstore.exceptions import AlreadyExistsError

        try:
            with _errors():
                self._objects.put(self._key, b"another", mode="create")
        except AlreadyExistsError:
            return Check(name=name, state="ok", found="an object that is there is not written over when that is asked")
        raise RuntimeError("the store overwrites where it is asked not to: two writers would lose commits")

    def timed(self, name: str) -> Check:
        before = datetime.now(UTC)
        with _errors():
            self._objects.put(self._key, b"swath doctor")
            theirs: datetime = self._objects.head(self._key)["last_modified"]
        late = (theirs - before).total_seconds()
        if abs(late) > SKEW_S:
            raise RuntimeError(
                f"the store's clock is {abs(late):.0f} s {'ahead of' if late > 0 else 'behind'} this one"
            )
        return Check(name=name, state="ok", found="the store's clock and this one agree")

    def cleaned(self, name: str) -> Check:
        with _errors():
            self._objects.delete(self._key)
        return Check(name=name, state="ok", found="the object is deleted again")
