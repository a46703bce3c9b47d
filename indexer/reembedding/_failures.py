"""Which scenes could not be embedded again, and why: counted while it runs, kept beside the vectors afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core import ConfigError, StoreError
from indexer._assembly import Assembly
from indexer._events import Failed
from indexer._generation import RECORD
from indexer._meter import Meter
from indexer._report import Progress
from indexer._small_files import read_document, replace_document

_FORMAT = 1
_MAX_BYTES = 2**30
"""A million scenes of a thousand characters."""


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A scene that a generation lacks."""

    scene_key: str
    """See ``scene_key``."""
    scene_id: str
    """See Scene."""
    collection: str
    """See Scene."""
    href: str
    """Where it was read from."""
    tiles: int
    """Tiles that the other generation has of it."""
    reason: str
    """Why it is missing, in one line."""


class CountingFailures(Meter):
    """A meter that knows the failed scenes by their keys.

    Args:
        progress: See ``Meter``.
    """

    def __init__(self, progress: Callable[[Progress], None] | None) -> None:
        super().__init__(progress)
        self.reasons: dict[str, str] = {}

    def failed(self, event: Failed, scene: Assembly | None) -> None:
        """See ``Meter``."""
        if event.job is not None:
            self.reasons[event.job.key] = event.reason
            if event.job.scene is None:  # its source could not be opened: it was never announced
                event = replace(event, job=None)
        super().failed(event, scene)


def write_failures(home: Path, failures: Mapping[str, str]) -> None:
    """Keep why scenes could not be embedded, in place of what was kept before.

    Raises:
        StoreError: The index cannot be written.
    """
    replace_document(home / RECORD, {"format": _FORMAT, "failures": dict(failures)})


def read_failures(home: Path) -> Mapping[str, str]:
    """Return why scenes could not be embedded, by their keys; nothing where nothing is known.

    Raises:
        StoreError: The document is damaged.
    """
    try:
        document = read_document(home / RECORD, kind="record of a re-embedding", limit=_MAX_BYTES) or {}
        return {str(key): str(reason) for key, reason in document.get("failures", {}).items()}
    except (ConfigError, AttributeError) as error:
        raise StoreError(f"{home / RECORD} is damaged ({error}); delete it and run swath reembed again") from None
