"""One page of items, and the token of the next.

A token holds the version of the index that the first page was read from and how many items came before, so the pages
of one search are one list: nothing comes twice and nothing is left out, whatever is indexed or removed meanwhile.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from api._services import Service
from api.stac._query import ItemQuery
from core import QueryError, Record, StoreError
from indexer import Snapshot
from retriever import MAX_K, SearchRequest, list_tiles, take_tiles

_KEPT = 8
"""Lists kept: 8 bytes a tile, so 64 MB where each names a million tiles."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """Items of one page."""

    records: Sequence[Record]
    """In order; hits where items are ranked."""
    matched: int
    """Exact number of tiles that pass the filters."""
    token: str | None
    """Of the next page; None on the last."""


class Pages:
    """Answers STAC searches a page at a time. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lists: OrderedDict[tuple[str, int, str], NDArray[np.uint64]] = OrderedDict()
        self._lock = threading.Lock()

    def page(self, service: Service, query: ItemQuery, *, limit: int, token: str | None) -> Page:
        """Return a page.

        Args:
            service: The index.
            query: What is wanted.
            limit: Most items.
            token: Of a page before; None for the first.

        Raises:
            QueryError: The token is not one of this search, or the version it names is gone.
            TileNotFoundError: ``like`` is not in the index.
        """
        version, start = (None, 0) if token is None else _read_token(token, query, service.store.generation)
        rows = _opened(service, version)
        if query.ranked:
            return self._ranked(service, query, rows, start, limit)
        found = self._listed(service, query, rows)
        records = take_tiles(rows, found[start : start + limit])
        more = start + limit < len(found)
        return Page(
            records=records,
            matched=len(found),
            token=_token(query, service, rows.version, start + limit) if more else None,
        )

    def _ranked(self, service: Service, query: ItemQuery, rows: Snapshot, start: int, limit: int) -> Page:
        end = min(start + limit, MAX_K)
        hits = service.searcher.search(query.request(end), rows)
        more = end < min(hits.matched, MAX_K)
        return Page(
            records=hits[start:end],
            matched=hits.matched,
            token=_token(query, service, rows.version, end) if more else None,
        )

    def _listed(self, service: Service, query: ItemQuery, rows: Snapshot) -> NDArray[np.uint64]:
        key = (str(rows.path), rows.version, query.digest)
        with self._lock:
            known = self._lists.get(key)
            if known is not None:
                self._lists.move_to_end(key)
                return known
        found = list_tiles(rows, SearchRequest(**query.filters()).where(), query.order)
        with self._lock:
            self._lists[key] = found
            while len(self._lists) > _KEPT:
                self._lists.popitem(last=False)
        return found


def _opened(service: Service, version: int | None) -> Snapshot:
    if version is None:
        return service.store.snapshot()
    try:
        return service.store.snapshot(version)
    except StoreError:
        raise QueryError("the token's version of the index has been cleaned up; begin again without token") from None


def _token(query: ItemQuery, service: Service, version: int, start: int) -> str:
    told = [version, start, query.digest, service.store.generation]
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


def _read_token(token: str, query: ItemQuery, generation: int) -> tuple[int, int]:
    made = 0
    try:
        version, start, digest, made = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        fits = type(version) is int and type(start) is int and 0 < version < 2**63 and 0 < start < 2**63
    except (ValueError, TypeError, binascii.Error):
        fits, digest = False, None
    if not fits:
        raise QueryError("the token cannot be read; take it from a link rel=next, or begin again without token")
    if digest != query.digest:
        raise QueryError("the token belongs to another search; repeat that search, or begin again without token")
    if made != generation:
        raise QueryError("the index was switched to the vectors of another encoder since; begin again without token")
    return version, start
