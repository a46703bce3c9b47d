"""What the driver and its workers tell each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from core import EncodesTiles, VectorSpace
from indexer._events import Failed
from indexer._ledger import LedgerRow
from indexer._meter import Work
from indexer._place import Place
from indexer._report import IngestOptions
from indexer._tiling import TilingOptions


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What every worker of an ingest does alike."""

    index: Place
    """Absolute; every node sees the same folder there, or reaches the same bucket."""
    space: VectorSpace
    """What the vectors must be."""
    open_encoder: Callable[[], EncodesTiles]
    """Called once in each worker; can be pickled."""
    tiling: TilingOptions
    """How scenes are cut."""
    options: IngestOptions
    """Threads and batches of each worker."""
    environment: Mapping[str, str] = field(repr=False)  # credentials of a bucket may be among them
    """Variables that a worker sets before it starts."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A scene whose tiles are written and not yet committed."""

    ledger: LedgerRow
    """What is to be remembered of it."""
    undated: bool
    """Whether it has no date."""

    @property
    def tiles(self) -> int:
        """Its tiles."""
        return self.ledger.tiles

    @property
    def dropped(self) -> int:
        """Tiles that had too few valid pixels."""
        return self.ledger.dropped


@dataclass(frozen=True, kw_only=True)
class Group:
    """Scenes that were written together: the unit of a commit."""

    scenes: tuple[Finished, ...]
    """Whole scenes."""
    fragments: tuple[str, ...]
    """JSON of the Lance fragments that hold exactly their tiles."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is new with a worker since it was last asked."""

    work: Work
    """All it has done so far."""
    groups: tuple[Group, ...] = ()
    """Ready to be committed."""
    failures: tuple[Failed, ...] = ()
    """Scenes that cannot be indexed."""
    ended: bool = False
    """Whether nothing more will come."""
    broken: str | None = None
    """Why it gave up the whole ingest, if it did."""
    misused: bool = False
    """Whether it gave up because of what it was given (exit code 2)."""
