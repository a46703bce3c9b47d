"""What is asked of every shard alike, made ready once and only as far as a route needs it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cached_property
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

    def saw(self, scores: NDArray[np.float32]) -> None:
        """Take note of the best scores of a shard."""
        if len(scores) >= self.k:
            self.floor = max(self.floor, float(np.partition(scores, len(scores) - self.k)[len(scores) - self.k]))

    def wider(self, k: int) -> Query:
        """Return the same search for more rows."""
        other = copy(self)
        other.k = k
        return other

    @cached_property
    def prepared(self) -> Prepared:
        """The vector as kernels want it."""
        from retriever.engine._kernels import prepare  # imports numba

        return prepare(self.vector, self._shared, self._layout)
