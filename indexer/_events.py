"""What the threads of an ingest tell the thread that encodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer._plan import Job, Unit
from indexer._records import Row
from indexer._staging import Staged


@dataclass(frozen=True, kw_only=True)
class Found:
    """A scene that will be indexed."""

    job: Job
    """Which."""


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A scene that was done before."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A scene's grid is known."""

    job: Job
    """Which."""
    units: tuple[Unit, ...]
    """All its pieces."""
    staged: Mapping[Unit, Staged]
    """Those an earlier run has done."""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A tile to encode."""

    job: Job
    """Its scene."""
    unit: Unit
    """Its piece."""
    row: Row
    """All columns but the vector."""
    array: NDArray[np.generic]
    """What the encoder's ``prepare`` made of it."""


@dataclass(frozen=True, kw_only=True)
class UnitRead:
    """A piece was read; its tiles came before."""

    job: Job
    """Its scene."""
    unit: Unit
    """Which piece."""
    tiles: int
    """Tiles to encode."""
    dropped: int
    """Tiles with too few valid pixels."""


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A scene cannot be indexed."""

    href: str
    """See Scene."""
    reason: str
    """One line."""
    job: Job | None = None
    """None where the source could not even name the scene."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A thread has nothing more to do; with an error where the whole ingest must stop."""

    error: BaseException | None = None
    """What went wrong."""


Event = Found | Skipped | Opened | Ready | UnitRead | Failed | Ended
