"""One page of a search. Every page comes from the version of the index that the first one came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api._search_asking import Asking
from api._search_cursor import Cursor, CursorGoneError, digest_of, read_cursor
from api._search_metrics import stage
from api._services import Service
from core import Hit, QueryError, StoreError, VectorSpace
from retriever import MAX_K, Version


@dataclass(frozen=True, kw_only=True)
class Page:
    """A part of the hits."""

    hits: tuple[Hit, ...]
    """Best first; ranks are counted through all pages."""
    matched: int
    """Exact number of tiles that pass the filters."""
    why: Mapping[str, Any]
    """How it was searched."""
    remarks: tuple[str, ...]
    """What the user should know."""
    space: VectorSpace
    """Of the vectors that were compared."""
    next: str | None
    """Cursor of the page after; None on the last."""


def find_page(service: Service, asking: Asking, *, previews: bool = True) -> Page:
    """Return the page that the request's cursor begins, or the first.

    Args:
        service: The index that is asked.
        asking: What is asked.
        previews: Whether the hits' pictures are read.

    Raises:
        QueryError: The request cannot be answered, or the cursor is not its own.
        CursorGoneError: The version of the index that the cursor pages through is gone.
        StoreError: The index cannot be read.
    """
    k, digest = asking.body.k, digest_of(_identity(service, asking), _ranking(service))
    cursor = None if asking.body.cursor is None else read_cursor(asking.body.cursor, digest)
    version, start = _version(service, cursor), 0 if cursor is None else cursor.offset
    if start >= MAX_K:
        raise QueryError(f"pages end at {MAX_K:,} hits; narrow the search by place, time or a least score")
    # One more than the page holds tells whether there is another.
    with stage("search"):
        found = service.searcher.find(asking.request(start + k + 1), version.rows)
    stop = min(start + k, len(found))
    more = len(found) > stop and stop < MAX_K
    number = version.number if more else None
    after = None if number is None else _cursor(service, number, stop, digest)
    hits = found.hits(start, stop, previews=previews)
    return Page(
        hits=hits,
        matched=found.matched,
        why=found.why,
        remarks=tuple(found.remarks),
        space=found.rows.space,
        next=after,
    )


def _cursor(service: Service, version: int, offset: int, digest: bytes) -> str:
    return Cursor(version=version, generation=service.store.generation, offset=offset, digest=digest).write()


def _identity(service: Service, asking: Asking) -> dict[str, Any]:
    """What makes it this search: pages may be of different size and show different fields."""
    shown = {"k", "fields", "index", "explain"}
    return {"index": service.name} | {name: value for name, value in asking.echo().items() if name not in shown}


def _ranking(service: Service) -> str:
    stamp = service.calibration_stamp()
    return "" if stamp is None else str(stamp)


def _version(service: Service, cursor: Cursor | None) -> Version:
    newest = service.searcher.version()
    if cursor is not None and cursor.generation != service.store.generation % 2**16:
        raise CursorGoneError(
            f"the index was switched to the vectors of {service.store.space} since; start again at the first page"
        )
    if cursor is None or cursor.version == newest.number:
        return newest
    try:
        return service.searcher.numbered(cursor.version)
    except StoreError:
        raise CursorGoneError(
            f"version {cursor.version} of the index, through which the cursor pages, is no longer kept (the newest is"
            f" {newest.number}); start again at the first page"
        ) from None
