"""One list from the lists of several sensors, by calibrated probability.

Each sensor's line rises with the score, so the k best of all tiles are among the k best of each sensor: the lists are
exact, filters come first as ever, and merging them loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core import InputError, QueryError, StoreError, VectorSpace
from embeddings import prompt_style
from retriever._calibration import Calibration, probabilities
from retriever._expression import Expression
from retriever._request import SearchRequest
from retriever._vector_index import Matches, SearchesArchive

CalibrationSource = Calibration | Callable[[], Calibration | None] | None
"""A calibration, or what reads the one of an index each time it is needed."""

_Entry = tuple[float, float, str, int]
"""Log odds and score, both turned round so that the best sorts first; tile id; row id."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """Matches, each with its probability where there is one."""

    matches: Matches
    """Best first: by log odds, then score, then rising tile id."""
    probabilities: NDArray[np.float64] | None
    """(n,); None where nothing is calibrated, or only the order is."""
    why: Mapping[str, Any]
    """Which calibration was used and what it says, as JSON values."""
    remarks: tuple[str, ...]
    """What the user should know."""


def rank(
    index: SearchesArchive,
    request: SearchRequest,
    vector: NDArray[np.float32],
    source: CalibrationSource,
    space: VectorSpace,
    *,
    where: Expression | None,
) -> Ranked:
    """Return the k best rows that pass a filter, by probability where the index is calibrated.

    Args:
        index: What is searched.
        request: Says how many rows, and how good they must be.
        vector: (dim,) unit vector.
        source: How scores are read.
        space: What the index's vectors are.
        where: The filter; None for all rows.

    Raises:
        QueryError: The request insists on a calibration that is not there or does not fit.
    """
    calibration, remarks = usable(request, source, space)
    if calibration is None:
        return _by_score(index, request, vector, remarks, where)
    sensors = index.search_each(vector, k=request.k, where=where)
    sensors = {name: _scored(found, request.min_score) for name, found in sensors.items()}
    if unread := uncalibrated(sensors, calibration):
        reason = f"the calibration says nothing about {', '.join(unread)}; make it anew: swath calibrate INDEX"
        return _by_score(index, request, vector, _insist(request, reason), where)
    found = merged(sensors, calibration, vector, k=request.k)
    return _judged(replace(found, remarks=remarks), request, calibration)


def _by_score(
    index: SearchesArchive,
    request: SearchRequest,
    vector: NDArray[np.float32],
    remarks: tuple[str, ...],
    where: Expression | None,
) -> Ranked:
    matches = index.search(vector, k=request.k, where=where)
    return Ranked(matches=_scored(matches, request.min_score), probabilities=None, why={}, remarks=remarks)


def _scored(found: Matches, least: float | None) -> Matches:
    """Leave out what scores too low; scores fall, so it is the end of the list."""
    return found if least is None else _first(found, int((found.scores >= least).sum()))


def _first(found: Matches, count: int) -> Matches:
    kept = slice(count)
    return replace(found, tile_ids=found.tile_ids[kept], row_ids=found.row_ids[kept], scores=found.scores[kept])


def usable(
    request: SearchRequest, source: CalibrationSource, space: VectorSpace
) -> tuple[Calibration | None, tuple[str, ...]]:
    """Return the calibration to rank by, if any, and what is to be said about it.

    Raises:
        QueryError: The request insists on a calibration that is not there or does not fit.
    """
    if not request.in_words or request.calibrated == "off":
        return None, ()
    try:
        found = source() if callable(source) else source
    except (InputError, StoreError) as error:
        return None, _insist(request, str(error))
    if found is None:
        _insist(request, "the index has no calibration; make one: swath calibrate INDEX")
        return None, ()
    if found.space != space:
        reason = f"it was fitted for {found.space}, the index holds {space}; make it anew: swath calibrate INDEX"
        return None, _insist(request, reason)
    if request.min_probability is not None and not found.probabilistic:
        raise QueryError(
            "min_probability needs a calibration with labels, and this one has none;"
            " fit one: swath calibrate INDEX --from labels"
        )
    style = prompt_style(space.encoder)
    as_typed = request.prompts == "off" and style.templates == ("{}",) and not style.lower
    own = request.prompts == "auto" or as_typed
    return found, () if own else ("probabilities were fitted with the encoder's own prompts",)


def _insist(request: SearchRequest, reason: str) -> tuple[str, ...]:
    """Return the reason as a remark, or raise it where the request cannot do without."""
    if request.calibrated == "on" or request.min_probability is not None:
        raise QueryError(reason)
    return (f"ranked by score, not calibrated: {reason}",)


def _judged(found: Ranked, request: SearchRequest, calibration: Calibration) -> Ranked:
    """Leave out what is too improbable, and say so where nothing seems to match."""
    why: dict[str, Any] = {"method": calibration.method, "fitted_on": calibration.source}
    if found.probabilities is None or not len(found.probabilities):
        return replace(found, why=why)
    best = float(found.probabilities[0])
    least = calibration.threshold if request.min_probability is None else request.min_probability
    why |= {"threshold": calibration.threshold, "best_probability": best, "best_score": float(found.matches.scores[0])}
    remarks = found.remarks
    if least is not None and best < least:
        remarks = (*remarks, _nothing(found, best, least, sure=request.min_probability is not None))
    kept = int((found.probabilities >= (request.min_probability or 0.0)).sum())
    return replace(
        found, matches=_first(found.matches, kept), probabilities=found.probabilities[:kept], why=why, remarks=remarks
    )


def _nothing(found: Ranked, best: float, least: float, *, sure: bool) -> str:
    says = "nothing here matches" if sure else "probably nothing here matches"
    return (
        f"{says}: the best of {found.matches.matched:,} tiles has probability {best:.2g}"
        f" (score {float(found.matches.scores[0]):.3f}), below {least:.2g}"
    )


def uncalibrated(sensors: Mapping[str, Matches], calibration: Calibration) -> tuple[str, ...]:
    """Return the sensors among these whose scores the calibration cannot read."""
    return tuple(name for name in sensors if calibration.line(name) is None)


def merged(sensors: Mapping[str, Matches], calibration: Calibration, vector: NDArray[np.float32], *, k: int) -> Ranked:
    """Merge the k best of each sensor into the k best of all.

    Args:
        sensors: What ``search_each`` found for ``k``.
        calibration: Must read every one of the sensors.
        vector: (dim,) unit vector of the query.
        k: Most matches.

    Raises:
        QueryError: A sensor cannot be read.
    """
    entries: list[_Entry] = []
    for name, found in sensors.items():
        line = calibration.line(name)
        if line is None:
            raise QueryError(f"the calibration says nothing about {name}; make it anew: swath calibrate INDEX")
        odds = line.log_odds(found.scores, vector)
        columns = ((-odds).tolist(), (-found.scores).tolist(), found.tile_ids, found.row_ids.tolist())
        entries += zip(*columns, strict=True)
    best = sorted(entries)[:k]
    matches = Matches(
        tile_ids=tuple(tile_id for *_, tile_id, _ in best),
        row_ids=np.array([row_id for *_, row_id in best], dtype=np.uint64),
        scores=np.array([-score for _, score, *_ in best], dtype=np.float32),
        matched=sum(found.matched for found in sensors.values()),
    )
    chances = probabilities(np.array([-odds for odds, *_ in best], dtype=np.float64))
    return Ranked(matches=matches, probabilities=chances if calibration.probabilistic else None, why={}, remarks=())
