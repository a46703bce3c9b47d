"""How fast this machine reads memory: the floor under any search that must read something."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

SIZE = 1 << 30
"""Bytes read: many times any cache."""

ROUNDS = 5


def bandwidth() -> dict[str, float]:
    """Return bytes a second, read in order, with one thread and with two."""
    numbers = np.ones(SIZE // 8, np.uint64)
    total = _kernel()
    total(numbers[:8])
    return {"one": _read(total, numbers, 1), "two": _read(total, numbers, 2)}


def _kernel() -> Any:
    from numba import njit

    @njit(nogil=True)
    def total(numbers):  # type: ignore[no-untyped-def]
        found = np.uint64(0)
        for number in numbers:
            found += number
        return found

    return total


def _read(total: Any, numbers: Any, threads: int) -> float:
    parts = np.array_split(numbers, threads)
    with ThreadPoolExecutor(threads) as pool:
        best = min(_time(pool, total, parts) for _ in range(ROUNDS))
    return float(numbers.nbytes / best)


def _time(pool: ThreadPoolExecutor, total: Any, parts: Any) -> float:
    start = time.perf_counter()
    list(pool.map(total, parts))
    return time.perf_counter() - start
