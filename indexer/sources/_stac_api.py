"""STAC APIs: asked page by page, with the caller's bbox and datetime."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from pystac_client import Client, ItemSearch
from pystac_client.exceptions import APIError
from pystac_client.warnings import PystacClientWarning

from core import BadScene, SceneError, SourceError, SwathError
from indexer._signatures import unsigned
from indexer.sources._lines import one_line
from indexer.sources._selection import Selection
from indexer.sources._stac_io import GuardedIO, absolute_href, links
from indexer.sources._stac_item import ItemDocument

_PAGE = 100
"""Items asked for at a time: https://api.stacspec.org/v1.0.0/item-search allows a server to send fewer."""

_SHOWN = 20
"""Collections named in a message."""

# Which abilities an API lacks matters only where they are used, and then it answers with an error.
warnings.filterwarnings("ignore", category=PystacClientWarning)


def is_api(document: dict[str, Any]) -> bool:
    """Return whether a Catalog is the root of an API that can search items."""
    classes = document.get("conformsTo")
    return isinstance(classes, list) and any("/item-search" in str(name) for name in classes)


def check_collection(document: dict[str, Any], href: str, io: GuardedIO, wanted: str | None) -> None:
    """Do nothing where the root of an API leads to the collection that is wanted.

    Raises:
        SourceError: None is wanted, or the API does not answer for it; the message lists some that it has.
    """
    listing = next(iter(links(document, "data")), None)
    try:
        address = listing and absolute_href(listing, href, io.settings)
        if wanted and address:
            io.document(f"{address.rstrip('/')}/{quote(wanted)}")
        if wanted:
            return
        problem = "is the root of an API: choose one of its collections with --collection ID"
    except SwathError as error:
        problem = f"has no collection {wanted!r} that can be read ({one_line(error)}); choose another with --collection"
    raise SourceError(f"{unsigned(href)} {problem}{_known(address, io) if address else ''}")


def _known(address: str, io: GuardedIO) -> str:
    """The ids on the first page of an API's collections; nothing where it does not tell."""
    try:
        listed = io.document(address).get("collections")
    except SwathError:
        return ""
    ids = [str(entry.get("id")) for entry in (listed if isinstance(listed, list) else []) if isinstance(entry, dict)]
    shown = one_line(", ".join(sorted(ids)[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else ""), limit=1000)
    return f" (it has {shown})" if ids else ""


def searched_items(
    href: str, io: GuardedIO, selection: Selection, *, collection: str | None, item: str | None
) -> Iterator[ItemDocument | BadScene]:
    """Yield the items of a collection, or the one item, that an API root finds within the selection."""
    try:
        client = Client.open(href, stac_io=io)
        search = client.search(
            bbox=selection.bbox,
            datetime=selection.asked_datetime,
            limit=_PAGE,
            collections=[collection] if collection else None,
            ids=[item] if item else None,
        )
    except Exception as error:  # whatever a document that only looks like an API makes pystac-client trip over
        yield BadScene(href, SceneError(f"is not a STAC API that can be searched: {one_line(error)}"))
        return
    for found in _pages(search, href):
        if isinstance(found, BadScene):
            yield found
        # an API that ignores what it is asked for must not fill the index with other collections
        elif collection is None or (found.item.get("collection") or collection) == collection:
            yield replace(found, collection=collection)


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
