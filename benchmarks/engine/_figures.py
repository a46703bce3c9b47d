"""What was measured, gathered from the result files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.engine._archive import QUERY_KINDS
from benchmarks.engine._peer import ENTRIES
from benchmarks.engine._questions import Family
from benchmarks.engine._work import Work

Point = tuple[Family, float]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What an engine does at a point."""

    recall: float
    """Mean share of the true best rows that it found."""
    median: float
    """Seconds."""
    p99: float
    """Seconds."""
    asked: int
    """Questions that were timed."""
    short: int
    """Questions that were answered with fewer rows than pass the filter and were asked for."""


class Figures:
    """All that was measured in one folder.

    Args:
        work: Where.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        table = pq.read_table(work.results / "answers.parquet")
        self._columns: dict[str, NDArray[Any]] = {name: table[name].to_numpy() for name in table.column_names}
        self._known: dict[tuple[Any, ...], Figure | None] = {}

    @cached_property
    def peers(self) -> list[str]:
        """Names of those that were asked, in the order of ENTRIES."""
        asked = set(self._columns["peer"])
        return [name for name in ENTRIES if name in asked]

    @cached_property
    def cold(self) -> dict[str, Any]:
        """Cold openings by peer."""
        found: dict[str, Any] = self.work.read_if_there("cold")
        return found

    @cached_property
    def throughput(self) -> dict[str, dict[str, float]]:
        """Answers a second by peer, and by kind of question and number of threads."""
        found: dict[str, dict[str, float]] = self.work.read_if_there("throughput")
        return found

    @cached_property
    def machine(self) -> dict[str, Any]:
        """What it was measured on."""
        found: dict[str, Any] = self.work.read_if_there("machine")
        return found

    @cached_property
    def size(self) -> tuple[int, int]:
        """Rows and dimension."""
        archive = self.work.archive()
        return archive.rows, archive.dim

    def at(self, peer: str, point: Point, k: int, kind: str | None = None) -> Figure | None:
        """Return a figure, of both kinds of query unless one is named; None where it was not measured."""
        key = (peer, point, k, kind)
        if key not in self._known:
            self._known[key] = self._figure(peer, point, k, kind)
        return self._known[key]

    def _figure(self, peer: str, point: Point, k: int, kind: str | None) -> Figure | None:
        columns = self._columns
        chosen = (columns["peer"] == peer) & (columns["k"] == k)
        chosen &= (columns["family"] == point[0]) & (columns["share"] == point[1])
        if kind is not None:
            chosen &= columns["kind"] == kind
        if not chosen.any():
            return None
        seconds = columns["seconds"][chosen]
        found, wanted, returned = (columns[name][chosen] for name in ("found", "wanted", "returned"))
        return Figure(
            recall=float((found / wanted).mean()),
            median=float(np.median(seconds)),
            p99=float(np.quantile(seconds, 0.99)),
            asked=len(seconds),
            short=int((returned < wanted).sum()),
        )

    def every(self, peer: str, points: tuple[Point, ...], k: int) -> Iterator[tuple[Point, str, Figure]]:
        """Yield the figures of an engine at some points, image-like and text-like queries separately."""
        for point in points:
            for kind in QUERY_KINDS:
                found = self.at(peer, point, k, kind)
                if found is not None:
                    yield point, kind, found
