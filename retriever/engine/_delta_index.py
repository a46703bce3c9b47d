"""The flat index over newer rows: exact as every flat index, scored by the engine's kernels.

Ten thousand rows of 384 halves take 0.6 ms; NumPy, which multiplies no halves, takes eight times that.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retriever._expression import Expression
from retriever._top_k import TopK, exact_scores
from retriever._vector_index import Matches
from retriever.engine._delta import Delta
from retriever.engine._shortlist import margin_of, near_best


class DeltaIndex:
    """Searches rows in memory.

    Args:
        delta: The rows.
    """

    def __init__(self, delta: Delta) -> None:
        self._delta = delta

    def search(self, vector: NDArray[np.float32], *, k: int, where: Expression | None = None) -> Matches:
        """See ``SearchesVectors``."""
        rows = self._delta.passing(where)
        near = rows[near_best(self._rough(rows, vector), k, margin_of(vector))]
        best = TopK(vector, k)
        best.offer(pa.array(self._delta.row_ids[near]), self._names(near), self._delta.vectors[near])
        tile_ids, row_ids, scores = best.result()
        return Matches(tile_ids=tile_ids, row_ids=row_ids, scores=scores, matched=len(rows))

    def above(self, vector: NDArray[np.float32], *, least: float, where: Expression | None = None) -> Matches:
        """Return all rows that pass the filter and score at least ``least``, in no order of score."""
        rows = self._delta.passing(where)
        near = rows[self._rough(rows, vector) >= least - margin_of(vector)]
        scores = exact_scores(self._delta.vectors[near], vector)
        kept = near[scores >= least]
        return Matches(
            tile_ids=tuple(self._names(kept).to_pylist()),
            row_ids=self._delta.row_ids[kept],
            scores=scores[scores >= least],
            matched=len(rows),
        )

    def count(self, where: Expression | None = None) -> int:
        """Return how many rows pass a filter."""
        return len(self._delta.passing(where))

    def _rough(self, rows: NDArray[np.int32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
        from retriever.engine._kernels import score_matrix  # imports numba

        return score_matrix(self._delta.vectors, vector, rows)

    def _names(self, rows: NDArray[np.int32]) -> pa.Array:
        return self._delta.at(rows, ("tile_id",))["tile_id"].combine_chunks()
