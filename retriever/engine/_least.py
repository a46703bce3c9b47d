"""The least score that is good enough, found by asking: one comparison a row then tells, instead of a formula."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retriever._facets import Keeps

_LIMIT = 2.0
"""No score of unit vectors lies beyond it, whatever is lost in rounding."""

_STEPS = 512
"""Scores asked about at once: four rounds find one of the 2 billion float32 numbers between the limits."""


def least_scores(keeps: Keeps, names: Sequence[str], places: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return (n,) the least float32 score that is good enough for each of n sensors.

    Infinite where none is; minus infinite where all are. Only the sensors at ``places`` are asked about.

    Raises:
        QueryError: What is good enough is not known for one of them.
    """
    found = np.full(len(names), np.inf, dtype=np.float32)
    for place in places.tolist():
        found[place] = _least(keeps, names[place])
    return found


def _least(keeps: Keeps, name: str) -> np.float32:
    """The first number at which ``keeps`` turns true; bits of positive floats rise with them, of negative ones fall."""
    limit = int(np.float32(_LIMIT).view(np.int32))
    low, high = -limit, limit
    if not _kept(keeps, name, np.array([high])).any():
        return np.float32(np.inf)
    if _kept(keeps, name, np.array([low])).any():
        return np.float32(-np.inf)
    while high - low > 1:  # false at low, true at high
        asked = np.unique(np.linspace(low, high, _STEPS).astype(np.int64))
        first = int(np.argmax(_kept(keeps, name, asked)))
        low, high = int(asked[first - 1]), int(asked[first])
    return np.float32(_floats(np.array([high]))[0])


def _kept(keeps: Keeps, name: str, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    return keeps(_floats(numbers), pa.repeat(name, len(numbers)))


def _floats(numbers: NDArray[np.int64]) -> NDArray[np.float32]:
    """Whole numbers as the floats at that place in their order, 0 being 0."""
    size: NDArray[np.float32] = np.abs(numbers).astype(np.int32).view(np.float32)
    return np.where(numbers < 0, -size, size)
