"""What is asked: every query at every selectivity of three families of filters, and the exact answers.

A filter of selectivity s lets exactly a share s of the rows through, up to rows at the same place or second. The exact
answers come from a brute-force float32 product of all queries with all rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine._archive import QUERIES, SEED, Archive, QueryKind, kind_of

Family = Literal["none", "geo", "time", "mixed"]

FAMILIES: tuple[Family, ...] = ("geo", "time", "mixed")
"""A bounding box; a span of time; a bounding box, a span of time and a sensor."""

SHARES = (0.5, 0.1, 0.01, 0.001, 0.0001)
"""Of the rows that pass."""

POINTS: tuple[tuple[Family, float], ...] = (("none", 1.0), *product(FAMILIES, SHARES))
"""Where engines are measured."""

SENSOR = 1
"""Which sensor the mixed filters ask for: the common one, so that half of the rows can pass."""

DEPTH = 100
"""Best rows that are known of each question."""

AT_ONCE = 20
"""Queries whose scores with all rows are in memory at once: 80 MB at a million rows."""

ROWS_AT_ONCE = 50_000

WIDE = 4e-5
"""Degrees between an edge of a box and the rows beside it, twice: more than what float32 rounds a longitude by, so
that no engine's rounding decides whether a row is in."""

NEAR = 0.03
"""Degrees in which a WIDE gap is looked for."""

Box = tuple[float, float, float, float]
"""west, south, east, north in degrees."""

Span = tuple[int, int]
"""First and last second since 1970, both included."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a row must be; None where it does not matter."""

    box: Box | None = None
    """Where."""
    span: Span | None = None
    """When."""
    sensor: int | None = None
    """Place in SENSORS."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """One query under one filter."""

    query: int
    """Number of the query."""
    family: Family
    """Which kind of filter."""
    share: float
    """Which selectivity was meant."""
    where: Filter | None
    """The filter; None without one."""
    matched: int = 0
    """Rows that pass."""
    best: tuple[int, ...] = ()
    """The DEPTH best of them, or all where they are fewer, best first."""

    @property
    def kind(self) -> QueryKind:
        """Whether the query is image-like or text-like."""
        return kind_of(self.query)


def make_questions(archive: Archive, path: Path) -> None:
    """Write all questions and their answers to a file."""
    draw = _Draw(archive=archive, times=np.sort(archive.seconds), rng=np.random.default_rng([SEED, 2]))
    asked = [draw.question(query, *point) for point in POINTS for query in range(len(archive.queries))]
    starts = range(0, len(archive.queries), AT_ONCE)
    _write(path, [answer for start in starts for answer in _answer(archive, asked, start)])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Draw:
    """Draws filters."""

    archive: Archive
    times: NDArray[np.int64]
    """Its seconds, rising."""
    rng: np.random.Generator

    def question(self, query: int, family: Family, share: float) -> Question:
        """A query under a filter that lets about this share of the rows through."""
        count = max(1, round(share * self.archive.rows))
        return Question(query=query, family=family, share=share, where=self._filter(query, family, count))

    def _filter(self, query: int, family: Family, count: int) -> Filter | None:
        match family:
            case "none":
                return None
            case "geo":
                return Filter(box=_box(self.archive, np.arange(self.archive.rows), self._centre(query), count))
            case "time":
                return Filter(span=self._span(count))
            case "mixed":
                return self._mixed(self._centre(query), count)

    def _mixed(self, centre: tuple[float, float], count: int) -> Filter:
        """Time and place each take about the same share of the rows of the sensor."""
        of_sensor = int(np.count_nonzero(self.archive.sensor == SENSOR))
        in_time = min(0.98, max(0.01, (count / of_sensor) ** 0.5))
        span = self._span(max(1, round(in_time * self.archive.rows)))
        rows = np.flatnonzero(passing(self.archive, Filter(span=span, sensor=SENSOR)))
        return Filter(box=_box(self.archive, rows, centre, min(count, len(rows))), span=span, sensor=SENSOR)

    def _centre(self, query: int) -> tuple[float, float]:
        """lon, lat: every second image-like query asks round its own place, the others round a tile's."""
        row = int(self.rng.integers(0, self.archive.rows))
        if query < QUERIES and query % 2 == 0:
            lon, lat = self.archive.query_places[query]
            return float(lon), float(lat)
        return float(self.archive.lon[row]), float(self.archive.lat[row])

    def _span(self, count: int) -> Span:
        first = int(self.rng.integers(0, len(self.times) - count + 1))
        return int(self.times[first]), int(self.times[first + count - 1])


def _box(archive: Archive, rows: NDArray[np.int64], centre: tuple[float, float], count: int) -> Box:
    """A box, about square on the ground, that holds the ``count`` of these rows that are nearest to its centre."""
    lon, lat = centre
    narrow = max(0.2, float(np.cos(np.radians(lat))))
    reach = np.maximum(np.abs(archive.lat[rows] - lat), np.abs(archive.lon[rows] - lon) * narrow)
    half = _between(reach, count)
    west, east = max(-180.0, lon - half / narrow), min(180.0, lon + half / narrow)
    return west, max(-90.0, lat - half), east, min(90.0, lat + half)


def _between(reach: NDArray[np.float64], count: int) -> float:
    """A number that ``count`` of these lie below, or some more: it lies in the middle of the next gap that is WIDE."""
    last = float(np.partition(reach, count - 1)[count - 1])
    near = np.sort(reach[(reach >= last) & (reach <= last + NEAR)])
    gaps = np.flatnonzero(np.diff(near) > WIDE)
    return last + NEAR if not len(gaps) else float(near[gaps[0]] + near[gaps[0] + 1]) / 2


def passing(archive: Archive, where: Filter) -> NDArray[np.bool_]:
    """Return (rows,) whether each row passes."""
    mask = np.ones(archive.rows, bool)
    if where.box is not None:
        west, south, east, north = where.box
        mask &= (archive.lon >= west) & (archive.lon <= east) & (archive.lat >= south) & (archive.lat <= north)
    if where.span is not None:
        mask &= (archive.seconds >= where.span[0]) & (archive.seconds <= where.span[1])
    if where.sensor is not None:
        mask &= archive.sensor == where.sensor
    return mask


def _answer(archive: Archive, asked: Sequence[Question], start: int) -> Iterator[Question]:
    """The questions of AT_ONCE queries, with their answers."""
    queries = archive.queries[start : start + AT_ONCE]
    scores = np.concatenate([queries @ rows.T for rows in _blocks(archive)], axis=1)
    for question in asked:
        if start <= question.query < start + len(queries):
            yield _answered(archive, question, scores[question.query - start])


def _blocks(archive: Archive) -> Iterator[NDArray[np.float32]]:
    for start in range(0, archive.rows, ROWS_AT_ONCE):
        yield archive.vectors[start : start + ROWS_AT_ONCE]


def _answered(archive: Archive, question: Question, scores: NDArray[np.float32]) -> Question:
    rows = np.arange(archive.rows) if question.where is None else np.flatnonzero(passing(archive, question.where))
    found = scores[rows]
    count = min(DEPTH, len(rows))
    best = np.argpartition(-found, count - 1)[:count]
    ranked = rows[best[np.argsort(-found[best], kind="stable")]]
    return Question(
        query=question.query,
        family=question.family,
        share=question.share,
        where=question.where,
        matched=len(rows),
        best=tuple(map(int, ranked)),
    )


def _write(path: Path, questions: Sequence[Question]) -> None:
    filters = [question.where or Filter() for question in questions]
    nowhere = (np.nan,) * 4
    best = np.full((len(questions), DEPTH), -1, np.int32)
    for line, question in zip(best, questions, strict=True):
        line[: len(question.best)] = question.best
    with path.open("wb") as file:
        np.savez(
            file,
            query=[question.query for question in questions],
            family=[question.family for question in questions],
            share=[question.share for question in questions],
            matched=[question.matched for question in questions],
            box=[where.box or nowhere for where in filters],
            span=[where.span or (0, 0) for where in filters],
            sensor=[-1 if where.sensor is None else where.sensor for where in filters],
            best=best,
        )


def read_questions(path: Path) -> list[Question]:
    """Return the questions of a file, point by point in the order of POINTS."""
    with np.load(path) as file:
        columns = {name: file[name].tolist() for name in file.files}
    lines = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    questions = [_read(line) for line in lines]
    return sorted(questions, key=lambda question: (POINTS.index((question.family, question.share)), question.query))


def _read(line: dict[str, object]) -> Question:
    box, span, sensor, best = line["box"], line["span"], line["sensor"], line.pop("best")
    where = Filter(
        box=None if box[0] != box[0] else tuple(box),  # type: ignore[index,arg-type]  # a list of numbers, as written
        span=tuple(span) if any(span) else None,  # type: ignore[arg-type]
        sensor=None if sensor == -1 else sensor,  # type: ignore[arg-type]
    )
    known = {name: line[name] for name in ("query", "family", "share", "matched")}
    found = tuple(row for row in best if row >= 0)  # type: ignore[attr-defined]
    return Question(**known, where=None if where == Filter() else where, best=found)  # type: ignore[arg-type]
