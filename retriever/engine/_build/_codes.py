"""Vectors to codes and the nearest list, with as many threads as there are processors."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retriever.engine._build._lists import Nearest
from retriever.engine._shard import Shared

_AT_ONCE = 8_192
"""Rows a thread codes at once: 13 MB of 384-d float32."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Coded:
    """n rows; see the arrays of the same names in Shard."""

    codes: NDArray[np.uint64]
    """(n, words), not interleaved."""
    factors: NDArray[np.float32]
    """(n,)"""
    offsets: NDArray[np.float32]
    """(n,)"""
    ones: NDArray[np.uint16]
    """(n,)"""
    list_of: NDArray[np.uint16]
    """(n,)"""


class Coder:
    """Codes vectors by the centroids and the rotation of a snapshot.

    Args:
        shared: Of the snapshot.
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._nearest = Nearest(shared.centroids)
        self._pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None)

    def code(self, vectors: NDArray[Any]) -> Coded:
        """Return the codes of (n, dim) vectors."""
        parts = [vectors[start : start + _AT_ONCE] for start in range(0, len(vectors), _AT_ONCE)]
        coded = list(self._pool.map(self._part, parts))
        names = ("codes", "factors", "offsets", "ones", "list_of")
        return Coded(**{name: np.concatenate([getattr(part, name) for part in coded]) for name in names})

    def _part(self, vectors: NDArray[Any]) -> Coded:
        from retriever.engine._kernels import encode
        from retriever.engine._kernels._widen import widened

        wide = widened(vectors)
        list_of = self._nearest.of(wide)
        codes, factors, offsets, ones = encode(wide, list_of, self._shared)
        return Coded(codes=codes, factors=factors, offsets=offsets, ones=ones, list_of=list_of)
