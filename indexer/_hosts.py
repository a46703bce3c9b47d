"""Which hosts may be asked, and the one HTTP session that asks them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from core import Settings, SourceError

_CHUNK = 2**16


def is_url(href: str) -> bool:
    """Return whether an href is http or https."""
    return href.lower().startswith(("https://", "http://"))


def check_host(url: str, settings: Settings) -> None:
    """Do nothing where the host of an http(s) URL is allowed.

    Raises:
        SourceError: It is not; the message names the setting.
    """
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        host = ""
    if not any(_matches(host, pattern.lower()) for pattern in settings.allowed_hosts):
        allowed = ", ".join(settings.allowed_hosts) or "none"
        raise SourceError(f"host {host!r} is not allowed; add it to SWATH_ALLOWED_HOSTS (a JSON list; now: {allowed})")


def _matches(host: str, pattern: str) -> bool:
    """``*.example.com`` stands for any subdomain, not for example.com itself."""
    return bool(host) and (host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern)


def guarded_session(settings: Settings) -> requests.Session:
    """Return a session that sends only to allowed hosts, redirects included, within a time and a size."""
    session = requests.Session()
    session.max_redirects = 5
    session.mount("http://", _GuardedAdapter(settings))
    session.mount("https://", _GuardedAdapter(settings))
    return session


class _GuardedAdapter(HTTPAdapter):
    """Every hop of a redirect passes through here."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(max_retries=3)
        self._settings = settings

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        check_host(request.url or "", self._settings)
        response = super().send(request, **{**options, "stream": True, "timeout": self._settings.http_timeout_s})
        # requests itself has no limit on a body; a body set here is what response.content returns.
        response._content = self._body(response)
        return response

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > self._settings.max_metadata_bytes:
                response.close()
                limit = f"{self._settings.max_metadata_bytes:,} bytes (SWATH_MAX_METADATA_BYTES)"
                raise SourceError(f"{response.url.partition('?')[0]} sends more than {limit}")
        return bytes(body)
