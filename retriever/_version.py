"""One version of an index as searches see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from retriever._vector_index import FlatIndex, Rows, SearchesArchive


@runtime_checkable
class Indexed(Protocol):
    """Rows that bring a vector index of their own."""

    def index(self, *, exact: bool) -> SearchesArchive:
        """Return what answers one request; as the flat index does where ``exact`` is asked for."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Version:
    """The rows a request is answered from."""

    rows: Rows
    """One version of the index."""
    number: int | None = None
    """Rises with every change; None for rows in memory."""
    remarks: tuple[str, ...] = ()
    """Why its search snapshot is not used, where there is one."""

    def index(self, *, exact: bool = False) -> SearchesArchive:
        """Return what answers one request."""
        return self.rows.index(exact=exact) if isinstance(self.rows, Indexed) else FlatIndex(self.rows)
