"""Counters of tiles: fed a batch of rows at a time, asked once for what they counted.

Each batch is reduced to its distinct values at once; the dates of an archive are as many as its scenes, the cells as
many as a map shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import QueryError, cell_text, rfc3339

MAX_CELLS = 50_000
"""Most cells in an answer: about 4 MB of JSON, more than a map can draw at once."""

MAX_NAMES = 1000
"""Most names in an answer; the tiles of rarer ones are counted together."""

Scores = NDArray[np.float32] | None
"""(n,) scores of a batch's rows; None where nothing was asked for."""

_WAITING = 65_536
"""Dates that are kept before they are merged with those that were there: 1 MB."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What one facet holds."""

    entries: list[dict[str, Any]]
    """JSON values, one for each bin, cell or name."""
    unknown: int = 0
    """Tiles that have no value."""
    other: int = 0
    """Tiles of names that were left out."""


class Tally(Protocol):
    """Counts tiles by one of their properties."""

    column: str
    """The column it reads."""

    def add(self, values: pa.Array, scores: Scores) -> None:
        """Count a batch: (n,) values of the column and their scores."""
        ...

    def result(self) -> Counted:
        """Return what was counted."""
        ...


@dataclass(frozen=True, kw_only=True)
class Dates:
    """Dates of many tiles, to be counted when the bins are known."""

    first: int
    """Microseconds since 1970."""
    last: int
    """Microseconds since 1970."""
    count: Callable[[NDArray[np.int64]], NDArray[np.int64]]
    """From (n + 1,) edges, microseconds since 1970, to the tiles in each of the n bins; the last edge is included."""


class Times:
    """A histogram over dates: bins of equal length from the first date to the last, which lies in the last bin.

    Args:
        bins: How many; fewer come back where the dates span fewer microseconds.
    """

    column = "datetime"

    def __init__(self, bins: int) -> None:
        self._bins = bins
        self._unknown = 0
        self._instants = np.array([], np.int64)
        self._counts = np.array([], np.int64)
        self._waiting: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._size = 0
        self._deferred: list[Dates] = []

    def add(self, values: pa.Array, scores: Scores) -> None:
        """See ``Tally``."""
        self._unknown += values.null_count
        instants = values.drop_null().cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(zero_copy_only=False)
        self._waiting.append(np.unique(instants, return_counts=True))
        self._size += len(self._waiting[-1][0])
        if self._size > max(_WAITING, len(self._instants)):
            self._merge()

    def defer(self, dates: Dates | None, *, unknown: int) -> None:
        """Count tiles later, when the first and the last of all dates are known; and now those without a date."""
        self._unknown += unknown
        self._deferred += [] if dates is None else [dates]

    def _merge(self) -> None:
        instants, counts = self._all()
        self._instants, which = np.unique(instants, return_inverse=True)
        self._counts = np.zeros(len(self._instants), np.int64)
        np.add.at(self._counts, which, counts)
        self._waiting, self._size = [], 0

    def _all(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        instants, counts = zip((self._instants, self._counts), *self._waiting, strict=True)
        return np.concatenate(instants), np.concatenate(counts)

    def result(self) -> Counted:
        """See ``Tally``."""
        instants, counts = self._all()
        ends = [int(instants.min()), int(instants.max())] if len(instants) else []
        ends += [end for dates in self._deferred for end in (dates.first, dates.last)]
        if not ends:
            return Counted(entries=[], unknown=self._unknown)
        edges = _edges(min(ends), max(ends), self._bins)
        sums = np.zeros(len(edges) - 1, np.int64)
        np.add.at(sums, np.searchsorted(np.array(edges[1:-1], np.int64), instants, side="right"), counts)
        for dates in self._deferred:
            sums += dates.count(np.array(edges, np.int64))
        bins = zip(edges[:-1], edges[1:], sums.tolist(), strict=True)
        entries = [{"start": _instant(start), "end": _instant(end), "count": count} for start, end, count in bins]
        return Counted(entries=entries, unknown=self._unknown)


def _edges(first: int, last: int, bins: int) -> list[int]:
    """Edges of the bins, in microseconds since 1970; in whole numbers, so that no date falls between two bins."""
    if first == last:
        return [first, last]
    return sorted({first + (last - first) * step // bins for step in range(bins + 1)})


def _instant(microseconds: int) -> str:
    return rfc3339(_EPOCH + microseconds * _MICROSECOND)


class Cells:
    """Tiles whose centre lies in each H3 cell, and the best of their scores.

    Args:
        resolution: Of the cells, at most that of the column.
    """

    column = "h3"

    def __init__(self, resolution: int) -> None:
        self.resolution = resolution
        self._unknown = 0
        self._cells = np.array([], np.uint64)
        self._counts = np.array([], np.int64)
        self._best = np.array([], np.float32)
        self._scored = False

    def add(self, values: pa.Array, scores: Scores) -> None:
        """See ``Tally``."""
        known = values.is_valid().to_numpy(zero_copy_only=False)
        cells = parents(values.drop_null().to_numpy(zero_copy_only=False), self.resolution)
        best = None if scores is None else scores[known]
        self.put(cells, np.ones(len(cells), np.int64), best, unknown=values.null_count)

    def put(self, cells: NDArray[np.uint64], counts: NDArray[np.int64], best: Scores, *, unknown: int) -> None:
        """Count ``counts[i]`` tiles of each of (n,) cells of ``resolution``, and those without one.

        Args:
            cells: Cells; one may come again.
            counts: Tiles in each.
            best: (n,) best of their scores; None where nothing was asked for.
            unknown: Tiles that have no cell.
        """
        self._unknown += unknown
        self._scored |= best is not None
        best = np.full(len(cells), -np.inf, np.float32) if best is None else best
        before, which = np.unique(np.concatenate([self._cells, cells]), return_inverse=True)
        sums, tops = np.zeros(len(before), np.int64), np.full(len(before), -np.inf, np.float32)
        np.add.at(sums, which, np.concatenate([self._counts, counts]))
        np.maximum.at(tops, which, np.concatenate([self._best, best]))
        self._cells, self._counts, self._best = before, sums, tops

    def result(self) -> Counted:
        """See ``Tally``.

        Raises:
            QueryError: Too many cells; the message names a resolution that would work.
        """
        if len(self._cells) > MAX_CELLS:
            raise QueryError(
                f"{len(self._cells):,} cells of resolution {self.resolution} are more than the {MAX_CELLS:,}"
                f" one answer holds; ask for resolution {self._coarser()}, or a smaller area"
            )
        rows = zip(self._cells.tolist(), self._counts.tolist(), self._best.tolist(), strict=True)
        entries = [
            {"cell": cell_text(cell), "count": count, "best": best if self._scored else None}
            for cell, count, best in rows
        ]
        return Counted(entries=entries, unknown=self._unknown)

    def _coarser(self) -> int:
        finer = range(self.resolution - 1, 0, -1)
        return next((size for size in finer if len(np.unique(parents(self._cells, size))) <= MAX_CELLS), 0)


def parents(cells: NDArray[np.uint64], resolution: int) -> NDArray[np.uint64]:
    """Return the (n,) H3 cells of a coarser resolution that hold these (n,) cells."""
    kept, added = parent_bits(resolution)
    found: NDArray[np.uint64] = cells & kept | added
    return found


def parent_bits(resolution: int) -> tuple[np.uint64, np.uint64]:
    """Return ``kept`` and ``added``: the cell of a coarser resolution that holds a cell is ``cell & kept | added``.

    Bits 52 to 55 are the resolution; below are 15 digits of 3 bits, all ones where finer than it
    (https://h3geo.org/docs/core-library/h3Indexing).
    """
    digits = (1 << 3 * (15 - resolution)) - 1
    return np.uint64(~(0xF << 52) & 0xFFFF_FFFF_FFFF_FFFF), np.uint64(resolution << 52 | digits)


class Names:
    """Tiles of each name in a column, the most frequent first, equal ones by name.

    Args:
        column: A column of texts.
    """

    def __init__(self, column: str) -> None:
        self.column = column
        self._unknown = 0
        self._counts: Counter[str] = Counter()

    def add(self, values: pa.Array, scores: Scores) -> None:
        """See ``Tally``."""
        known = values.drop_null().value_counts()
        self.put(known.field("values").to_pylist(), known.field("counts").to_pylist(), unknown=values.null_count)

    def put(self, names: Sequence[str], counts: Sequence[int], *, unknown: int) -> None:
        """Count ``counts[i]`` tiles of each of n names, and those without one."""
        self._unknown += unknown
        for name, count in zip(names, counts, strict=True):
            self._counts[name] += count

    def result(self) -> Counted:
        """See ``Tally``."""
        ranked = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        entries = [{"name": name, "count": count} for name, count in ranked[:MAX_NAMES]]
        rest = sum(count for _, count in ranked[MAX_NAMES:])
        return Counted(entries=entries, unknown=self._unknown, other=rest)


class Shares:
    """A histogram over a fraction: bins of equal width from 0 to 1, which lies in the last bin.

    Args:
        column: A column of fractions.
        bins: How many.
    """

    def __init__(self, column: str, bins: int) -> None:
        self.column = column
        self._bins = bins
        self._unknown = 0
        self.edges = np.arange(bins + 1) / bins
        self._counts = np.zeros(bins, np.int64)

    def add(self, values: pa.Array, scores: Scores) -> None:
        """See ``Tally``."""
        shares = pc.cast(values.drop_null(), pa.float64()).to_numpy(zero_copy_only=False)
        places = np.searchsorted(self.edges[1:-1], shares, side="right")
        self.put(np.bincount(places, minlength=self._bins), unknown=values.null_count)

    def put(self, counts: NDArray[np.int64], *, unknown: int) -> None:
        """Count ``counts[i]`` tiles in each of the (bins,) between ``edges``, and those without a value."""
        self._unknown += unknown
        self._counts += counts

    def result(self) -> Counted:
        """See ``Tally``."""
        bins = zip(self.edges[:-1].tolist(), self.edges[1:].tolist(), self._counts.tolist(), strict=True)
        entries = [{"start": start, "end": end, "count": count} for start, end, count in bins]
        return Counted(entries=entries, unknown=self._unknown)
