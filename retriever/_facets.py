"""What the tiles that pass a request's filters are like: when, where, of which sensor, how cloudy.

Counts are exact and over all of them, not over the best k. Vectors are read only where scores are needed: for a least
score or probability, and for the best score of each cell. The table is read a batch at a time and each batch is
reduced at once, so memory grows with the number of different dates and cells, not with the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from core import CENTRE_RESOLUTION, QueryError
from indexer import vector_matrix
from retriever._expression import Expression
from retriever._facet_tallies import Cells, Counted, Names, Shares, Tally, Times
from retriever._passing import passing
from retriever._top_k import exact_scores, rounding_margin
from retriever._vector_index import Rows

MAX_BINS = 1000
"""Most bins of a histogram; a screen shows no more."""

DEFAULT_TIME_BINS = 60
DEFAULT_CLOUD_BINS = 10
DEFAULT_RESOLUTION = 3
"""H3 cells of about 12,400 km2 (https://h3geo.org/docs/core-library/restable): some hundreds on a continent."""

_NAMED = ("sensor", "collection", "label")

Keeps = Callable[[NDArray[np.float32], pa.Array], NDArray[np.bool_]]
"""(n,) scores and sensor names to (n,) whether a tile is good enough; never false again once the score rises."""


@dataclass(frozen=True, kw_only=True)
class FacetRequest:
    """What is to be counted; None and False leave a facet out."""

    time: int | None = None
    """Bins of equal length between the first and the last date, 1 to 1,000."""
    h3: int | None = None
    """Resolution of the cells, 0 to 12."""
    best: bool = True
    """Whether cells have the best of their scores, which reads the vectors of all tiles that are counted."""
    cloud: int | None = None
    """Bins of equal width between no cloud and nothing but cloud, 1 to 1,000."""
    sensor: bool = False
    """Tiles of each sensor."""
    collection: bool = False
    """Tiles of each collection."""
    label: bool = False
    """Tiles of each label."""

    def __post_init__(self) -> None:
        _check("time bins", self.time, 1, MAX_BINS)
        _check("cloud bins", self.cloud, 1, MAX_BINS)
        _check("h3 resolution", self.h3, 0, CENTRE_RESOLUTION)
        if not self.tallies():
            raise QueryError(f"nothing to count: name one or more of time, h3, cloud, {', '.join(_NAMED)}")

    def tallies(self) -> dict[str, Tally]:
        """Return what counts each facet, by its name."""
        found: dict[str, Tally] = {}
        if self.time is not None:
            found["time"] = Times(self.time)
        if self.h3 is not None:
            found["h3"] = Cells(self.h3)
        if self.cloud is not None:
            found["cloud"] = Shares("cloud", self.cloud)
        return found | {name: Names(name) for name in _NAMED if getattr(self, name)}


def _check(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise QueryError(f"{name} must be between {least} and {most:,}, got {value}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Scoring:
    """What tiles are scored against, and which scores are good enough."""

    vector: NDArray[np.float32]
    """(dim,) unit vector."""
    keeps: Keeps | None = None
    """None for every score."""


@dataclass(frozen=True, kw_only=True)
class Facets:
    """What was counted."""

    matched: int
    """Exact number of tiles that pass the filters and, where there is one, the least score or probability."""
    counted: Mapping[str, Counted]
    """By facet."""

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"matched", FACET: [...], "unknown": {FACET: n}, "other": {FACET: n}}`` as JSON values.

        Tiles without a date, place, cloud or label are counted in ``unknown``, those of names too rare to be listed in
        ``other``: each facet sums to ``matched`` with them.
        """
        facets = {name: found.entries for name, found in self.counted.items()}
        unknown = {name: found.unknown for name, found in self.counted.items() if found.unknown}
        other = {name: found.other for name, found in self.counted.items() if found.other}
        return {"matched": self.matched, **facets, "unknown": unknown, "other": other}


@runtime_checkable
class CountsFacets(Protocol):
    """Rows that count faster than by being read."""

    def count_facets(self, wanted: FacetRequest, where: Expression | None, scoring: Scoring | None) -> Facets:
        """Return what the function of that name returns for these rows; best scores may differ by rounding."""
        ...


def count_facets(rows: Rows, wanted: FacetRequest, where: Expression | None, scoring: Scoring | None) -> Facets:
    """Count the tiles that pass a filter.

    Args:
        rows: One version of the tile table.
        wanted: What is to be counted.
        where: A filter; None for all tiles.
        scoring: What to score tiles against; None reads no vectors.

    Raises:
        QueryError: More cells than one answer holds.
        StoreError: The index cannot be read.
    """
    if isinstance(rows, CountsFacets):
        return rows.count_facets(wanted, where, scoring)
    tallies = wanted.tallies()
    matched = tally_rows(rows, tallies, where, scoring)
    return Facets(matched=matched, counted={name: tally.result() for name, tally in tallies.items()})


def tally_rows(rows: Rows, tallies: Mapping[str, Tally], where: Expression | None, scoring: Scoring | None) -> int:
    """Feed the tiles that pass a filter to tallies by facet; return how many there are. See ``count_facets``."""
    matched, columns = 0, tuple(sorted({tally.column for tally in tallies.values()}))
    for batch, scores in _scored(rows, columns, where, scoring):
        matched += batch.num_rows
        for tally in tallies.values():
            tally.add(batch[tally.column], scores)
    return matched


def _scored(
    rows: Rows, columns: tuple[str, ...], where: Expression | None, scoring: Scoring | None
) -> Iterator[tuple[pa.RecordBatch, NDArray[np.float32] | None]]:
    """Yield the tiles to be counted, with their scores where there is a scoring."""
    if scoring is None:
        yield from ((batch, None) for batch in passing(rows, columns, where))
        return
    if scoring.keeps is not None:
        columns = tuple(sorted({*columns, "sensor"}))
    for batch in passing(rows, (*columns, "vector"), where):
        vectors = vector_matrix(batch["vector"])
        scores = vectors.astype(np.float32, copy=False) @ scoring.vector
        kept = _kept(scoring, scores, vectors, batch)
        yield batch.select(list(columns)).take(pa.array(kept)), np.clip(scores[kept], -1, 1)


def _kept(
    scoring: Scoring, scores: NDArray[np.float32], vectors: NDArray[np.floating[Any]], batch: pa.RecordBatch
) -> NDArray[np.int64]:
    """Rows whose score is good enough; those near the least one are scored again in full, as a search does."""
    if scoring.keeps is None:
        return np.arange(len(scores))
    margin = np.float32(rounding_margin(len(scoring.vector)))
    sure, maybe = scoring.keeps(scores - margin, batch["sensor"]), scoring.keeps(scores + margin, batch["sensor"])
    doubtful = np.flatnonzero(sure != maybe)
    scores[doubtful] = exact_scores(vectors[doubtful], scoring.vector)
    sure[doubtful] = scoring.keeps(scores[doubtful], batch["sensor"].take(pa.array(doubtful)))
    return np.flatnonzero(sure)
