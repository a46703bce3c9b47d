"""Why an object store did not do what it was asked, in one line that says what would help.

LanceDB and obstore are built on one client, so both tell it in the same words, between the addresses, headers and
bodies of requests. None of those may reach a message: they hold hosts, account names and sometimes tokens.
"""

from __future__ import annotations

import re

from indexer._place import BucketPath

_KEYS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "gs": "GOOGLE_SERVICE_ACCOUNT",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}

# The first that fits is meant: a refused request is also one that was "sent", and a missing bucket one with a status.
_REASONS = (
    (
        r"NoSuchBucket|ContainerNotFound|specified bucket does not exist",
        "there is no bucket {bucket!r}; make it first, Swath makes none",
    ),
    (
        r"169\.254\.169\.254|instance metadata|metadata\.google|CredentialsNotLoaded|Account must be specified"
        r"|MissingAccessKeyId|no providers in chain",
        "no credentials were found; set {keys}",
    ),
    (
        r"AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|AuthenticationFailed"
        r"|AuthorizationFailure|Unauthenticated|PermissionDenied|401 Unauthorized|403 Forbidden|status: 40[13]",
        "the store refused access; check {keys}, and what they may do in the bucket {bucket!r}",
    ),
    (
        r"\b(5\d\d) [A-Z]|status: (5\d\d)|\b(429) Too|status: (429)",
        "the store answered {status} again and again; try again later",
    ),
    (
        r"timed out|TimedOut|Timeout|timeout has elapsed",
        "the store did not answer in time; check {endpoint}, or raise SWATH_HTTP_TIMEOUT_S",
    ),
    (
        r"Connect|dns error|error sending request|Connection refused|connection closed",
        "the store cannot be reached; check {endpoint} and the network",
    ),
)
_SECRETS = re.compile(r"\S*://\S+|[A-Za-z0-9+/_=-]{32,}")
"""Addresses, and whatever is long enough for a key."""


def reason_of(text: str, place: BucketPath) -> str:
    """Return why something failed.

    Args:
        text: What the client said, over many lines perhaps.
        place: Where.
    """
    for pattern, advice in _REASONS:
        if found := re.search(pattern, text):
            status = next(filter(None, found.groups()), "")
            keys, endpoint = _KEYS[place.scheme], _ENDPOINTS[place.scheme]
            return advice.format(bucket=place.bucket, keys=keys, endpoint=endpoint, status=status)
    first = (text.strip() or "for a reason that it did not give").splitlines()[0]
    return " ".join(_SECRETS.sub("...", first).split())[:300]
