"""The order of time: which part of it lies in a range of seconds."""

from __future__ import annotations

from retriever.engine._shard import Shard


def part_of_time(shard: Shard, first: int, last: int) -> tuple[int, int]:
    """Return the part of ``Shard.by_time`` whose seconds lie in a range, both ends included."""
    from retriever.engine._kernels._sieve import part_between  # imports numba

    begin, end = part_between(shard.seconds, shard.by_time, first, last)
    return int(begin), int(end)
