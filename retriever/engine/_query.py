"""What is asked of every shard alike, made ready once and only as far as a route needs it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retriever.engine._layout import Layout
from retriever.engine._shard import Shared
from retriever.engine._shortlist import margin_of
from retriever.engine._sieve import Sieve

if TYPE_CHECKING:
    from retriever.engine._kernels import Prepared
    from retriever.engine._planner import Outlook
    from retriever.engine._shard import Shard


class Query:
    """One search.

    Args:
        vector: (dim,).
        k: Rows wanted.
        sieve: The filter.
        layout: Of the snapshot.
        shared: What its shards share.
        outlook: Says what a filter says of a shard.
    """

    def __init__(
        self,
        vector: NDArray[np.float32],
        *,
        k: int,
        sieve: Sieve,
        layout: Layout,
        shared: Shared,
        outlook: Callable[[Sieve, Shard], Outlook],
    ) -> None:
        self.vector = vector
        self.k = k
        self.sieve = sieve
        self.lists = layout.lists
        self.outlook = outlook
        self.margin = margin_of(vector)
        self.floor = -np.inf
        """Score of the k-th best row of the shards that were searched; rows below it are of no use."""
        self.doubt = layout.costs.get("doubt", 3.0)
        """Standard deviations by which estimates are doubted."""
        self._layout = layout
        self._shared = shared
        self._prepared: Prepared | None = None
        self._best = np.empty(0, np.float32)

    def saw(self, scores: NDArray[np.float32]) -> None:
        """Take note of the best scores of a shard."""
        best = np.concatenate([self._best, scores])
        if len(best) >= self.k:
            best = np.partition(best, len(best) - self.k)[len(best) - self.k :]
            self.floor = float(best[0])
        self._best = best

    def wider(self, k: int) -> Query:
        """Return the same search for more rows."""
        _ = self.prepared  # once for both
        other = copy(self)
        other.k = k
        return other

    @property
    def prepared(self) -> Prepared:
        """The vector as kernels want it; ``cached_property`` of Python 3.11 would let in one thread at a time."""
        if self._prepared is None:
            from retriever.engine._kernels import prepare  # imports numba

            self._prepared = prepare(self.vector, self._shared, self._layout)
        return self._prepared
