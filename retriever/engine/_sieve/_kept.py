"""The last rows that passed: pages of one answer, facets beside it and its map ask for the same ones again."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from weakref import ReferenceType, ref

import numpy as np
from numpy.typing import NDArray

from retriever._expression import Expression
from retriever.engine._shard import Shard
from retriever.engine._sieve._model import Passing

MAX_BYTES = 32 * 1024 * 1024
"""Most memory that is kept: 250 filters of a million rows, 2 of a hundred million."""

_Key = tuple[int, Expression | None, int]


class _Entry:
    """An answer, with what the numbers in its key stand for: it counts only while these are still the same."""

    def __init__(self, shard: Shard, alive: NDArray[np.uint64] | None, found: Passing) -> None:
        self.shard: ReferenceType[Shard] = ref(shard)
        self.alive = alive
        self.found = found

    @property
    def size(self) -> int:
        """Bytes it takes."""
        return self.found.words.nbytes + self.found.blocks.nbytes


class _Kept:
    """Answers, the longest unused of which are forgotten; safe to use from many threads at once."""

    def __init__(self) -> None:
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, shard: Shard, where: Expression | None, alive: NDArray[np.uint64] | None) -> Passing | None:
        key = (id(shard), where, id(alive))
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.shard() is not shard:
                return None
            self._entries.move_to_end(key)
            return entry.found

    def put(self, shard: Shard, where: Expression | None, alive: NDArray[np.uint64] | None, found: Passing) -> None:
        entry, key = _Entry(shard, alive, found), (id(shard), where, id(alive))
        if entry.size > MAX_BYTES:
            return
        with self._lock:
            before = self._entries.pop(key, None)
            self._entries[key] = entry
            self._size += entry.size - (before.size if before else 0)
            while self._size > MAX_BYTES:
                self._size -= self._entries.popitem(last=False)[1].size

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._size = 0


KEPT = _Kept()
