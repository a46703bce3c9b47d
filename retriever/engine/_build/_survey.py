"""A first look at the rows: how many there are, what they are called, and where the order is to be cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from core import InputError
from retriever._vector_index import Rows
from retriever.engine._build._order import KEY_COLUMNS, Keys

BUCKET_ROWS = 131_072
"""Rows that are sorted in memory at once, about: 170 MB of 384-d float16 vectors and their columns."""

MOST_BUCKETS = 256
"""Files that are open while rows are spread over them; above, buckets grow."""

_MOST_KEYS = 2**20
"""Keys kept to cut the order by: of more rows every second one, every fourth..."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Survey:
    """What was seen."""

    rows: int
    """Number of them."""
    sensors: tuple[str, ...]
    """Names, the most frequent first: those that do not fit a byte are the rare ones."""
    collections: tuple[str, ...]
    """Likewise."""
    borders: Keys
    """The first keys of all buckets but the first, rising."""


def survey(rows: Rows, *, bucket_rows: int = BUCKET_ROWS) -> Survey:
    """Look at the rows once, at the columns that order them and at the names.

    Raises:
        InputError: There are none.
        StoreError: They cannot be read.
    """
    keys, count = _Thinned(), 0
    names: dict[str, Counter[str]] = {"sensor": Counter(), "collection": Counter()}
    for batch in rows.scan([*KEY_COLUMNS, *names]):
        count += batch.num_rows
        keys.add(Keys.of(batch))
        for column, counter in names.items():
            _count(counter, batch[column])
    if not count:
        raise InputError("the index holds no tiles yet, so there is nothing to make a search snapshot of")
    borders = _borders(keys.all(), min(-(-count // bucket_rows), MOST_BUCKETS))
    return Survey(
        rows=count, sensors=_ranked(names["sensor"]), collections=_ranked(names["collection"]), borders=borders
    )


class _Thinned:
    """Keys of every n-th row, n doubled when they become too many."""

    def __init__(self) -> None:
        self._parts: list[Keys] = []
        self._step = 1
        self._next = 0
        self._held = 0

    def add(self, keys: Keys) -> None:
        self._parts.append(keys[slice(self._next, None, self._step)])
        self._next = (self._next - len(keys)) % self._step
        self._held += len(self._parts[-1])
        if self._held > _MOST_KEYS:
            self._parts = [self.all()[slice(None, None, 2)]]
            self._held = len(self._parts[0])
            self._step *= 2

    def all(self) -> Keys:
        return Keys.joined(self._parts)


def _borders(keys: Keys, buckets: int) -> Keys:
    rising = keys.order()
    return keys[rising[[len(keys) * number // buckets for number in range(1, buckets)]]]


def _count(counter: Counter[str], names: pa.Array) -> None:
    for entry in names.value_counts().to_pylist():
        counter[entry["values"]] += entry["counts"]


def _ranked(counts: Counter[str]) -> tuple[str, ...]:
    return tuple(sorted(counts, key=lambda name: (-counts[name], name)))


def extended(known: Sequence[str], found: Sequence[str]) -> tuple[str, ...]:
    """Return the names that are known, in their places, and new ones after them."""
    return (*known, *(name for name in found if name not in set(known)))
