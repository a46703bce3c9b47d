"""Addresses without the signature that some hosts want in them: a signature is a secret, and another one each time."""

from __future__ import annotations

import re

from indexer._hosts import is_url

_SIGNS = re.compile(r"sig|signature|token|access_token|x-amz-.+|x-goog-.+")
"""Parameters that are a signature or a key, in lower case."""

_BESIDE = {
    # Azure, https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
    "sv", "ss", "srt", "sr", "st", "se", "sp", "sip", "spr", "si", "sdd", "saoid", "suoid", "scid", "ses",
    "skoid", "sktid", "skt", "ske", "sks", "skv",
    # CloudFront, https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
    "expires", "policy", "key-pair-id",
    # S3 and Google Cloud Storage before version 4 of their signatures
    "awsaccesskeyid", "googleaccessid",
}  # fmt: skip
"""Parameters that belong to a signature where there is one, and may mean anything elsewhere."""

_QUERY = re.compile(r"\?[^\s#?'\"<>()]*")


def unsigned(href: str) -> str:
    """Return an http(s) address without its signature; other parameters stay, and so does every other href."""
    return redacted(href) if is_url(href) else href


def redacted(text: str) -> str:
    """Return text in which no address has a signature any more, for messages."""
    return _QUERY.sub(lambda match: _plain(match.group()), text) if "?" in text else text


def _plain(query: str) -> str:
    parts = query[1:].split("&")
    names = [part.partition("=")[0].lower() for part in parts]
    if not any(map(_SIGNS.fullmatch, names)):
        return query
    kept = [part for part, name in zip(parts, names, strict=True) if not _SIGNS.fullmatch(name) and name not in _BESIDE]
    return "?" + "&".join(kept) if kept else ""
