"""STAC documents: read within limits, from allowed hosts, and never from a local file on a remote document's word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from core import InputError, SceneError, Settings, SourceError, SwathError, read_limited
from indexer._gdal import local_path
from indexer._hosts import check_host, guarded_session, is_url
from indexer._signatures import unsigned
from indexer.sources._lines import one_line


class GuardedIO(StacApiIO):
    """pystac-client's reader with the limits of the settings."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(timeout=settings.http_timeout_s, max_retries=None)
        self.settings = settings
        self.session = guarded_session(settings)

    def document(self, href: str) -> dict[str, Any]:
        """Return the JSON object at a path or URL.

        Raises:
            SourceError: Not allowed, not there, too large, or not a JSON object.
        """
        try:
            loaded = json.loads(self.request(href) if is_url(href) else self._local_text(href))
        except SwathError:
            raise
        except APIError as error:
            raise SourceError(f"{unsigned(href)} does not answer: {one_line(error)}") from None
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{unsigned(href)} is not JSON: {one_line(error)}") from None
        if not isinstance(loaded, dict):
            raise SourceError(f"{unsigned(href)} holds a JSON {type(loaded).__name__}; expected a STAC object")
        return loaded

    def request(self, href: str, *args: Any, **kwargs: Any) -> str:
        """Ask as pystac-client does; a host that is not allowed is refused by name.

        Raises:
            SourceError: The host is not allowed.
            APIError: No good answer.
        """
        check_host(href, self.settings)
        return str(super().request(href, *args, **kwargs))

    def _local_text(self, href: str) -> str:
        try:
            return read_limited(Path(local_path(href)), self.settings.max_metadata_bytes).decode("utf-8")
        except InputError as error:
            raise SourceError(f"{href} cannot be read: {error}") from None


def absolute_href(href: str, base: str, settings: Settings) -> str:
    """Return ``href`` made absolute against the document it stands in, if that document may point there.

    Args:
        href: As written in the document.
        base: Path or URL of the document.
        settings: The allowed hosts.

    Raises:
        SceneError: The host is not allowed, the scheme is not supported, or a remote document names a local file.
    """
    try:
        return _absolute(href, base, settings)
    except ValueError as error:  # a null byte, or brackets that are no address
        raise SceneError(f"{href} is no usable href: {error}") from None


def _absolute(href: str, base: str, settings: Settings) -> str:
    if is_url(href):
        return _allowed(href, settings)
    if href.startswith("s3://"):
        return href
    if is_url(base):
        if href.startswith("file:"):
            raise SceneError(f"{base} names the local file {href}; a remote document may not")
        return _allowed(urljoin(base, href), settings)
    if "://" in href and not href.startswith("file://"):
        raise SceneError(f"{href} has an unsupported scheme; expected a path, https:// or s3://")
    path = Path(local_path(href))
    return str(path if path.is_absolute() else (Path(base).parent / path).resolve())


def _allowed(url: str, settings: Settings) -> str:
    try:
        check_host(url, settings)
    except SourceError as error:
        raise SceneError(f"{url}: {error}") from None
    return url


def links(document: dict[str, Any], rel: str) -> list[str]:
    """Return the hrefs of a document's links of one relation; what is malformed is left out."""
    entries = document.get("links")
    return [
        link["href"]
        for link in (entries if isinstance(entries, list) else [])
        if isinstance(link, dict) and link.get("rel") == rel and isinstance(link.get("href"), str)
    ]
