"""The matches of a watch: GeoJSON lines in files that are written once, whole, and never changed.

A file's name says which matches it holds: ``000000000001-000000000037.geojsonl``. It is the record of what was
reported: numbers rise by one, no tile is in it twice, and the page, files and webhooks are fed from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import ConfigError, StoreError
from indexer import replace_file

MAX_BATCH = 2_000
"""Most matches of a file: 2 MB at 1 kB each."""

MAX_LINE = 16 * 2**20
"""Largest line read; a footprint of 100,000 corners takes 4 MB."""

_NAME = re.compile(r"(\d{12})-(\d{12})\.geojsonl", re.ASCII)


@dataclass(frozen=True, kw_only=True, order=True)
class Batch:
    """One file of a journal."""

    first: int
    """Number of its first match."""
    last: int
    """Number of its last match."""
    path: Path
    """The file."""

    def lines(self) -> Iterator[str]:
        """Yield the matches as they are written, without line ends.

        Raises:
            StoreError: The file cannot be read.
            ConfigError: It does not hold what its name says.
        """
        number = 0
        try:
            with self.path.open(encoding="utf-8") as stream:
                while line := stream.readline(MAX_LINE):
                    number += 1
                    yield line.rstrip("\n")
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror or error}") from error
        except UnicodeDecodeError:
            raise ConfigError(f"{self.path} is not UTF-8") from None
        if number != self.last - self.first + 1:
            raise ConfigError(f"{self.path} holds {number:,} matches, its name says otherwise; it is damaged")


class Journal:
    """The matches of one watch.

    Args:
        folder: Where its files are; may be missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def batches(self, after: int = 0) -> list[Batch]:
        """Return the files with matches after a number, in order.

        Raises:
            ConfigError: A file is missing, or one too many.
            StoreError: The folder cannot be read.
        """
        try:
            names = [entry.name for entry in self._folder.iterdir()] if self._folder.is_dir() else []
        except OSError as error:
            raise StoreError(f"cannot read {self._folder}: {error.strerror or error}") from error
        found = [match for match in map(_NAME.fullmatch, names) if match]
        batches = sorted(Batch(first=int(each[1]), last=int(each[2]), path=self._folder / each[0]) for each in found)
        expected = 1
        for batch in batches:
            if batch.first != expected or batch.last < batch.first:
                raise ConfigError(f"{self._folder} should hold match {expected}; {batch.path.name} is out of order")
            expected = batch.last + 1
        return [batch for batch in batches if batch.last > after]

    @property
    def last(self) -> int:
        """Number of the last match; 0 where there is none."""
        batches = self.batches()
        return batches[-1].last if batches else 0

    def reported(self) -> set[str]:
        """Return the ids of all tiles in it."""
        return {match_tile(line) for batch in self.batches() for line in batch.lines()}

    def append(self, matches: Sequence[Mapping[str, Any]]) -> None:
        """Add matches, which get the next numbers; on the disk when this returns, or not there at all.

        Args:
            matches: GeoJSON Features, at most ``MAX_BATCH``.

        Raises:
            StoreError: They cannot be written.
        """
        first = self.last + 1
        name = f"{first:012d}-{first + len(matches) - 1:012d}.geojsonl"
        text = "".join(_line(match, number) for number, match in enumerate(matches, start=first))
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot write {self._folder}: {error.strerror or error}") from error
        replace_file(self._folder / name, text.encode("utf-8"))

    def lines(self, after: int) -> Iterator[tuple[int, str]]:
        """Yield number and line of every match after a number."""
        for batch in self.batches(after):
            for number, line in enumerate(batch.lines(), start=batch.first):
                if number > after:
                    yield number, line


def _line(match: Mapping[str, Any], number: int) -> str:
    told = {"number": number, **match["properties"]}
    return json.dumps({**match, "properties": told}, allow_nan=False, separators=(",", ":")) + "\n"


def read_match(line: str) -> dict[str, Any]:
    """Return a line of a journal as a GeoJSON Feature.

    Raises:
        ConfigError: It is none.
    """
    try:
        found = json.loads(line)
        if not isinstance(found["properties"]["tile_id"], str):
            raise TypeError("no tile id")
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ConfigError(f"a line of the matches is damaged: {line[:80]!a}") from None
    match: dict[str, Any] = found
    return match


def match_tile(line: str) -> str:
    """Return the tile id of a line."""
    tile_id: str = read_match(line)["properties"]["tile_id"]
    return tile_id
