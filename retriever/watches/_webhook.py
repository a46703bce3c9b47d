"""Matches posted to an address of the operator's choice.

An index may come from somebody else, and its watches with it. So an address is asked only if its host is one that the
operator allowed (``SWATH_ALLOWED_HOSTS``), as every address of remote imagery is, checked again at every delivery;
redirects are not followed, and neither the time nor the answer may be without end.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from core import InputError, Settings, SourceError, StoreError, public_href, rfc3339
from indexer import check_host, guarded_session, is_url
from retriever.watches._journal import Journal, read_match
from retriever.watches._types import Watch

MAX_POSTED = 100
"""Most matches of one request: 100 kB at 1 kB each."""

MAX_BODY = 2**20
"""Bytes of matches after which a request takes no more; many receivers refuse more than a few megabytes."""

MAX_ANSWER = 2**20
"""Largest answer that is read, in bytes; nothing in it matters but the status."""

MAX_URL = 2_000
"""Most characters of an address."""

TIMEOUT_S = 10.0
"""Seconds that a receiver may take to connect, and between two pieces of its answer."""

ATTEMPTS = 3
"""Tries in one run; the next run tries again."""

GIVE_UP_S = 30.0
"""Seconds after which no other try is made in this run."""


class DeliveryError(StoreError):
    """Matches could not be delivered; they are kept, and the next run tries again."""


class _LaterError(DeliveryError):
    """A failure that may be over in a moment."""


def check_webhook(url: str) -> str:
    """Return the address of a webhook.

    Raises:
        InputError: It is no http(s) address, or holds a password.
    """
    try:
        parts = urlsplit(url)
        usable = is_url(url) and bool(parts.hostname) and url.isprintable() and " " not in url and len(url) <= MAX_URL
    except ValueError:
        usable = False
    if not usable:
        raise InputError(f"{url!r:.100} is no address of a webhook; give https://HOST/PATH")
    if parts.username is not None or parts.password is not None:
        raise InputError("the address of a webhook holds a user or password; put a token into its path instead")
    return url


def check_allowed(url: str, settings: Settings) -> None:
    """Do nothing where matches may be posted to an address.

    Unencrypted http is for receivers that the operator named outright: no pattern with ``*`` allows it.

    Raises:
        SourceError: Its host is not allowed.
    """
    if urlsplit(url).scheme.lower() == "http":
        named = tuple(host for host in settings.allowed_hosts if "*" not in host)
        settings = settings.model_copy(update={"allowed_hosts": named})
    check_host(url, settings)


def webhook_host(url: str) -> str:
    """Return what may be told of an address: the rest is often a secret."""
    return urlsplit(url).netloc


def groups(journal: Journal, after: int) -> Iterator[list[tuple[int, str]]]:
    """Yield the matches after a number as they are posted together: the same groups whenever it is asked.

    A file of the journal never changes, and no group reaches over its end.
    """
    for batch in journal.batches(after):
        group: list[tuple[int, str]] = []
        size = 0
        for number, line in enumerate(batch.lines(), start=batch.first):
            if group and (len(group) == MAX_POSTED or size + len(line) > MAX_BODY):
                yield from [group] if group[-1][0] > after else []
                group, size = [], 0
            group.append((number, line))
            size += len(line)
        yield group


def post(watch: Watch, lines: Sequence[tuple[int, str]], settings: Settings) -> None:
    """Post one group of matches; return when the receiver has said that it took them.

    Args:
        watch: Whose matches.
        lines: Numbers and lines of the journal.
        settings: Which hosts are allowed.

    Raises:
        DeliveryError: It did not.
        SourceError: Its host is not allowed.
    """
    import stamina

    url = watch.webhook or ""
    check_allowed(url, settings)
    body, headers = _message(watch, lines)
    logging.getLogger("stamina").setLevel(logging.ERROR)  # what came of all tries is kept with the watch
    for attempt in stamina.retry_context(on=_LaterError, attempts=ATTEMPTS, timeout=GIVE_UP_S, wait_initial=0.3):
        with attempt:
            _send(url, body, headers, settings)


def _message(watch: Watch, lines: Sequence[tuple[int, str]]) -> tuple[bytes, dict[str, str]]:
    first, last = lines[0][0], lines[-1][0]
    key = f"{watch.identity}-{first}-{last}"
    document = {
        "type": "FeatureCollection",
        "watch": {"name": watch.name, "about": dict(watch.about), "created": rfc3339(watch.created)},
        "key": key,
        "first": first,
        "last": last,
        "features": [public_match(read_match(line)) for _, line in lines],
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, "User-Agent": "swath"}
    return json.dumps(document, allow_nan=False, separators=(",", ":")).encode(), headers


def public_match(match: Mapping[str, Any]) -> dict[str, Any]:
    """Return a match as the outside may know it: without paths of this machine."""
    told = match["properties"]
    return {**match, "properties": {**told, "href": public_href(str(told.get("href", "")))}}


def _send(url: str, body: bytes, headers: Mapping[str, str], settings: Settings) -> None:
    host = webhook_host(url)
    bounded = settings.model_copy(update={"http_timeout_s": TIMEOUT_S, "max_metadata_bytes": MAX_ANSWER})
    try:
        with guarded_session(bounded) as session:
            answer = session.post(url, data=body, headers=dict(headers), allow_redirects=False)
    except SourceError:
        raise
    except (requests.ConnectionError, requests.Timeout) as error:
        raise _LaterError(f"the webhook at {host} does not answer ({type(error).__name__})") from None
    except requests.RequestException as error:
        raise DeliveryError(f"the webhook at {host} cannot be asked ({type(error).__name__})") from None
    status = answer.status_code
    if 300 <= status < 400:
        raise DeliveryError(f"the webhook at {host} answered {status}; redirects are not followed")
    if status == 429 or status >= 500:
        raise _LaterError(f"the webhook at {host} answered {status}")
    if not 200 <= status < 300:
        raise DeliveryError(f"the webhook at {host} answered {status}")
