"""What can be set about an ingest, what it says while it runs, and what it says at the end."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field

from core import InputError
from indexer._schema import VectorType


def _cores() -> int:
    return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class IngestOptions:
    """How an ingest runs; none of it changes what is written, but for ``dtype``.

    Raises:
        InputError: A number below 1.
    """

    workers: int = field(default_factory=_cores)
    """Reader threads; as many as cores, because reading a tile costs about twice what encoding it does."""
    batch_size: int = 32
    """Most tiles encoded at once."""
    commit_tiles: int = 512
    """Finished scenes are committed together once they have this many tiles..."""
    commit_seconds: float = 5.0
    """...or once the first of them has waited this long."""
    dtype: VectorType = "float16"
    """How vectors are stored in an index that is made by this ingest."""

    def __post_init__(self) -> None:
        for name in ("workers", "batch_size", "commit_tiles"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A scene that could not be indexed."""

    href: str
    """See Scene."""
    reason: str
    """One line."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where an ingest stands."""

    scenes_found: int
    """Scenes to be indexed that the sources have named so far."""
    scenes_done: int
    """Of them: indexed or failed."""
    scenes_skipped: int
    """Scenes that were done before."""
    scenes_failed: int
    """Scenes that could not be indexed."""
    tiles_done: int
    """Tiles encoded, dropped, or taken over from an earlier run that was cut off."""
    tiles_total: int
    """Tiles of the scenes opened so far."""
    tiles_per_second: float
    """Tiles encoded by this run over the time since its first."""
    seconds: float
    """Since the start."""
    eta_seconds: float | None
    """Until all scenes found are done, those not opened yet taken to be like the others; None before the first tile."""


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """What an ingest did."""

    scenes_indexed: int
    """Scenes written."""
    scenes_skipped: int
    """Scenes that were done before and have not changed."""
    failures: tuple[Failure, ...]
    """Scenes that could not be indexed, and why."""
    tiles_written: int
    """Tiles of the scenes written."""
    tiles_dropped: int
    """Tiles of the scenes written that had too few valid pixels."""
    undated: int
    """Scenes written that have no date."""
    tiles_encoded: int
    """Tiles that went through the encoder; fewer than written where an earlier run was cut off."""
    seconds: float
    """From start to end."""
    tiles_per_second: float
    """Tiles encoded over the time from the first batch to the last."""
    encoder_busy: float
    """Fraction of that time spent in the encoder, 0..1."""
    peak_memory_mb: float
    """Most memory this process has held, in MB (10**6 bytes); 0 where the system does not say."""


def peak_memory_mb() -> float:
    """Return the most memory this process has held, in MB; 0 on systems that do not say."""
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    # Kilobytes on Linux, bytes on macOS: getrusage(2) of either.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
