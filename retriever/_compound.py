"""The algebra of a query: several directions added with weights, then moved by marked tiles.

Terms. Each term i has a unit vector u_i and a weight w_i; the query is their weighted sum at unit length,

    q = unit( sum_i w_i u_i / sum_i |w_i| ),

so that only the proportions of the weights count, and a negative weight turns a term's direction round.

Marks. Tiles marked as right (R) or wrong (N) move the query towards the mean of the right ones and away from the mean
of the wrong ones, as J. J. Rocchio wrote it in 1971:

    q' = unit( alpha q + beta / |R| sum_{r in R} r - gamma / |N| sum_{n in N} n ).

What is not there (no query, no R, no N) leaves its summand out; one kind of mark alone is a query by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core import QueryError
from retriever._checks import unit

# Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 9.1.1:
# "Reasonable values might be alpha = 1, beta = 0.75, and gamma = 0.15."
# https://nlp.stanford.edu/IR-book/html/htmledition/the-rocchio71-algorithm-1.html
ALPHA = 1.0
BETA = 0.75
GAMMA = 0.15

Vector = NDArray[np.float32]
"""(dim,)"""


def weighted_sum(vectors: Sequence[Vector], weights: Sequence[float]) -> Vector:
    """Return the (dim,) unit vector of a weighted sum of n unit vectors.

    Raises:
        QueryError: They cancel out.
    """
    total = sum(map(abs, weights))
    found = sum((weight / total) * vector.astype(np.float64) for vector, weight in zip(vectors, weights, strict=True))
    return unit(_not_cancelled(np.asarray(found), "the terms of the query"), "query's vector")


def refined(query: Vector | None, plus: NDArray[np.floating], minus: NDArray[np.floating]) -> Vector:
    """Return the (dim,) unit vector of a query moved by marks.

    Args:
        query: (dim,) unit vector; None where there are only marks.
        plus: (n, dim) unit vectors of tiles marked as right; n may be 0.
        minus: (m, dim) unit vectors of tiles marked as wrong; m may be 0.

    Raises:
        QueryError: They cancel out.
    """
    found = np.zeros(plus.shape[1]) if query is None else ALPHA * query.astype(np.float64)
    for factor, marked in ((BETA, plus), (-GAMMA, minus)):
        if len(marked):
            found = found + factor * marked.astype(np.float64).mean(axis=0)
    return unit(_not_cancelled(found, "the query and the marked tiles"), "query's vector")


# Two float32 unit vectors that cancel leave about 1e-7 in each of some hundred numbers.
_CANCELLED = 1e-5


def _not_cancelled(vector: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    if float(np.linalg.norm(vector)) < _CANCELLED:
        raise QueryError(f"{name} cancel out, and no direction is left; change a weight or take one away")
    return vector
