"""What a question is put to: one version of an index, what may be opened of it, and the knowledge beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import pyarrow as pa
import pyarrow.compute as pc

from indexer import Reach
from retriever._search import Searcher
from retriever._vector_index import Rows
from retriever.rag._types import QueryPlan
from retriever.rag.passages._passages import SearchesKnowledge
from retriever.rag.planning._plan_world import NO_PLACES, KnowsPlaces, World

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Archive:
    """One index as one answer sees it: every step reads the same version."""

    searcher: Searcher
    """Searches it."""
    rows: Rows
    """The version that is searched, counted and cited."""
    reach: Reach | None = None
    """Which original pixels may be opened; None opens whatever a record names."""
    knowledge: SearchesKnowledge | None = None
    """Passages beside the tiles; None where there are none."""
    least: Mapping[str, float] = field(default_factory=dict)
    """Cosine from which a tile counts as showing a phrase, for phrases where that was learnt elsewhere."""
    wider: Callable[[QueryPlan], Archive | None] | None = None
    """Returns the same tiles, searched with more help, for plans that the scores carry no answer to; None has none."""


def world_of(archive: Archive, today: date) -> World:
    """Return what questions to an archive are read against.

    Args:
        archive: Its sensors, collections, dates and, where its knowledge can, places.
        today: What "last year" is counted from.

    Raises:
        StoreError: The index cannot be read.
    """
    seen = _seen_of(archive)
    places = archive.knowledge if isinstance(archive.knowledge, KnowsPlaces) else NO_PLACES
    return World(
        sensors=tuple(sorted(seen.sensors)),
        collections=tuple(sorted(seen.collections)),
        first=min(seen.dates, default=None),
        last=max(seen.dates, default=None),
        today=today,
        places=places,
    )


class OfVersion(Generic[T]):
    """What was made of the version of an index that was asked last, for as long as somebody holds what searches it.

    Args:
        make: Reads it; called once a version.
    """

    def __init__(self, make: Callable[[Archive], T]) -> None:
        self._make = make
        self._known: WeakKeyDictionary[Searcher, tuple[Any, T]] = WeakKeyDictionary()

    def __call__(self, archive: Archive) -> T:
        """Return what is known of an archive's version, made now where it is another one than last time."""
        version = getattr(archive.rows, "version", None)
        known = self._known.get(archive.searcher)
        if known is not None and version is not None and known[0] == version:
            return known[1]
        made = self._make(archive)
        self._known[archive.searcher] = version, made
        return made


def _look(archive: Archive) -> _Seen:
    seen = _Seen()
    for batch in archive.rows.scan(("sensor", "collection", "datetime")):
        seen.add(batch)
    return seen


class _Seen:
    """Names, and the first and last date of each batch."""

    def __init__(self) -> None:
        self.sensors: set[str] = set()
        self.collections: set[str] = set()
        self.dates: set[datetime] = set()

    def add(self, batch: pa.RecordBatch) -> None:
        """Add the rows of a batch."""
        self.sensors.update(pc.unique(batch["sensor"]).to_pylist())
        self.collections.update(pc.unique(batch["collection"]).to_pylist())
        ends = pc.min_max(batch["datetime"]).as_py()
        self.dates.update(end.astimezone(UTC) for end in ends.values() if end is not None)


_seen_of = OfVersion(_look)
