"""Every tile that is good enough, a part at a time: memory stays at one part however many there are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import Hit, QueryError
from retriever._calibration import Calibration, SensorLine, probabilities
from retriever._every_files import EveryFormat, write_hits
from retriever._expression import Expression, of_each_sensor
from retriever._found import Found
from retriever._question import Asked
from retriever._ranking import Ranked
from retriever._request import SearchRequest
from retriever._vector_index import Matches, Rows, SearchesArchive

PART = 2_000
"""Most hits whose records are in memory: 10 MB."""

_SURE = 1 - 2**-53
"""The largest probability below 1: that of infinite odds is never reached."""

_SLACK = 1e-6
"""Scores this much below the least are looked at, so that rounding loses none; each is then judged by itself."""

Progress = Callable[[int, int], None]
"""Called with tiles looked at and tiles that pass the filters."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Every:
    """All tiles above a least score or probability, in no order of score; may be gone through several times."""

    request: SearchRequest
    """What was asked."""
    asked: Asked
    """What tiles are scored against, and which of them."""
    rows: Rows
    """The version of the index they are rows of."""
    index: SearchesArchive
    """Finds them."""
    calibration: Calibration | None
    """How scores are read; None where they are not."""
    remarks: tuple[str, ...]
    """What the user should know."""

    @property
    def why(self) -> Mapping[str, Any]:
        """How it is searched, as JSON values."""
        return self.asked.why

    def __iter__(self) -> Iterator[Hit]:
        """Yield the hits with their pictures; ``rank`` numbers them as they come.

        Raises:
            StoreError: The index cannot be read.
        """
        for found in self.parts():
            for hits in found.chunks(PART):
                yield from hits

    def parts(self, progress: Progress | None = None) -> Iterator[Found]:
        """Yield the hits a part at a time, before their records are read.

        Raises:
            QueryError: The calibration cannot read one of the sensors.
            StoreError: The index cannot be read.
        """
        total = self.index.count(self.asked.where) if progress else 0
        looked, given = 0, 0
        for ranked in self._ranked():
            looked += ranked.matches.matched
            if progress:
                progress(looked, total)
            if len(ranked.matches.row_ids):
                yield Found(ranked=ranked, rows=self.rows, why=self.why, remarks=self.remarks, before=given)
                given += len(ranked.matches.row_ids)

    def write(self, path: str | Path, format: EveryFormat | None = None, progress: Progress | None = None) -> int:  # noqa: A002  # the name of the option
        """Write them to a file, without their pictures; return how many there were.

        Args:
            path: The file; it appears when it is complete.
            format: One of parquet, geojsonl and csv; None goes by the file's suffix.
            progress: Called with tiles looked at and tiles that pass the filters.

        Raises:
            InputError: An unknown format.
            StoreError: The file cannot be written or the index cannot be read.
        """
        groups = (hits for found in self.parts(progress) for hits in found.chunks(PART, previews=False))
        return write_hits(groups, Path(path), format)

    def _ranked(self) -> Iterator[Ranked]:
        least = -1.0 - _SLACK if self.request.min_score is None else self.request.min_score
        if self.calibration is None:
            for matches in self.index.every(self.asked.vector, least=least, where=self.asked.where):
                yield Ranked(matches=matches, probabilities=None, why={}, remarks=())
            return
        sensors = of_each_sensor(self.index.sensors(self.asked.where), self.asked.where)
        lines = {name: self._line(name, self.calibration) for name in sensors}
        for name, where in sensors.items():
            yield from self._of_sensor(lines[name], where, least)

    def _line(self, name: str, calibration: Calibration) -> SensorLine | None:
        line = calibration.line(name)
        if line is None and self.request.min_probability is not None:
            raise QueryError(f"the calibration says nothing about {name}; make it anew: swath calibrate INDEX")
        return line

    def _of_sensor(self, line: SensorLine | None, where: Expression | None, least: float) -> Iterator[Ranked]:
        vector, sure = self.asked.vector, self.request.min_probability or 0.0
        if line is not None:
            least = max(least, _least_score(line, sure, vector))
        for matches in self.index.every(vector, least=least, where=where):
            if line is None or self.calibration is None or not self.calibration.probabilistic:
                yield Ranked(matches=matches, probabilities=None, why={}, remarks=())
                continue
            chances = probabilities(line.log_odds(matches.scores, vector))
            kept = chances >= sure
            yield Ranked(matches=_those(matches, kept), probabilities=chances[kept], why={}, remarks=())


def _least_score(line: SensorLine, probability: float, vector: NDArray[np.float32]) -> float:
    """A little below the score at which a line reaches a probability."""
    if probability <= 0 or line.slope <= 0:
        return -math.inf
    chance = min(probability, _SURE)
    at_zero = float(line.log_odds(np.zeros(1), vector)[0])
    return (math.log(chance) - math.log1p(-chance) - at_zero) / line.slope - _SLACK


def _those(found: Matches, kept: NDArray[np.bool_]) -> Matches:
    if kept.all():
        return found
    places = np.flatnonzero(kept)
    ids = tuple(found.tile_ids[place] for place in places)
    return replace(found, tile_ids=ids, row_ids=found.row_ids[kept], scores=found.scores[kept])
