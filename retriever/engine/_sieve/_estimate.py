"""How many rows pass, before any row is looked at."""

from __future__ import annotations

from retriever.engine._layout import UNDATED, ShardEntry
from retriever.engine._shard import Shard
from retriever.engine._sieve._model import LATEST, Estimate, ListTest, Sieve


def may_match(sieve: Sieve, entry: ShardEntry) -> bool:
    """Return whether a shard that is not opened yet may hold a row that passes."""
    return not sieve.never and entry.rows > 0


def estimate(sieve: Sieve, shard: Shard) -> Estimate:
    """Return how many rows of a shard pass, from its zones."""
    if sieve.everything:
        return Estimate(low=shard.rows, likely=shard.rows, high=shard.rows)
    return Estimate(low=0, likely=shard.rows // 2, high=shard.rows)


def list_test(sieve: Sieve, shard: Shard) -> ListTest:
    """Return what the kernels of inverted lists can test of a filter, and whether that is all of it."""
    return ListTest(first=UNDATED, last=LATEST, sensors=None, exact=sieve.everything)
