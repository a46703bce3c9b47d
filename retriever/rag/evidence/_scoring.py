"""Phrases as directions: the score and the probability of any tile, as a search would give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retriever._calibration import Calibration, probabilities
from retriever._ranking import usable
from retriever._request import SearchRequest
from retriever._top_k import exact_scores
from retriever.rag._archive import Archive


@dataclass(frozen=True, kw_only=True, eq=False)
class Phrase:
    """Something to be found, as the encoder understands it."""

    text: str
    """As the plan says it."""
    vector: NDArray[np.float32]
    """(dim,) unit vector."""
    calibration: Calibration | None
    """How its scores become probabilities; None where they do not."""

    @property
    def threshold(self) -> float | None:
        """Probability from which a tile counts as showing it; None where the index knows none."""
        return None if self.calibration is None else self.calibration.threshold

    def scores(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the (n,) cosines of (n, dim) unit vectors."""
        return exact_scores(vectors, self.vector)

    def probabilities(self, scores: NDArray[np.float32], sensors: Sequence[str]) -> NDArray[np.float64]:
        """Return (n,) probabilities of the scores of tiles of these sensors; NaN where a sensor is not calibrated."""
        found = np.full(len(scores), np.nan)
        names = np.asarray(sensors, dtype=np.object_)
        for name in sorted(set(sensors)):
            line = None if self.calibration is None else self.calibration.line(name)
            if line is not None:
                own = names == name
                found[own] = probabilities(line.log_odds(scores[own], self.vector))
        return found

    def shows(self, vectors: NDArray[np.floating], sensors: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) whether tiles reach the threshold; false where there is none."""
        if self.threshold is None:
            return np.zeros(len(vectors), dtype=bool)
        # NaN is never great enough.
        reached: NDArray[np.bool_] = self.probabilities(self.scores(vectors), sensors) >= self.threshold
        return reached


def phrase_of(text: str, filters: SearchRequest, archive: Archive) -> Phrase:
    """Return a phrase as a search with these filters would put it.

    Raises:
        QueryError: The encoder understands no words, or the request insists on a calibration that is not there.
        SpaceMismatchError: The index was filled by another encoder.
    """
    request = worded(filters, text, k=1)
    asked = archive.searcher.asked(request, archive.rows)
    calibration, _ = usable(request, archive.searcher.calibration, archive.rows.space)
    known = calibration if calibration is not None and calibration.probabilistic else None
    return Phrase(text=text, vector=asked.vector, calibration=known)


def worded(filters: SearchRequest, text: str, *, k: int) -> SearchRequest:
    """Return filters as a search for a phrase.

    Raises:
        QueryError: The phrase is empty or too long.
    """
    return replace(filters, text=SearchRequest.build(text=text).text, k=k)
