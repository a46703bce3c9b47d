"""A file as entries, by its ending. Files are not trusted: capped, UTF-8 only, nothing they point to is opened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core import InputError, Settings, read_limited
from indexer.knowledge._clean import decoded
from indexer.knowledge._geojson import read_geojson
from indexer.knowledge._markdown import read_markdown, read_plain
from indexer.knowledge._tabular import read_csv
from indexer.knowledge._types import MAX_ENTRIES, BadEntry, Entry

READERS: dict[str, Callable[[str, Path], Iterator[Entry | BadEntry]]] = {
    ".md": read_markdown,
    ".markdown": read_markdown,
    ".txt": read_plain,
    ".text": read_plain,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".geojson": read_geojson,
    ".json": read_geojson,
}
"""Ending to reader."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadFile:
    """The content of a file."""

    source: str
    """Its name, without folders."""
    digest: str
    """sha256 of its bytes."""
    entries: tuple[Entry, ...]
    """In their order."""
    bad: tuple[BadEntry, ...]
    """What was left out."""


def read_file(path: Path) -> ReadFile:
    """Return the entries of a file.

    Raises:
        InputError: It cannot be used at all; the message is the reason, without the file's name.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"files ending in {path.suffix or 'nothing'} cannot be read; give {', '.join(READERS)}")
    content = read_limited(path, Settings().max_metadata_bytes)
    found = list(islice(reader(decoded(content), path), MAX_ENTRIES + 1))
    if len(found) > MAX_ENTRIES:
        raise InputError(f"more than {MAX_ENTRIES:,} entries; split the file")
    entries = tuple(each for each in found if isinstance(each, Entry))
    bad = tuple(each for each in found if isinstance(each, BadEntry))
    if not entries and not bad:
        raise InputError("it holds no text")
    return ReadFile(source=path.name, digest=hashlib.sha256(content).hexdigest(), entries=entries, bad=bad)
