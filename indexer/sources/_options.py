"""What a caller may say about a source."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from core import BBox, InputError, Settings

_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Options every source takes; each ignores those that have no meaning for it, as its docstring says."""

    collection: str | None = None
    """Collection of every scene; None takes the STAC collection id, or the name of the folder."""
    sensor: str | None = None
    """Sensor name, ``name/encoding`` or TOML file, as ``--sensor``; None detects it."""
    datetime_pattern: str | None = None
    """strptime pattern searched for in file names, e.g. ``%Y%m%d``; wins over every other date."""
    bbox: BBox | None = None
    """STAC only: keep items that intersect west, south, east, north in degrees."""
    datetime: str | None = None
    """STAC only: keep items within this RFC 3339 instant or interval."""
    pictures: bool = False
    """Read TIFF and JPEG 2000 files, too, as plain pictures without a place."""
    split: str | None = None
    """Pictures: keep the records of ``captions.jsonl`` with this ``split``. Datasets: keep this split."""
    settings: Settings = field(default_factory=Settings)
    """Limits and allowed hosts."""

    def __post_init__(self) -> None:
        if self.collection is not None and not _NAME.fullmatch(self.collection):
            raise InputError(f"collection {self.collection!r} may hold only letters, digits, '.', '_' and '-'")
