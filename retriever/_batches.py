"""Requests that are looked up together: those with one filter share one pass over the index."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from retriever._expression import Expression
from retriever._question import Asked
from retriever._request import SearchRequest
from retriever._vector_index import SearchesArchive
from retriever._version import Version


@dataclass(frozen=True, kw_only=True, eq=False)
class _Batch:
    k: int
    exact: bool
    where: Expression | None
    index: SearchesArchive
    vectors: list[NDArray[np.float32]] = field(default_factory=list)


class Batches:
    """Requests to one version of an index, sorted by what they have in common.

    Args:
        version: What is searched.
    """

    def __init__(self, version: Version) -> None:
        self._version = version
        self._batches: list[_Batch] = []

    def add(self, request: SearchRequest, asked: Asked) -> None:
        """Put a request with its like."""
        batch = self._find(request, asked)
        if batch is None:
            index = self._version.index(exact=request.exact)
            batch = _Batch(k=request.k, exact=request.exact, where=asked.where, index=index)
            self._batches.append(batch)
        batch.vectors.append(asked.vector)

    def look_up(self) -> None:
        """Search for each batch at once.

        Raises:
            QueryError: A vector does not fit the index.
        """
        for batch in self._batches:
            if len(batch.vectors) > 1:
                batch.index.ahead(np.stack(batch.vectors), k=batch.k, where=batch.where)

    def index(self, request: SearchRequest, asked: Asked) -> SearchesArchive:
        """Return what answers a request, which was added."""
        batch = self._find(request, asked)
        return self._version.index(exact=request.exact) if batch is None else batch.index

    def _find(self, request: SearchRequest, asked: Asked) -> _Batch | None:
        key = (request.k, request.exact, asked.where)
        return next((batch for batch in self._batches if (batch.k, batch.exact, batch.where) == key), None)
