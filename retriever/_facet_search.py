"""Facets of a request: the tiles that a search would count as matched, or those it would find good enough."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from core import QueryError
from retriever._calibration import Calibration, probabilities
from retriever._expression import Expression
from retriever._facets import FacetRequest, Facets, Keeps, Scoring, count_facets
from retriever._ranking import usable
from retriever._request import SearchRequest
from retriever._search import Searcher, check_names
from retriever._vector_index import Rows


def filters_only(**filters: Any) -> SearchRequest:
    """Return a checked request that looks for nothing: all tiles that pass its filters.

    Args:
        **filters: What ``SearchRequest.build`` takes, without a question.

    Raises:
        QueryError: A filter is wrong.
    """
    return replace(SearchRequest.build(vector=(1.0,), **filters), vector=None)


def filters_given(**filters: Any) -> SearchRequest | None:
    """Return `filters_only` of those that are not None; None where there are none.

    Raises:
        QueryError: A filter is wrong.
    """
    given = {name: value for name, value in filters.items() if value is not None}
    return filters_only(**given) if given else None


def facets(searcher: Searcher, request: SearchRequest, wanted: FacetRequest, rows: Rows | None = None) -> Facets:
    """Count the tiles that pass a request's filters and its least score and probability.

    Args:
        searcher: Of the index.
        request: What is asked; of ``filters_only`` too. Its ``k`` does not matter.
        wanted: What is counted.
        rows: The version of the index to count in; None is the newest.

    Raises:
        TileNotFoundError: A tile that is named is not in the index.
        QueryError: The request does not fit the index or its encoder, or an answer would hold too many cells.
        SpaceMismatchError: The index was filled by another encoder.
    """
    rows = searcher.version(rows).rows
    where, scoring = _read(searcher, request, wanted, rows)
    found = count_facets(rows, wanted, where, scoring)
    if not found.matched:
        check_names(request, rows)
    return found


def _read(
    searcher: Searcher, request: SearchRequest, wanted: FacetRequest, rows: Rows
) -> tuple[Expression | None, Scoring | None]:
    """Return the filter, and what tiles are scored against where scores are needed."""
    limited = request.min_score is not None or request.min_probability is not None
    if not _asks(request):
        if limited:
            raise QueryError("min_score and min_probability need something to search for: text, like, vector or query")
        return request.where(), None
    scored = limited or (wanted.h3 is not None and wanted.best)
    if not scored and not _names_tiles(request):
        return request.where(), None
    asked = searcher.asked(request, rows)
    if not scored:
        return asked.where, None
    return asked.where, Scoring(vector=asked.vector, keeps=_keeps(searcher, request, asked.vector, rows))


def _names_tiles(request: SearchRequest) -> bool:
    """Whether tiles must be looked up: they may not be there, and those that stand for a point are left out."""
    looked_up = any(term.like is not None or term.point is not None for term in request.query)
    return looked_up or request.like is not None or bool(request.plus or request.minus)


def _asks(request: SearchRequest) -> bool:
    alone = (request.text, request.image, request.like, request.vector)
    return any(value is not None for value in alone) or bool(request.query or request.plus or request.minus)


def _keeps(searcher: Searcher, request: SearchRequest, vector: NDArray[np.float32], rows: Rows) -> Keeps | None:
    calibration = None
    if request.min_probability is not None:
        calibration, _ = usable(request, searcher.calibration, rows.space)
    if request.min_score is None and calibration is None:
        return None
    return _GoodEnough(
        vector=vector,
        score=-np.inf if request.min_score is None else request.min_score,
        probability=request.min_probability or 0.0,
        calibration=calibration,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _GoodEnough:
    vector: NDArray[np.float32]
    score: float
    probability: float
    calibration: Calibration | None

    def __call__(self, scores: NDArray[np.float32], sensors: pa.Array) -> NDArray[np.bool_]:
        kept: NDArray[np.bool_] = scores >= self.score
        if self.calibration is None:
            return kept
        for name in pc.unique(sensors).to_pylist():
            line = self.calibration.line(name)
            if line is None:
                raise QueryError(f"the calibration says nothing about {name}; make it anew: swath calibrate INDEX")
            own = pc.equal(sensors, name).to_numpy(zero_copy_only=False)
            kept[own] &= probabilities(line.log_odds(scores[own], self.vector)) >= self.probability
        return kept
