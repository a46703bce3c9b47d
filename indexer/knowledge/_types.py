"""What a file of knowledge is read into, and what adding it did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime as Instant  # noqa: N812  # a field below is called datetime, as in every other type
from typing import Literal

from shapely.geometry.base import BaseGeometry

MAX_TITLE = 200
"""Characters of a title or alias; longer ones are cut. The longest English place name in GeoNames has 101."""

MAX_ENTRIES = 200_000
"""Most entries of one file: more belong into several files, each of which is replaced as a whole."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Entry:
    """One entry of a file: a place, a site, an event. Its text is still whole."""

    title: str
    """Heading or name; foreign text."""
    text: str
    """Paragraphs; foreign text."""
    names: tuple[str, ...] = ()
    """What a question may call it: its name and aliases. Empty where the title was made up for it."""
    geometry: BaseGeometry | None = None
    """Point, line or area in lon, lat, cut at the antimeridian; None where it has no place."""
    datetime: Instant | None = None
    """UTC; None where it has no date."""
    radius_km: float | None = None
    """How far round a point it reaches; None where nobody says."""


@dataclass(frozen=True, kw_only=True)
class BadEntry:
    """An entry that cannot be used. Reported and counted; the rest of the file goes on."""

    where: str
    """``line 12`` or ``feature 3``."""
    reason: str
    """What was found and what would work."""


@dataclass(frozen=True, kw_only=True)
class FileReport:
    """What became of one file."""

    source: str
    """Its name, without folders."""
    status: Literal["added", "replaced", "unchanged", "failed"]
    """``replaced`` where the table held another version of it."""
    passages: int = 0
    """Pieces of text it was cut into."""
    placed: int = 0
    """Of these, how many have a place."""
    dated: int = 0
    """Of these, how many have a date."""
    removed: int = 0
    """Passages of its earlier version that are gone."""
    overlong: int = 0
    """Pieces of which the encoder reads only the beginning: a single sentence that is longer than it can read."""
    bad: tuple[BadEntry, ...] = ()
    """Entries that were left out."""
    reason: str | None = None
    """Why it failed."""


@dataclass(frozen=True, kw_only=True)
class KnowledgeReport:
    """What adding files did."""

    files: tuple[FileReport, ...]
    """In the order of their names."""
    dry_run: bool
    """True where nothing was written."""
    seconds: float
    """How long it took."""

    @property
    def passages(self) -> int:
        """Passages of all files that were added or replaced."""
        return sum(file.passages for file in self.files if file.status in {"added", "replaced"})

    @property
    def failed(self) -> bool:
        """Whether a file or an entry could not be used."""
        return any(file.status == "failed" or file.bad for file in self.files)


@dataclass(frozen=True, kw_only=True)
class KnowledgeFile:
    """A file as the table holds it."""

    source: str
    """Its name, without folders."""
    passages: int
    """Pieces of text."""
    placed: int
    """Of these, how many have a place."""
    dated: int
    """Of these, how many have a date."""
    added: Instant
    """When it was last added or replaced, UTC."""
    digest: str
    """sha256 of its bytes."""
