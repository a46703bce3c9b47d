"""STAC documents: Item, ItemCollection, Collection and Catalog, local or remote, followed one link at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core import BadScene, Scene, SceneError, SourceError, SwathError
from indexer._hosts import is_url
from indexer._signatures import unsigned
from indexer.sources._names import split_item, unique
from indexer.sources._options import SourceOptions
from indexer.sources._reading import Reading
from indexer.sources._selection import Selection
from indexer.sources._stac_api import check_collection, is_api, listed_items, searched_items
from indexer.sources._stac_choice import Chooser
from indexer.sources._stac_io import GuardedIO, absolute_href, links
from indexer.sources._stac_item import ItemDocument, item_scene
from indexer.sources._walk import STAC_FILES


class StacSource:
    """Scenes of a STAC document and of everything it links to.

    A Catalog or Collection is walked link by link, each document once. A Collection of an API (it has an ``items``
    link) and the root of an API (``conformsTo`` names item search) are asked for their items, with ``bbox`` and
    ``datetime``. At the root of an API ``collection`` chooses the API's collection of that id; everywhere else it
    is the name that the scenes get.

    Args:
        text: Path, folder or URL of the document.
        options: ``pictures`` and ``split`` have no meaning here; ``datetime_pattern`` is searched in item ids.

    Raises:
        SourceError: Not readable, not STAC, or the root of an API without one of its collections.
    """

    def __init__(self, text: str, options: SourceOptions) -> None:
        self._reading = Reading.of(options)
        self._chooser = Chooser(self._reading)
        self._io = GuardedIO(options.settings)
        self._selection = Selection(bbox=options.bbox, datetime=options.datetime)
        text, self._wanted = split_item(text)
        self._href = text if is_url(text) else str(_document_path(text))
        self._document = self._io.document(self._href)
        _check_kind(self._document, self._href)
        self._asked: str | None = None
        if is_api(self._document):
            self._ask_for(options.collection)

    def _ask_for(self, collection: str | None) -> None:
        """Take ``collection`` for a collection of the API: items keep the name it has there."""
        if self._wanted is None:
            check_collection(self._document, self._href, self._io, collection)
            self._asked = collection
            self._reading = replace(self._reading, collection=None)

    def scenes(self) -> Iterator[Scene | BadScene]:
        """Yield one scene an item, in the order of the documents; an item that cannot be used is a BadScene."""
        yield from unique(self._scenes())

    def _scenes(self) -> Iterator[Scene | BadScene]:
        for found in self._items():
            if isinstance(found, BadScene):
                yield found
            elif self._wanted not in (None, found.item.get("id")):
                continue
            elif (scene := item_scene(found, self._chooser, self._reading, self._selection)) is not None:
                yield scene

    def _items(self) -> Iterator[ItemDocument | BadScene]:
        if is_api(self._document):
            yield from searched_items(self._href, self._io, self._selection, collection=self._asked, item=self._wanted)
        else:
            yield from self._walk()

    def _walk(self) -> Iterator[ItemDocument | BadScene]:
        """Depth first, on a stack of iterators: a catalog may be deeper than Python recurses, or link to itself."""
        seen = {self._href}
        stack = [self._read(self._document, self._href, None)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
            elif isinstance(found, _Linked):
                if found.href not in seen:
                    seen.add(found.href)
                    stack.append(self._follow(found))
            else:
                yield found

    def _follow(self, link: _Linked) -> Iterator[ItemDocument | BadScene | _Linked]:
        try:
            document = self._io.document(link.href)
            _check_kind(document, link.href)
        except SwathError as error:
            yield BadScene(link.href, error)
            return
        yield from self._read(document, link.href, link.collection)

    def _read(
        self, document: dict[str, Any], href: str, collection: str | None
    ) -> Iterator[ItemDocument | BadScene | _Linked]:
        kind = _kind(document)
        if kind == "Feature":
            yield ItemDocument(item=document, base=href, href=href, collection=collection)
        elif kind == "FeatureCollection":
            yield from self._pages(document, href)
        elif kind == "Collection" and (items := links(document, "items")) and not links(document, "item"):
            yield from listed_items(items[0], href, self._io, self._selection)
        else:
            yield from self._linked(document, href, str(document.get("id")) if kind == "Collection" else collection)

    def _pages(self, page: dict[str, Any], href: str) -> Iterator[ItemDocument | BadScene]:
        """Items of a FeatureCollection and of the pages that its ``next`` links lead to."""
        seen, number = {href}, 0
        while True:
            for feature in page["features"]:
                number += 1
                yield ItemDocument.embedded(feature, href, number)
            following = links(page, "next")
            if not following:
                return
            try:
                page, href = self._next_page(following[0], href, seen)
            except SwathError as error:
                yield BadScene(following[0], SceneError(f"the listing broke off after {number} items: {error}"))
                return

    def _next_page(self, link: str, href: str, seen: set[str]) -> tuple[dict[str, Any], str]:
        following = absolute_href(link, href, self._reading.settings)
        if following in seen:
            raise SceneError("the same page came again")
        seen.add(following)
        page = self._io.document(following)
        if _kind(page) != "FeatureCollection":
            raise SourceError(f"{following} is no FeatureCollection")
        _check_kind(page, following)
        return page, following

    def _linked(self, document: dict[str, Any], href: str, collection: str | None) -> Iterator[_Linked | BadScene]:
        for target in links(document, "item") + links(document, "child"):
            try:
                yield _Linked(href=absolute_href(target, href, self._reading.settings), collection=collection)
            except SceneError as error:
                yield BadScene(target, error)


@dataclass(frozen=True, kw_only=True)
class _Linked:
    """A document that is still to be read, and the collection it hangs under."""

    href: str
    collection: str | None


def _document_path(text: str) -> Path:
    path = Path(text).expanduser()
    if path.is_dir():
        path = next((path / name for name in STAC_FILES if (path / name).exists()), path / STAC_FILES[0])
    return path.resolve()


def _kind(document: dict[str, Any]) -> str:
    if "type" not in document and "stac_version" in document:  # Catalogs and Collections before STAC 1.0
        return "Collection" if "extent" in document else "Catalog"
    return str(document.get("type"))


def _check_kind(document: dict[str, Any], href: str) -> None:
    kind = _kind(document)
    if kind not in ("Feature", "FeatureCollection", "Collection", "Catalog"):
        raise SourceError(
            f"{unsigned(href)} has type {kind!r}; expected a STAC Item, ItemCollection, Collection or Catalog"
        )
    if kind == "FeatureCollection" and not isinstance(document.get("features"), list):
        raise SourceError(f"{unsigned(href)} is a FeatureCollection without a list of features")
