"""A saved search, how far it has got, and what a run of it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import UnknownNameError, VectorSpace


class WatchNotFoundError(UnknownNameError):
    """A watch that the index does not have."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__("watch", name, known)


@dataclass(frozen=True, kw_only=True, eq=False)
class Watch:
    """A search that is asked of every tile that is added."""

    name: str
    """What it is called; letters, digits, dots, dashes and underscores."""
    identity: str
    """Random hexadecimal digits: another watch of the same name has others."""
    space: VectorSpace
    """What its vector, and so the index it is asked of, must be."""
    vector: NDArray[np.float32]
    """(dim,) unit vector: words, pictures and tiles were encoded when the watch was added."""
    asked: Mapping[str, Any]
    """Filters and thresholds, and a text whose scores may be calibrated: arguments of ``SearchRequest.build``."""
    about: Mapping[str, Any]
    """What is looked for, as JSON values for people."""
    left_out: tuple[str, ...]
    """Ids of the tiles it was made of, which are no matches."""
    created: datetime
    """UTC."""
    file: Path | None = None
    """Where matches are appended, a line each."""
    webhook: str | None = None
    """Where matches are posted."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a watch has got; what its journal holds is told by the journal itself."""

    seen: str
    """Name of the file of marks of the scenes it has looked at."""
    first: int
    """Row id below which no row belongs to a scene that is not marked, see ``indexer.rows_of``."""
    sent: int = 0
    """Number of the last match that its file or webhook has."""
    file_bytes: int = 0
    """Size of its file after that match."""
    ran: datetime | None = None
    """When it ran last, UTC; None before its first run."""
    problem: str | None = None
    """What kept the last run from looking or delivering, in one line; what was not delivered is kept."""


@dataclass(frozen=True, kw_only=True)
class WatchStatus:
    """A watch as it stands."""

    watch: Watch
    """What is looked for."""
    progress: Progress
    """How far it has got."""
    matches: int
    """Matches so far."""

    @property
    def waiting(self) -> int:
        """Matches that its file or webhook does not have yet."""
        delivers = self.watch.file is not None or self.watch.webhook is not None
        return max(self.matches - self.progress.sent, 0) if delivers else 0


@dataclass(frozen=True, kw_only=True)
class WatchRun:
    """What one run of one watch did."""

    name: str
    """The watch."""
    tiles: int
    """New tiles it looked at."""
    matches: int
    """Matches among them that were not known."""
    sent: int
    """Matches delivered to its file or webhook, earlier ones that waited included."""
    waiting: int
    """Matches still to be delivered."""
    problem: str | None = None
    """What went wrong, in one line; the next run tries again."""
