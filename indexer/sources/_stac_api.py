"""STAC APIs: asked page by page, with the caller's bbox and datetime."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from typing import Any

from pystac_client import Client, ItemSearch
from pystac_client.exceptions import APIError
from pystac_client.warnings import PystacClientWarning

from core import BadScene, SceneError, SwathError
from indexer.sources._lines import one_line
from indexer.sources._selection import Selection
from indexer.sources._stac_io import GuardedIO, absolute_href
from indexer.sources._stac_item import ItemDocument

_PAGE = 100
"""Items asked for at a time: https://api.stacspec.org/v1.0.0/item-search allows a server to send fewer."""

# Which abilities an API lacks matters only where they are used, and then it answers with an error.
warnings.filterwarnings("ignore", category=PystacClientWarning)


def is_api(document: dict[str, Any]) -> bool:
    """Return whether a Catalog is the root of an API that can search items."""
    classes = document.get("conformsTo")
    return isinstance(classes, list) and any("/item-search" in str(name) for name in classes)


def searched_items(href: str, io: GuardedIO, selection: Selection) -> Iterator[ItemDocument | BadScene]:
    """Yield the items an API root finds within the selection."""
    try:
        client = Client.open(href, stac_io=io)
        search = client.search(bbox=selection.bbox, datetime=selection.asked_datetime, limit=_PAGE)
    except Exception as error:  # whatever a document that only looks like an API makes pystac-client trip over
        yield BadScene(href, SceneError(f"is not a STAC API that can be searched: {one_line(error)}"))
        return
    yield from _pages(search, href)


def listed_items(link: str, href: str, io: GuardedIO, selection: Selection) -> Iterator[ItemDocument | BadScene]:
    """Yield the items behind the ``items`` link of a collection within the selection."""
    try:
        url = absolute_href(link, href, io.settings)
    except SceneError as error:
        yield BadScene(link, error)
        return
    search = ItemSearch(
        url, method="GET", stac_io=io, bbox=selection.bbox, datetime=selection.asked_datetime, limit=_PAGE
    )
    yield from _pages(search, url)


def _pages(search: ItemSearch, href: str) -> Iterator[ItemDocument | BadScene]:
    """A page that fails ends the listing, and says so: what lies behind it cannot be reached."""
    number, seen = 0, set[bytes]()
    try:
        for page in search.pages_as_dicts():
            digest = hashlib.sha256(json.dumps(page.get("features"), sort_keys=True).encode()).digest()
            if digest in seen:
                raise SceneError("the same page came again")
            seen.add(digest)
            for item in page.get("features", []):
                number += 1
                yield ItemDocument.embedded(item, href, number)
    except (APIError, SwathError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield BadScene(href, SceneError(f"the listing broke off after {number} items: {one_line(error)}"))
